package maildir

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// ErrBadArchive says that an archive is no tar archive of a Maildir.
var ErrBadArchive = errors.New("maildir: not a tar archive of a Maildir")

// extract writes a tar archive's files below dir. Only what a Maildir has is taken: directories and plain files, at most
// three levels below Maildir/, and second names of these files, which tar makes of a message and its copy. Names that lead
// elsewhere, symbolic links and devices are ErrBadArchive, so that an archive from anywhere can do no harm.
func extract(ctx context.Context, r io.Reader, dir string) (done Archived, err error) {
	end := &zeroTail{r: readerOf(ctx, r)}
	in := tar.NewReader(end)
	for {
		h, err := in.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return done, badArchive(ctx, err)
		}
		rel, ok := withinMaildir(h.Name)
		if !ok {
			return done, fmt.Errorf("%w: it holds %q", ErrBadArchive, h.Name)
		}
		to, size := filepath.Join(dir, "Maildir", rel), h.Size
		switch h.Typeflag {
		case tar.TypeDir:
			err = os.MkdirAll(to, 0o700)
		case tar.TypeReg:
			err = extractFile(in, h, to)
		case tar.TypeLink:
			size, err = extractLink(h, dir, to)
		default:
			return done, fmt.Errorf("%w: %q is neither a file nor a directory", ErrBadArchive, h.Name)
		}
		if err != nil {
			return done, badArchive(ctx, err)
		}
		if h.Typeflag != tar.TypeDir && isMessagePath(rel) {
			done.Messages++
			done.Bytes += size
		}
	}
	if end.zeros < 2*512 {
		return done, fmt.Errorf("%w: its end is missing", ErrBadArchive)
	}
	if st, err := os.Stat(filepath.Join(dir, "Maildir", "cur")); err != nil || !st.IsDir() {
		return done, fmt.Errorf("%w: it has no Maildir/cur", ErrBadArchive)
	}
	return done, nil
}

// zeroTail counts the zero bytes that came last. Two blocks of them end a tar archive, and the package tar takes one without
// them, which may have been cut.
type zeroTail struct {
	r     io.Reader
	zeros int
}

func (z *zeroTail) Read(p []byte) (int, error) {
	n, err := z.r.Read(p)
	tail := len(bytes.TrimRight(p[:n], "\x00"))
	if tail > 0 {
		z.zeros = 0
	}
	z.zeros += n - tail
	return n, err
}

// badArchive tells trouble with the archive from trouble with this disk, and from a caller who gave up.
func badArchive(ctx context.Context, err error) error {
	if errors.Is(err, tar.ErrHeader) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, os.ErrExist) {
		return fmt.Errorf("%w: %w", ErrBadArchive, err)
	}
	if cause := ctx.Err(); cause != nil {
		return cause
	}
	return err
}

// withinMaildir gives the path below Maildir/ that an archive's name means.
func withinMaildir(name string) (string, bool) {
	name = path.Clean(strings.TrimPrefix(name, "./"))
	if name == "Maildir" {
		return ".", true
	}
	rel, ok := strings.CutPrefix(name, "Maildir/")
	return rel, ok && filepath.IsLocal(rel) && strings.Count(rel, "/") <= 2
}

// extractFile makes a new file with the archive's contents and modification time.
func extractFile(in io.Reader, h *tar.Header, to string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, in)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Chtimes(to, h.ModTime, h.ModTime)
	}
	return err
}

// extractLink gives a file that came before a second name. There are no symbolic links below dir that it could lead astray by.
func extractLink(h *tar.Header, dir, to string) (int64, error) {
	rel, ok := withinMaildir(h.Linkname)
	if !ok {
		return 0, fmt.Errorf("%w: it links %q to %q", ErrBadArchive, h.Name, h.Linkname)
	}
	from := filepath.Join(dir, "Maildir", rel)
	st, err := os.Lstat(from)
	if isMissing(err) || err == nil && !st.Mode().IsRegular() {
		return 0, fmt.Errorf("%w: %q is no file before %q", ErrBadArchive, h.Linkname, h.Name)
	}
	if err == nil {
		err = os.MkdirAll(filepath.Dir(to), 0o700)
	}
	if err != nil {
		return 0, err
	}
	if err = os.Link(from, to); err == nil || errors.Is(err, os.ErrExist) {
		return st.Size(), err
	}
	src, err := os.Open(from) // a file system without links, say
	if err != nil {
		return 0, err
	}
	defer src.Close()
	return st.Size(), extractFile(src, h, to)
}
