package maildir

import (
	"context"
	"errors"
	"strings"

	"bascule/maildir/disk"
)

// lookForFolders notices folders that other programs have made, renamed or removed, by
// the time of the Maildir itself. It costs a stat if nothing changed there, and a list of
// its names if something did.
func (a *Account) lookForFolders(ctx context.Context) error {
	changed := false
	err := a.glance(ctx, func() (err error) {
		changed, err = a.foldersChanged()
		return err
	})
	if err != nil || !changed {
		return err
	}
	return a.write(ctx, func(w *writing) error {
		if err := w.importFolders(); err != nil {
			return err
		}
		for _, f := range a.byID {
			if f.row.Dir == "" {
				continue
			}
			if there, err := a.dir.HasFolder(f.row.Dir); err != nil || there {
				continue // an error is told to who opens it
			}
			if err := w.folderVanished(f); err != nil && !errors.Is(err, errPending) {
				return err
			}
		}
		return nil
	})
}

// foldersChanged says whether the folders on disk are others than those of the index.
func (a *Account) foldersChanged() (bool, error) {
	st, err := a.dir.FS().Stat(a.dir.Root())
	if err != nil || st.MTime == a.rootAt {
		return false, err
	}
	entries, err := a.dir.FS().ReadDir(a.dir.Root())
	if err != nil {
		return false, err
	}
	known := make(map[string]bool, len(a.byID))
	for _, f := range a.byID {
		known[f.row.Dir] = true
	}
	found := 1 // INBOX
	for _, e := range entries {
		if !e.Dir || len(e.Name) < 2 || e.Name[0] != '.' {
			continue
		}
		if known[e.Name] {
			found++
			continue
		}
		if strings.EqualFold(e.Name, ".INBOX") {
			continue
		}
		if _, err := disk.FolderName(e.Name, a.encoding()); err != nil {
			continue
		}
		if there, err := a.dir.HasFolder(e.Name); err != nil || there {
			return err == nil, nil
		}
	}
	if found != len(a.byID) {
		return true, nil
	}
	if !isYoung(st.MTime) {
		a.rootAt = st.MTime
	}
	return false, nil
}
