package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"
)

// maxRemoveDepth bounds how deep a removal goes: a folder's files lie at depth 2; Courier keeps keywords one deeper.
const maxRemoveDepth = 16

// RemoveFolder removes a folder with all its messages. It is renamed into tmp/ first and that is made durable, so after a
// crash it is there as it was or gone; what could not be deleted is left to Sweep and is not an error. A missing folder is done.
func (m *Maildir) RemoveFolder(folder string) error {
	if err := m.removeFolder(folder); err != nil {
		return fmt.Errorf("disk: remove folder %q: %w", folder, err)
	}
	return nil
}

func (m *Maildir) removeFolder(folder string) error {
	if err := checkDir(folder); err != nil {
		return err
	}
	removing := m.Path("", Tmp) + "/" + removingPrefix + m.namer.Unique(time.Now())
	err := m.moveDir(m.Dir(folder), removing)
	if errors.Is(err, fs.ErrNotExist) {
		if _, serr := m.fs.Stat(m.Dir(folder)); serr == nil {
			// The folder is there, so tmp/ is not.
			if err = m.makeSubs(m.root, Tmp); err == nil {
				err = m.moveDir(m.Dir(folder), removing)
			}
		} else if errors.Is(serr, fs.ErrNotExist) {
			return m.fs.SyncDir(m.root)
		}
	}
	if err != nil {
		return err
	}
	if err := m.fs.SyncDir(m.root); err != nil {
		return err
	}
	if err := m.fs.SyncDir(filepath.Dir(removing)); err != nil {
		return err
	}
	m.removeAll(removing, maxRemoveDepth)
	return nil
}

// removeAll deletes a directory with its contents, never following links. What another process deletes at the same
// time is no error.
func (m *Maildir) removeAll(dir string, depth int) error {
	if depth == 0 {
		return fmt.Errorf("disk: remove %s: too deep", dir)
	}
	names, err := m.fs.ReadDirNames(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var first error
	for _, name := range names {
		path := dir + "/" + name
		// Unlink first and look only if that fails: nearly everything is a file, and unlink does not follow links.
		err := m.fs.Remove(path)
		if err == nil || errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if st, serr := m.fs.Stat(path); serr == nil && st.IsDir() {
			err = m.removeAll(path, depth-1)
		}
		if err != nil && first == nil {
			first = err
		}
	}
	if first != nil {
		return first
	}
	if err := m.fs.RemoveDir(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
