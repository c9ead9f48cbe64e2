package maildir

import (
	"archive/tar"
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"bascule/maildir/index"
)

// A backup is a tar archive of the account's Maildir as it is at one moment, with the lists of UIDs in it: what tar makes
// of an account that nobody uses. The moment is short: under the account's write lock every file gets a second link, and
// the archive is written of these.

// Archived says what a backup or a restore has moved.
type Archived struct {
	Messages int
	Bytes    int64 // of messages on disk
}

// Backup writes the account's mail to w, as a tar archive with names below Maildir/, while others use it. Changes wait while
// the files get their links (about ten microseconds a message). After an error the archive is not whole.
func (a *Account) Backup(ctx context.Context, w io.Writer) (Archived, error) {
	if err := a.open(ctx); err != nil {
		return Archived{}, err
	}
	held, err := a.workDir("backup")
	if err != nil {
		return Archived{}, fmt.Errorf("maildir: back up %s: %w", a.address, err)
	}
	defer os.RemoveAll(held)
	err = a.write(ctx, func(w *writing) error { return w.hold(ctx, held) })
	var done Archived
	if err == nil {
		done, err = archive(ctx, held, w)
	}
	if err != nil {
		return Archived{}, fmt.Errorf("maildir: back up %s: %w", a.address, err)
	}
	return done, nil
}

// workDir makes an empty directory beside the Maildir.
func (a *Account) workDir(purpose string) (string, error) {
	return workDir(filepath.Dir(a.dir.Root()), purpose, a.store.opts.Now())
}

func workDir(parent, purpose string, now time.Time) (string, error) {
	sweepWork(parent, now)
	return os.MkdirTemp(parent, purpose+".*.tmp")
}

// sweepWork removes what killed backups and restores left long ago: their links keep the space of mail that is deleted.
func sweepWork(parent string, now time.Time) {
	entries, err := os.ReadDir(parent)
	if err != nil {
		return
	}
	for _, e := range entries {
		name := e.Name()
		if !strings.HasSuffix(name, ".tmp") || !strings.HasPrefix(name, "backup.") && !strings.HasPrefix(name, "restore.") {
			continue
		}
		if st, err := e.Info(); err == nil && now.Sub(st.ModTime()) > sweepEvery {
			os.RemoveAll(filepath.Join(parent, name))
		}
	}
}

// hold completes the lists of UIDs and links all files. The write lock is held.
func (w *writing) hold(ctx context.Context, dir string) error {
	a := w.a
	for _, f := range a.byID {
		if err := f.wholeMirror(w.Tx); err != nil {
			return err
		}
	}
	return a.dir.Hold(ctx, dir)
}

// wholeMirror writes the folder's list of UIDs whole: of an archive no part is lost that a crash could lose of the file.
func (f *folder) wholeMirror(tx index.Tx) error {
	if f.row.Messages == 0 && f.row.Reserved == 0 {
		return nil // it has none yet, and there is nothing to tell
	}
	err := f.completeMirror(tx)
	if isMissing(err) {
		return nil // another program has removed the folder, and nobody has looked since
	}
	return err
}

// archive writes the files in dir as a tar archive.
func archive(ctx context.Context, dir string, w io.Writer) (done Archived, err error) {
	out := tar.NewWriter(w)
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		n, added, err := addToArchive(out, path, filepath.ToSlash(filepath.Join("Maildir", rel)), d)
		if err != nil {
			return err
		}
		if added && isMessagePath(rel) {
			done.Messages++
			done.Bytes += n
		}
		return nil
	})
	if err == nil {
		err = out.Close()
	}
	return done, err
}

// isMessagePath says whether a path within a Maildir is a message's.
func isMessagePath(rel string) bool {
	sub := filepath.Base(filepath.Dir(rel))
	return (sub == "cur" || sub == "new") && !strings.HasPrefix(filepath.Base(rel), ".")
}

// addToArchive adds a directory, or a file, and gives its size. A symbolic link is what it leads to, as for who reads mail;
// what is neither, such as a link that leads nowhere, is left out.
func addToArchive(out *tar.Writer, path, name string, d fs.DirEntry) (size int64, added bool, err error) {
	info, err := d.Info()
	if err == nil && info.Mode()&fs.ModeSymlink != 0 {
		if info, err = os.Stat(path); isMissing(err) || err == nil && info.IsDir() {
			return 0, false, nil
		}
	}
	if err != nil || !info.IsDir() && !info.Mode().IsRegular() {
		return 0, false, err
	}
	h, err := tar.FileInfoHeader(info, "")
	if err != nil {
		return 0, false, err
	}
	h.Name, h.ModTime = name, info.ModTime().Truncate(time.Second) // the package would round, and with it INTERNALDATE
	if info.IsDir() {
		h.Name += "/"
		return 0, true, out.WriteHeader(h)
	}
	if err := out.WriteHeader(h); err != nil {
		return 0, false, err
	}
	file, err := os.Open(path)
	if err != nil {
		return 0, false, err
	}
	defer file.Close()
	size, err = io.Copy(out, file)
	return size, err == nil, err
}
