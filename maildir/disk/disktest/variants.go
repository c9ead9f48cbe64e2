package disktest

import (
	"io/fs"
	"path/filepath"

	"bascule/maildir/disk"
)

// LinkRenameFS renames as file systems must that lack the flag of renameat2: a link, a sync, then an unlink, each a
// call that can fail. Put it over a FaultFS.
type LinkRenameFS struct{ disk.FS }

// RenameNoReplace links, syncs and removes; directories are renamed after a look.
func (f LinkRenameFS) RenameNoReplace(oldname, newname string) error {
	st, err := f.FS.Stat(oldname)
	if err != nil {
		return err
	}
	if st.IsDir() {
		if _, err := f.FS.Stat(newname); err == nil {
			return &fs.PathError{Op: "rename", Path: newname, Err: fs.ErrExist}
		}
		return f.FS.Rename(oldname, newname)
	}
	if err := f.FS.Link(oldname, newname); err != nil {
		return err
	}
	if err := f.FS.SyncDir(filepath.Dir(newname)); err != nil {
		return err
	}
	return f.FS.Remove(oldname)
}
