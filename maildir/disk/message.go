package disk

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"
)

// Place is where a message file lies.
type Place struct {
	Folder string // directory: "" or ".A.B"
	Sub    Sub
	File   string // file name with flags
}

// PathOf is the path of a message file.
func (m *Maildir) PathOf(p Place) string {
	// In one piece: bulk changes make two for every message.
	if p.Folder == "" {
		return m.root + "/" + p.Sub.String() + "/" + p.File
	}
	return m.root + "/" + p.Folder + "/" + p.Sub.String() + "/" + p.File
}

// TmpPlace is a file in the folder's tmp/ under its unique name, for operations that an intent log repeats.
func TmpPlace(folder, unique string) Place { return Place{Folder: folder, Sub: Tmp, File: unique} }

// Open opens a message file for reading. OSFile gives the *os.File. A missing one is fs.ErrNotExist.
func (m *Maildir) Open(p Place) (File, error) {
	f, err := m.fs.Open(m.PathOf(p))
	if err != nil {
		return nil, fmt.Errorf("disk: open message: %w", err)
	}
	return f, nil
}

// ReadInto reads a message file from its beginning until buf is full or the file ends. A missing one is fs.ErrNotExist.
func (m *Maildir) ReadInto(p Place, buf []byte) (int, error) {
	n, err := m.fs.ReadInto(m.PathOf(p), buf)
	if err != nil {
		return n, fmt.Errorf("disk: read message: %w", err)
	}
	return n, nil
}

// Stat looks at a message file. A missing one is fs.ErrNotExist.
func (m *Maildir) Stat(p Place) (Info, error) {
	st, err := m.fs.Stat(m.PathOf(p))
	if err != nil {
		return Info{}, fmt.Errorf("disk: stat message: %w", err)
	}
	return st, nil
}

// Rename moves a message file: from tmp/ to its final name, to other flags, or to another folder. It never replaces. It is
// idempotent: if the source is missing and the target there, or both are the same file, it is done. A target that is another
// file is ErrExists; if neither is there, ErrGone. Not durable before both subdirectories are synced, the target first.
func (m *Maildir) Rename(from, to Place) error {
	if from == to {
		return nil
	}
	if err := m.publish(m.PathOf(from), to); err != nil {
		return fmt.Errorf("disk: rename message: %w", err)
	}
	return nil
}

func (m *Maildir) publish(from string, to Place) error {
	if err := checkFile(to.File); err != nil {
		return err
	}
	target := m.PathOf(to)
	err := m.fs.RenameNoReplace(from, target)
	if errors.Is(err, fs.ErrNotExist) {
		if done, derr := m.sourceGone(from, to); derr != nil || done {
			return derr
		}
		// The source is there, so the target's directory is not.
		if err = m.needFolder(to.Folder); err == nil {
			if err = m.makeSubs(m.Dir(to.Folder), to.Sub); err == nil {
				err = m.fs.RenameNoReplace(from, target)
			}
		}
	}
	if errors.Is(err, fs.ErrExist) {
		return m.finishLinked(from, target)
	}
	return err
}

// sourceGone looks why a rename found nothing: done before, or ErrGone, or (false, nil) if the source is there.
func (m *Maildir) sourceGone(from string, to Place) (done bool, err error) {
	if _, err := m.fs.Stat(from); err == nil {
		return false, nil
	} else if !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	if _, err := m.fs.Stat(m.PathOf(to)); errors.Is(err, fs.ErrNotExist) {
		return false, ErrGone
	} else if err != nil {
		return false, err
	}
	return true, nil
}

// finishLinked ends a rename whose target exists: both names of one file are what a crash between link and unlink
// leaves; the old one goes. (rename(2) itself does nothing in that case.)
func (m *Maildir) finishLinked(from, target string) error {
	same, err := m.sameFile(from, target)
	if err != nil {
		return err
	}
	if !same {
		return ErrExists
	}
	if err := m.fs.Remove(from); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func (m *Maildir) sameFile(a, b string) (bool, error) {
	sa, err := m.fs.Stat(a)
	if err != nil {
		return false, err
	}
	sb, err := m.fs.Stat(b)
	if err != nil {
		return false, err
	}
	return SameFile(sa, sb), nil
}

// Link gives a message file a second name: a copy that costs no space. It never replaces. It is idempotent: if the target is the
// same file, or the source is missing and the target there, it is done. A target that is another file is ErrExists; neither
// there is ErrGone. Where the file system allows no (more) links the contents are copied and synced. Not durable before the
// target's subdirectory is synced.
func (m *Maildir) Link(from, to Place) error {
	if err := m.link(from, to); err != nil {
		return fmt.Errorf("disk: link message: %w", err)
	}
	return nil
}

func (m *Maildir) link(from, to Place) error {
	if err := checkFile(to.File); err != nil {
		return err
	}
	source, target := m.PathOf(from), m.PathOf(to)
	err := m.fs.Link(source, target)
	if errors.Is(err, fs.ErrNotExist) {
		if done, derr := m.sourceGone(source, to); derr != nil || done {
			return derr
		}
		if err = m.needFolder(to.Folder); err == nil {
			if err = m.makeSubs(m.Dir(to.Folder), to.Sub); err == nil {
				err = m.fs.Link(source, target)
			}
		}
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrExist):
		same, serr := m.sameFile(source, target)
		if errors.Is(serr, fs.ErrNotExist) {
			_, serr = m.sourceGone(source, to)
			return serr
		}
		if serr == nil && !same {
			return ErrExists
		}
		return serr
	case cannotLink(err):
		return m.copyFile(from, to)
	default:
		return err
	}
}

// copyFile copies contents and modification time through the target folder's tmp/.
func (m *Maildir) copyFile(from, to Place) error {
	src, err := m.fs.Open(m.PathOf(from))
	if err != nil {
		return err
	}
	defer src.Close()
	st, err := src.Stat()
	if err != nil {
		return err
	}
	in, err := m.Create(to.Folder, time.Now())
	if err != nil {
		return err
	}
	defer in.Abort()
	if _, err := io.Copy(in, src); err != nil {
		return err
	}
	in.SetTime(st.ModTime())
	return in.Publish(to.Sub, to.File)
}

// Remove removes a message file; a missing one is done. Not durable before the subdirectory is synced.
func (m *Maildir) Remove(p Place) error {
	_, err := m.Unlink(p)
	return err
}

// Unlink is Remove for who wants to know whether the file was there: another program may have renamed it.
func (m *Maildir) Unlink(p Place) (found bool, err error) {
	err = checkFile(p.File)
	if err == nil {
		err = m.fs.Remove(m.PathOf(p))
	}
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("disk: remove message: %w", err)
	}
	return true, nil
}

// checkFile refuses names that would not be a message in the folder: they could lead elsewhere or be hidden.
func checkFile(file string) error {
	if !isMessage(file) || len(file) > maxFileName {
		return fmt.Errorf("file name %q: %w", file, ErrBadName)
	}
	return nil
}
