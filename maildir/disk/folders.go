package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"
)

// FolderList is what Folders finds.
type FolderList struct {
	// Dirs are the folders' directories, sorted; the first is "", INBOX.
	Dirs []string
	// Stray are directories with a leading dot that are no folders: without cur/, or ".INBOX" in any case, which no
	// client can reach because INBOX is the root. They are for an operator to look at, never to be deleted.
	Stray []string
}

// Folders lists the folders of the Maildir.
func (m *Maildir) Folders() (FolderList, error) {
	entries, err := m.fs.ReadDir(m.root)
	if err != nil {
		return FolderList{}, fmt.Errorf("disk: list folders: %w", err)
	}
	list := FolderList{Dirs: []string{""}}
	for _, e := range entries {
		if !e.Dir || len(e.Name) < 2 || e.Name[0] != '.' {
			continue
		}
		st, err := m.fs.Stat(m.Path(e.Name, Cur))
		switch {
		case errors.Is(err, fs.ErrNotExist), err == nil && !st.IsDir():
			list.Stray = append(list.Stray, e.Name)
		case err != nil:
			return FolderList{}, fmt.Errorf("disk: list folders: %w", err)
		case strings.EqualFold(e.Name, ".INBOX"):
			list.Stray = append(list.Stray, e.Name)
		default:
			list.Dirs = append(list.Dirs, e.Name)
		}
	}
	slices.Sort(list.Dirs)
	slices.Sort(list.Stray)
	return list, nil
}

// HasFolder says whether a folder exists.
func (m *Maildir) HasFolder(folder string) (bool, error) {
	st, err := m.fs.Stat(m.Path(folder, Cur))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil && st.IsDir(), err
}

// Directories under construction and being removed live in the root's tmp/ with these prefixes. The dot keeps
// other programs from taking them for messages.
const (
	makingPrefix   = ".bascule-making."
	removingPrefix = ".bascule-removing."
)

// CreateFolder makes a folder durably with cur, new, tmp and maildirfolder. It is built aside and renamed, so a crash
// leaves the whole folder or none (and a leftover that Sweep removes). An existing one is ErrExists.
func (m *Maildir) CreateFolder(folder string) error {
	if err := m.createFolder(folder); err != nil {
		return fmt.Errorf("disk: create folder %q: %w", folder, err)
	}
	return nil
}

func (m *Maildir) createFolder(folder string) error {
	if err := checkDir(folder); err != nil {
		return err
	}
	making := m.Path("", Tmp) + "/" + makingPrefix + m.namer.Unique(time.Now())
	if err := m.mkdirInTmp(making); err != nil {
		return err
	}
	err := m.buildFolder(making)
	if err == nil {
		err = m.moveDir(making, m.Dir(folder))
	}
	if err != nil {
		m.removeAll(making, maxRemoveDepth) // best effort: Sweep removes it otherwise
		return err
	}
	return m.fs.SyncDir(m.root)
}

func (m *Maildir) buildFolder(dir string) error {
	w, err := m.fs.Create(dir+"/maildirfolder", filePerm)
	if err != nil {
		return err
	}
	err = w.Sync()
	if cerr := w.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return err
	}
	return m.makeSubs(dir, Tmp, New, Cur)
}

// mkdirInTmp makes a directory in the root's tmp/, and tmp/ itself where a cleaner removed it.
func (m *Maildir) mkdirInTmp(dir string) error {
	err := m.fs.Mkdir(dir, dirPerm)
	if errors.Is(err, fs.ErrNotExist) {
		if err := m.makeSubs(m.root, Tmp); err != nil {
			return err
		}
		err = m.fs.Mkdir(dir, dirPerm)
	}
	return err
}

// moveDir renames a directory; a target that exists, even empty, is ErrExists.
func (m *Maildir) moveDir(from, to string) error {
	err := m.fs.RenameNoReplace(from, to)
	if errors.Is(err, fs.ErrExist) {
		return ErrExists
	}
	return err
}

// RenameFolder renames one folder durably (its children are renamed by calls of their own). Repeating it is harmless:
// a missing source with a present target is done. A taken target is ErrExists, neither of them ErrGone.
func (m *Maildir) RenameFolder(from, to string) error {
	err := checkDir(from)
	if err == nil {
		err = checkDir(to)
	}
	if err == nil {
		err = m.renameFolder(from, to)
	}
	if err != nil {
		return fmt.Errorf("disk: rename folder %q to %q: %w", from, to, err)
	}
	return nil
}

func (m *Maildir) renameFolder(from, to string) error {
	err := m.moveDir(m.Dir(from), m.Dir(to))
	if errors.Is(err, fs.ErrNotExist) {
		done, serr := m.HasFolder(to)
		if serr != nil {
			return serr
		}
		if !done {
			return ErrGone
		}
		err = nil
	}
	if err != nil {
		return err
	}
	return m.fs.SyncDir(m.root)
}

// checkDir refuses directories that are not a folder's: the root, and everything that could lead elsewhere.
func checkDir(folder string) error {
	if len(folder) < 2 || folder[0] != '.' || len(folder) > maxFileName || folder == ".." || strings.ContainsAny(folder, "/\x00") {
		return ErrBadName
	}
	return nil
}
