package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"
)

// TmpAge is how old a file in tmp/ is before anybody may take it for abandoned: 36 hours, as other servers do. A delivery may
// take long, and its writer may be another host.
const TmpAge = 36 * time.Hour

// SweepTmp removes files of a folder's tmp/ whose inode did not change and whose contents were not written for at least age
// before now (0 means TmpAge). It gives the number removed; files that vanish meanwhile are no error.
func (m *Maildir) SweepTmp(folder string, age time.Duration, now time.Time) (removed int, err error) {
	if age <= 0 {
		age = TmpAge
	}
	dir := m.Path(folder, Tmp)
	names, err := m.fs.ReadDirNames(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("disk: sweep %q: %w", folder, err)
	}
	before := now.Add(-age).UnixNano()
	for _, name := range names {
		if strings.HasPrefix(name, ".") {
			continue // ours, for Sweep, or somebody's special file
		}
		st, err := m.fs.Stat(dir + "/" + name)
		if err != nil || !st.Mode.IsRegular() || st.CTime > before || st.MTime > before {
			continue
		}
		switch err := m.fs.Remove(dir + "/" + name); {
		case err == nil:
			removed++
		case !errors.Is(err, fs.ErrNotExist):
			return removed, fmt.Errorf("disk: sweep %q: %w", folder, err)
		}
	}
	return removed, nil
}

// Sweep removes what crashes left of folders: those being removed at once (another process may be at it as well, which
// is harmless), those being made after TmpAge. It gives the number of leftovers removed.
func (m *Maildir) Sweep(now time.Time) (removed int, err error) {
	dir := m.Path("", Tmp)
	entries, err := m.fs.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("disk: sweep: %w", err)
	}
	for _, e := range entries {
		path := dir + "/" + e.Name
		switch {
		case !e.Dir:
			continue
		case strings.HasPrefix(e.Name, removingPrefix):
		case strings.HasPrefix(e.Name, makingPrefix):
			st, err := m.fs.Stat(path)
			if err != nil || now.Sub(st.ModTime()) < TmpAge {
				continue
			}
		default:
			continue
		}
		if err := m.removeAll(path, maxRemoveDepth); err != nil {
			return removed, fmt.Errorf("disk: sweep: %w", err)
		}
		removed++
	}
	return removed, nil
}
