package disk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
)

// Hold keeps the Maildir's files as they are now in the directory to, which exists and is empty, on the same file system:
// a second link of each message file (a copy of its bytes where links are not to be had) and copies of the other files that
// folders have. What stands in tmp/ is left out, directories among the messages, and what a foreign program removes meanwhile. The caller keeps our
// own writers away and removes to. Nothing in it is durable.
func (m *Maildir) Hold(ctx context.Context, to string) error {
	list, err := m.Folders()
	if err != nil {
		return err
	}
	held := &Maildir{root: to, fs: m.fs, namer: m.namer}
	for _, folder := range list.Dirs {
		if err := m.holdFolder(ctx, folder, held); err != nil {
			return fmt.Errorf("disk: hold %q: %w", folder, err)
		}
	}
	return nil
}

func (m *Maildir) holdFolder(ctx context.Context, folder string, held *Maildir) error {
	if folder != "" {
		if err := m.fs.Mkdir(held.Dir(folder), dirPerm); err != nil {
			return err
		}
	}
	for _, sub := range []Sub{Tmp, New, Cur} {
		if err := m.fs.Mkdir(held.Path(folder, sub), dirPerm); err != nil {
			return err
		}
	}
	if err := m.holdOthers(folder, held); err != nil {
		return err
	}
	for _, sub := range []Sub{New, Cur} {
		names, err := m.fs.ReadDirNames(m.Path(folder, sub))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		for _, name := range names {
			if err := ctx.Err(); err != nil {
				return err
			}
			err := linkOrCopy(m.fs, m.Path(folder, sub)+"/"+name, held.Path(folder, sub)+"/"+name)
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	return nil
}

// holdOthers copies the files of a folder that are no messages: they are changed in place. Locks and files that are just
// being replaced belong to their writers.
func (m *Maildir) holdOthers(folder string, held *Maildir) error {
	entries, err := m.fs.ReadDir(m.Dir(folder))
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Dir || strings.HasSuffix(e.Name, ".lock") || strings.HasSuffix(e.Name, ".bascule-tmp") {
			continue
		}
		from := m.Dir(folder) + "/" + e.Name
		st, err := m.fs.Stat(from)
		if errors.Is(err, fs.ErrNotExist) || err == nil && !st.Mode.IsRegular() {
			continue
		}
		if err == nil {
			err = copyTo(m.fs, from, held.Dir(folder)+"/"+e.Name)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

func linkOrCopy(f FS, from, to string) error {
	err := f.Link(from, to)
	if !cannotLink(err) {
		return err
	}
	if st, serr := f.Stat(from); serr != nil || !st.Mode.IsRegular() {
		return serr // a directory is no message, and has no links either
	}
	return copyTo(f, from, to)
}

// copyTo copies contents and modification time to a new file.
func copyTo(f FS, from, to string) error {
	src, err := f.Open(from)
	if err != nil {
		return err
	}
	defer src.Close()
	st, err := src.Stat()
	if err != nil {
		return err
	}
	dst, err := f.Create(to, filePerm)
	if err != nil {
		return err
	}
	_, err = io.Copy(dst, src)
	if cerr := dst.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = f.Chtimes(to, st.ModTime())
	}
	return err
}
