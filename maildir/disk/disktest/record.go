package disktest

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"bascule/maildir/disk"
)

// RecordFS works on the real directory root through disk.OS and notes everything that is done to it, in order. Calls on
// paths outside root are passed on and not noted. Safe for concurrent use.
type RecordFS struct {
	disk.FS
	root string
	base *node // contents of root when recording began; taken for durable

	// mu protects the fields below and keeps the order of notes the order of calls.
	mu      sync.Mutex
	ops     []op
	handles int
}

// op is one thing done.
type op struct {
	kind   string
	path   string // relative to root
	to     string // of link and rename
	handle int    // of create, append, write, sync
	data   []byte
	size   int64
	mtime  time.Time
	perm   fs.FileMode
	copy   func(dir string) error // of mark
}

// NewRecordFS begins to record what happens to root, whose present contents count as durable.
func NewRecordFS(root string) (*RecordFS, error) {
	abs, err := filepath.Abs(root)
	if err != nil {
		return nil, fmt.Errorf("disktest: record %s: %w", root, err)
	}
	base, err := readTree(abs)
	if err != nil {
		return nil, fmt.Errorf("disktest: record %s: %w", root, err)
	}
	return &RecordFS{FS: disk.OS, root: abs, base: base}, nil
}

// Len is the number of calls noted so far; Replay takes any number up to it.
func (r *RecordFS) Len() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.ops)
}

// Describe names the i-th call, from 0.
func (r *RecordFS) Describe(i int) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	o := r.ops[i]
	return strings.TrimSpace(fmt.Sprintf("%s %s %s", o.kind, o.path, o.to))
}

// Mark notes that something happened which does not go through FS, such as a database commit. Replay of a longer beginning calls copy
// (of the last mark with this label) with the directory it built, to put there what the database would be.
func (r *RecordFS) Mark(label string, copy func(dir string) error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ops = append(r.ops, op{kind: "mark", path: label, copy: copy})
}

// rel gives the path under root.
func (r *RecordFS) rel(path string) (string, bool) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", false
	}
	rel, err := filepath.Rel(r.root, abs)
	return rel, err == nil && rel != ".." && !strings.HasPrefix(rel, "../")
}

// do makes the call and notes it if it succeeded.
func (r *RecordFS) do(o op, call func() error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := call(); err != nil {
		return err
	}
	r.noteLocked(o)
	return nil
}

func (r *RecordFS) noteLocked(o op) {
	var ok bool
	if o.handle == 0 || o.kind == "create" || o.kind == "append" {
		if o.path, ok = r.rel(o.path); !ok {
			return
		}
	}
	if o.to != "" {
		if o.to, ok = r.rel(o.to); !ok {
			return
		}
	}
	r.ops = append(r.ops, o)
}

func (r *RecordFS) open(kind, path string, perm fs.FileMode, open func(string, fs.FileMode) (disk.File, error)) (disk.File, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f, err := open(path, perm)
	if err != nil {
		return nil, err
	}
	r.handles++
	r.noteLocked(op{kind: kind, path: path, perm: perm, handle: r.handles})
	return &recordFile{File: f, rec: r, handle: r.handles}, nil
}

func (r *RecordFS) Create(path string, perm fs.FileMode) (disk.File, error) {
	return r.open("create", path, perm, r.FS.Create)
}

func (r *RecordFS) Append(path string) (disk.File, error) {
	return r.open("append", path, 0, func(path string, _ fs.FileMode) (disk.File, error) { return r.FS.Append(path) })
}

func (r *RecordFS) Link(oldname, newname string) error {
	return r.do(op{kind: "link", path: oldname, to: newname}, func() error { return r.FS.Link(oldname, newname) })
}

func (r *RecordFS) Rename(oldname, newname string) error {
	return r.do(op{kind: "rename", path: oldname, to: newname}, func() error { return r.FS.Rename(oldname, newname) })
}

func (r *RecordFS) RenameNoReplace(oldname, newname string) error {
	return r.do(op{kind: "rename", path: oldname, to: newname}, func() error { return r.FS.RenameNoReplace(oldname, newname) })
}

func (r *RecordFS) Remove(path string) error {
	return r.do(op{kind: "remove", path: path}, func() error { return r.FS.Remove(path) })
}

func (r *RecordFS) RemoveDir(path string) error {
	return r.do(op{kind: "remove", path: path}, func() error { return r.FS.RemoveDir(path) })
}

func (r *RecordFS) Mkdir(path string, perm fs.FileMode) error {
	return r.do(op{kind: "mkdir", path: path, perm: perm}, func() error { return r.FS.Mkdir(path, perm) })
}

// SyncDir only takes note: the machine that runs the test is not going to lose power.
func (r *RecordFS) SyncDir(path string) error {
	return r.do(op{kind: "syncdir", path: path}, func() error {
		_, err := os.Stat(path)
		return err
	})
}

func (r *RecordFS) Chtimes(path string, mtime time.Time) error {
	return r.do(op{kind: "chtimes", path: path, mtime: mtime}, func() error { return r.FS.Chtimes(path, mtime) })
}

func (r *RecordFS) Truncate(path string, size int64) error {
	return r.do(op{kind: "truncate", path: path, size: size}, func() error { return r.FS.Truncate(path, size) })
}

// recordFile notes what is written to a file.
type recordFile struct {
	disk.File
	rec    *RecordFS
	handle int
}

// Unwrap lets disk.OSFile find the *os.File.
func (f *recordFile) Unwrap() disk.File { return f.File }

func (f *recordFile) Write(p []byte) (int, error) {
	f.rec.mu.Lock()
	defer f.rec.mu.Unlock()
	n, err := f.File.Write(p)
	if n > 0 {
		f.rec.noteLocked(op{kind: "write", handle: f.handle, data: append([]byte(nil), p[:n]...)})
	}
	return n, err
}

// Sync only takes note, see SyncDir.
func (f *recordFile) Sync() error {
	f.rec.mu.Lock()
	defer f.rec.mu.Unlock()
	f.rec.noteLocked(op{kind: "sync", handle: f.handle})
	return nil
}
