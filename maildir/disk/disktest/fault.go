package disktest

import (
	"errors"
	"io/fs"
	"sync"
	"time"

	"bascule/maildir/disk"
)

// ErrKilled is what every call returns after the process "died".
var ErrKilled = errors.New("disktest: the process died here")

// FaultFS passes calls on to FS, counts them, and lets the At-th one fail. Set the fields before use. Safe for
// concurrent use.
type FaultFS struct {
	FS disk.FS
	// At is the number of the call that fails, from 1; 0 means none.
	At int
	// Err is what it returns, syscall.ENOSPC for example. nil means that the process dies: this call and all that follow do
	// nothing and return ErrKilled. A Write that fails has written half of its bytes in either case.
	Err error
	// All counts reading calls as well (Open, Read, Stat, …); otherwise only those that change something.
	All bool
	// Match, if set, picks the calls that count. op is the method's name in lower case, path its (first) path.
	Match func(op, path string) bool

	// mu protects the fields below.
	mu    sync.Mutex
	count int
	dead  bool
	fired string
}

// Count is the number of calls so far.
func (f *FaultFS) Count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.count
}

// Fired says which call failed, as "op path", or is empty.
func (f *FaultFS) Fired() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.fired
}

// Revive ends the death and the faults: the process was started again.
func (f *FaultFS) Revive() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.dead, f.At = false, 0
}

func (f *FaultFS) change(op, path string) error { return f.step(op, path, true) }
func (f *FaultFS) read(op, path string) error   { return f.step(op, path, f.All) }

// step counts a call and says how it fails.
func (f *FaultFS) step(op, path string, counts bool) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.dead {
		return ErrKilled
	}
	if !counts || f.Match != nil && !f.Match(op, path) {
		return nil
	}
	f.count++
	if f.count != f.At {
		return nil
	}
	f.fired = op + " " + path
	if f.Err == nil {
		f.dead = true
		return ErrKilled
	}
	return &fs.PathError{Op: op, Path: path, Err: f.Err}
}

func (f *FaultFS) open(op, path string, err error, open func() (disk.File, error)) (disk.File, error) {
	if err != nil {
		return nil, err
	}
	file, err := open()
	if err != nil {
		return nil, err
	}
	return &faultFile{File: file, fs: f, path: path}, nil
}

func (f *FaultFS) Create(path string, perm fs.FileMode) (disk.File, error) {
	return f.open("create", path, f.change("create", path), func() (disk.File, error) { return f.FS.Create(path, perm) })
}

func (f *FaultFS) Append(path string) (disk.File, error) {
	return f.open("append", path, f.change("append", path), func() (disk.File, error) { return f.FS.Append(path) })
}

func (f *FaultFS) Open(path string) (disk.File, error) {
	return f.open("open", path, f.read("open", path), func() (disk.File, error) { return f.FS.Open(path) })
}

func (f *FaultFS) ReadInto(path string, buf []byte) (int, error) {
	if err := f.read("read", path); err != nil {
		return 0, err
	}
	return f.FS.ReadInto(path, buf)
}

func (f *FaultFS) Link(oldname, newname string) error {
	if err := f.change("link", oldname); err != nil {
		return err
	}
	return f.FS.Link(oldname, newname)
}

func (f *FaultFS) Rename(oldname, newname string) error {
	if err := f.change("rename", oldname); err != nil {
		return err
	}
	return f.FS.Rename(oldname, newname)
}

func (f *FaultFS) RenameNoReplace(oldname, newname string) error {
	if err := f.change("renamenoreplace", oldname); err != nil {
		return err
	}
	return f.FS.RenameNoReplace(oldname, newname)
}

func (f *FaultFS) Remove(path string) error {
	if err := f.change("remove", path); err != nil {
		return err
	}
	return f.FS.Remove(path)
}

func (f *FaultFS) RemoveDir(path string) error {
	if err := f.change("removedir", path); err != nil {
		return err
	}
	return f.FS.RemoveDir(path)
}

func (f *FaultFS) Mkdir(path string, perm fs.FileMode) error {
	if err := f.change("mkdir", path); err != nil {
		return err
	}
	return f.FS.Mkdir(path, perm)
}

func (f *FaultFS) ReadDirNames(path string) ([]string, error) {
	if err := f.read("readdirnames", path); err != nil {
		return nil, err
	}
	return f.FS.ReadDirNames(path)
}

func (f *FaultFS) ReadDir(path string) ([]disk.DirEntry, error) {
	if err := f.read("readdir", path); err != nil {
		return nil, err
	}
	return f.FS.ReadDir(path)
}

func (f *FaultFS) Stat(path string) (disk.Info, error) {
	if err := f.read("stat", path); err != nil {
		return disk.Info{}, err
	}
	return f.FS.Stat(path)
}

func (f *FaultFS) SyncDir(path string) error {
	if err := f.change("syncdir", path); err != nil {
		return err
	}
	return f.FS.SyncDir(path)
}

func (f *FaultFS) Chtimes(path string, mtime time.Time) error {
	if err := f.change("chtimes", path); err != nil {
		return err
	}
	return f.FS.Chtimes(path, mtime)
}

func (f *FaultFS) Truncate(path string, size int64) error {
	if err := f.change("truncate", path); err != nil {
		return err
	}
	return f.FS.Truncate(path, size)
}

// faultFile passes the calls on an open file through the FaultFS.
type faultFile struct {
	disk.File
	fs   *FaultFS
	path string
}

// Unwrap lets disk.OSFile find the *os.File.
func (f *faultFile) Unwrap() disk.File { return f.File }

func (f *faultFile) Write(p []byte) (int, error) {
	wasDead := f.fs.isDead()
	if err := f.fs.change("write", f.path); err != nil {
		if wasDead {
			return 0, err
		}
		n, _ := f.File.Write(p[:len(p)/2])
		return n, err
	}
	return f.File.Write(p)
}

func (f *FaultFS) isDead() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.dead
}

func (f *faultFile) Sync() error {
	if err := f.fs.change("sync", f.path); err != nil {
		return err
	}
	return f.File.Sync()
}

func (f *faultFile) Read(p []byte) (int, error) {
	if err := f.fs.read("read", f.path); err != nil {
		return 0, err
	}
	return f.File.Read(p)
}

func (f *faultFile) ReadAt(p []byte, off int64) (int, error) {
	if err := f.fs.read("readat", f.path); err != nil {
		return 0, err
	}
	return f.File.ReadAt(p, off)
}

func (f *faultFile) Seek(off int64, whence int) (int64, error) {
	if err := f.fs.read("seek", f.path); err != nil {
		return 0, err
	}
	return f.File.Seek(off, whence)
}

func (f *faultFile) Stat() (fs.FileInfo, error) {
	if err := f.fs.read("fstat", f.path); err != nil {
		return nil, err
	}
	return f.File.Stat()
}

// Close always closes, as the kernel does when a process dies.
func (f *faultFile) Close() error {
	err := f.File.Close()
	if f.fs.isDead() {
		return ErrKilled
	}
	return err
}
