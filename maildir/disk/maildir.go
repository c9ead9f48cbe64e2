package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"
)

// Sub is one of the three directories of a folder.
type Sub uint8

const (
	New Sub = iota // delivered, no reader has seen it yet
	Cur            // seen by a reader; names carry flags
	Tmp            // being written
)

// String is the directory's name.
func (s Sub) String() string {
	switch s {
	case New:
		return "new"
	case Cur:
		return "cur"
	default:
		return "tmp"
	}
}

// Maildir is the Maildir++ of one account. Folders are named by their directory: "" is INBOX (the root), ".A.B" a
// sub-folder; FolderDir and FolderName translate. Safe for concurrent use.
type Maildir struct {
	root  string
	fs    FS
	namer *Namer
}

// Open opens an existing Maildir; one without cur/ is ErrNotMaildir. A missing new/ or tmp/ is made when needed.
func Open(f FS, namer *Namer, root string) (*Maildir, error) {
	m := &Maildir{root: filepath.Clean(root), fs: f, namer: namer}
	st, err := f.Stat(m.Path("", Cur))
	if errors.Is(err, fs.ErrNotExist) || err == nil && !st.IsDir() {
		return nil, fmt.Errorf("disk: open %s: %w", root, ErrNotMaildir)
	}
	if err != nil {
		return nil, fmt.Errorf("disk: open %s: %w", root, err)
	}
	return m, nil
}

// Create makes root, its missing parents and cur, new and tmp durably, and opens it. What exists is kept, so it
// finishes what a crash left.
func Create(f FS, namer *Namer, root string) (*Maildir, error) {
	m := &Maildir{root: filepath.Clean(root), fs: f, namer: namer}
	if err := MkdirAll(f, m.root); err != nil {
		return nil, fmt.Errorf("disk: create %s: %w", root, err)
	}
	// cur comes last: it is what makes a directory a Maildir.
	if err := m.makeSubs(m.root, Tmp, New, Cur); err != nil {
		return nil, fmt.Errorf("disk: create %s: %w", root, err)
	}
	return m, nil
}

// makeSubs makes subdirectories of dir that are missing and syncs dir.
func (m *Maildir) makeSubs(dir string, subs ...Sub) error {
	for _, s := range subs {
		if err := m.fs.Mkdir(filepath.Join(dir, s.String()), dirPerm); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	return m.fs.SyncDir(dir)
}

// Root is the Maildir's directory.
func (m *Maildir) Root() string { return m.root }

// FS is the file system it uses.
func (m *Maildir) FS() FS { return m.fs }

// Namer gives unique names.
func (m *Maildir) Namer() *Namer { return m.namer }

// Dir is the path of a folder.
func (m *Maildir) Dir(folder string) string {
	if folder == "" {
		return m.root
	}
	return m.root + "/" + folder
}

// Path is the path of a subdirectory of a folder.
func (m *Maildir) Path(folder string, sub Sub) string { return m.Dir(folder) + "/" + sub.String() }

// Times tells whether a folder changed: any file made, renamed or removed in new/ or cur/ changes it.
// Two equal Times taken at different moments say "nothing changed", except for what happened within the granularity of the
// file system's clock (some milliseconds): who reads a time that is younger than that must look again.
type Times struct {
	New, Cur int64  // modification times of the directories, nanoseconds since 1970; 0 if missing
	Inode    uint64 // of cur/: another one means the folder was made anew
}

// Newest is the later of the two modification times.
func (t Times) Newest() time.Time { return time.Unix(0, max(t.New, t.Cur)) }

// Times reads the folder's times with two stats. A folder that is gone is fs.ErrNotExist.
func (m *Maildir) Times(folder string) (Times, error) {
	var t Times
	st, err := m.fs.Stat(m.Path(folder, Cur))
	if err != nil {
		return Times{}, fmt.Errorf("disk: times of %q: %w", folder, err)
	}
	t.Cur, t.Inode = st.MTime, st.Inode
	st, err = m.fs.Stat(m.Path(folder, New))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Times{}, fmt.Errorf("disk: times of %q: %w", folder, err)
	}
	t.New = st.MTime
	return t, nil
}

// CurTime is Times(folder).Cur with one stat.
func (m *Maildir) CurTime(folder string) (int64, error) {
	st, err := m.fs.Stat(m.Path(folder, Cur))
	if err != nil {
		return 0, fmt.Errorf("disk: time of %q: %w", folder, err)
	}
	return st.MTime, nil
}

// Sync makes the entries of one subdirectory of a folder durable. Link, Rename, Publish and Remove leave it to the caller, so
// that many of them share one sync.
func (m *Maildir) Sync(folder string, sub Sub) error {
	if err := m.fs.SyncDir(m.Path(folder, sub)); err != nil {
		return fmt.Errorf("disk: sync %q: %w", folder, err)
	}
	return nil
}
