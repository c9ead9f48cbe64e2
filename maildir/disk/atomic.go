package disk

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
)

// Permissions of what is made. Mail belongs to one user; the umask can only take away.
const (
	filePerm = 0o600
	dirPerm  = 0o700
)

// maxSmallFile bounds files that are read whole (subscriptions, keywords …): far above any real one.
const maxSmallFile = 16 << 20

// WriteFileAtomic replaces path by data durably: a temporary file beside it is written, synced and renamed over it,
// then the directory is synced. After a crash the old or the new contents are there, whole.
func WriteFileAtomic(f FS, path string, data []byte) error {
	return replaceFile(f, path, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

// replaceFile is WriteFileAtomic for contents that are written piece by piece. The name of the temporary file is fixed,
// so that a crash leaves at most one; two writers of one file at the same moment are for the caller to keep apart, and
// the second fails here rather than mix with the first (unless the leftover is of a crash, which is removed once).
func replaceFile(f FS, path string, write func(io.Writer) error) error {
	tmp := path + ".bascule-tmp"
	w, err := f.Create(tmp, filePerm)
	if errors.Is(err, fs.ErrExist) {
		if err = f.Remove(tmp); err == nil || errors.Is(err, fs.ErrNotExist) {
			w, err = f.Create(tmp, filePerm)
		}
	}
	if err != nil {
		return fmt.Errorf("disk: replace %s: %w", path, err)
	}
	err = write(w)
	if err == nil {
		err = w.Sync()
	}
	if cerr := w.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = f.Rename(tmp, path)
	}
	if err != nil {
		f.Remove(tmp) // best effort: the next call removes it as well
		return fmt.Errorf("disk: replace %s: %w", path, err)
	}
	if err := f.SyncDir(filepath.Dir(path)); err != nil {
		return fmt.Errorf("disk: replace %s: %w", path, err)
	}
	return nil
}

// ReplaceCache replaces path by data without syncing anything: after a power failure there may be anything. It is for files that
// whoever reads them verifies and can do without. Of several writers at a time one wins, or nobody.
func ReplaceCache(f FS, path string, data []byte) error {
	tmp := path + ".bascule-tmp"
	if err := f.Remove(tmp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("disk: replace %s: %w", path, err)
	}
	w, err := f.Create(tmp, filePerm)
	if err != nil {
		return fmt.Errorf("disk: replace %s: %w", path, err)
	}
	_, err = w.Write(data)
	if cerr := w.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = f.Rename(tmp, path)
	}
	if err != nil {
		f.Remove(tmp)
		return fmt.Errorf("disk: replace %s: %w", path, err)
	}
	return nil
}

// ReadSmallFile reads a whole file of at most 16 MiB.
func ReadSmallFile(f FS, path string) ([]byte, error) {
	r, err := f.Open(path)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	data, err := io.ReadAll(io.LimitReader(r, maxSmallFile+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxSmallFile {
		return nil, fmt.Errorf("disk: read %s: more than %d bytes: %w", path, maxSmallFile, ErrBadFile)
	}
	return data, nil
}

// MkdirAll makes a directory and its missing parents durably: each new entry is synced in its parent.
func MkdirAll(f FS, path string) error {
	err := f.Mkdir(path, dirPerm)
	if errors.Is(err, fs.ErrNotExist) {
		if parent := filepath.Dir(path); parent != path {
			if err := MkdirAll(f, parent); err != nil {
				return err
			}
			err = f.Mkdir(path, dirPerm)
		}
	}
	if errors.Is(err, fs.ErrExist) {
		st, serr := f.Stat(path)
		if serr != nil {
			return serr
		}
		if !st.IsDir() {
			return err
		}
		// Sync all the same: an earlier attempt may have died between making the entry and syncing it.
		err = nil
	}
	if err != nil {
		return err
	}
	return f.SyncDir(filepath.Dir(path))
}
