package disk

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// OS is the real file system.
var OS FS = osFS{}

type osFS struct{}

func (osFS) Create(path string, perm fs.FileMode) (File, error) {
	return file(os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, perm))
}

func (osFS) Append(path string, perm fs.FileMode) (File, error) {
	return file(os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, perm))
}

// Open does without os.Open, which offers every file to the poller: a system call that the kernel refuses for regular
// files, at a third of the price of opening and reading a small message.
func (osFS) Open(path string) (File, error) {
	var fd int
	err := ignoringEINTR(func() (err error) {
		fd, err = unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
		return err
	})
	if err != nil {
		return nil, pathError("open", path, err)
	}
	return os.NewFile(uintptr(fd), path), nil
}

// file keeps a nil *os.File from becoming a File that is not nil.
func file(f *os.File, err error) (File, error) {
	if err != nil {
		return nil, err
	}
	return f, nil
}

func (osFS) Link(oldname, newname string) error   { return os.Link(oldname, newname) }
func (osFS) Rename(oldname, newname string) error { return os.Rename(oldname, newname) }

func (osFS) RenameNoReplace(oldname, newname string) error {
	err := ignoringEINTR(func() error {
		return unix.Renameat2(unix.AT_FDCWD, oldname, unix.AT_FDCWD, newname, unix.RENAME_NOREPLACE)
	})
	switch {
	case err == nil:
		return nil
	case errors.Is(err, unix.ENOSYS), errors.Is(err, unix.EINVAL), errors.Is(err, unix.ENOTSUP):
		return renameByLink(oldname, newname)
	default:
		return &os.LinkError{Op: "rename", Old: oldname, New: newname, Err: err}
	}
}

// renameByLink is RenameNoReplace for file systems without the flag (NFS, old kernels). A crash between the two
// calls leaves both names, which Maildir.Rename finishes. Directories cannot be linked: there a look beforehand must
// do, and rename(2) itself refuses to replace a directory that is not empty.
func renameByLink(oldname, newname string) error {
	st, err := os.Lstat(oldname)
	if err != nil {
		return err
	}
	if st.IsDir() {
		if _, err := os.Lstat(newname); err == nil {
			return &os.LinkError{Op: "rename", Old: oldname, New: newname, Err: fs.ErrExist}
		}
		return os.Rename(oldname, newname)
	}
	if err := os.Link(oldname, newname); err != nil {
		return err
	}
	// Were the old name's end durable before the new name, a power failure would take the message.
	if err := (osFS{}).SyncDir(filepath.Dir(newname)); err != nil {
		return err
	}
	return os.Remove(oldname)
}

func (osFS) Remove(path string) error {
	return pathError("unlink", path, ignoringEINTR(func() error { return syscall.Unlink(path) }))
}

func (osFS) RemoveDir(path string) error {
	return pathError("rmdir", path, ignoringEINTR(func() error { return syscall.Rmdir(path) }))
}

func (osFS) Mkdir(path string, perm fs.FileMode) error { return os.Mkdir(path, perm) }

// direntBlock is how much one getdents call may return. Larger blocks than the 8 KiB of package os make the scan of a
// folder of 100,000 messages measurably cheaper.
const direntBlock = 128 << 10

// ReadDirNames reads the directory in large blocks and cuts all names of a block from one string, which saves an
// allocation per message.
func (osFS) ReadDirNames(path string) ([]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var names []string
	buf := make([]byte, direntBlock)
	for {
		var n int
		err := ignoringEINTR(func() (err error) {
			n, err = unix.Getdents(int(f.Fd()), buf)
			return err
		})
		if err != nil {
			return nil, pathError("getdents", path, err)
		}
		if n <= 0 {
			return names, nil
		}
		names = appendNames(names, buf[:n])
	}
}

// appendNames takes the names out of a block of struct linux_dirent64: inode (8 bytes), offset (8), length of the
// entry (2), type (1), name up to a NUL.
func appendNames(names []string, block []byte) []string {
	const reclen, head = 16, 19
	packed := make([]byte, 0, len(block))
	ends := make([]int, 0, len(block)/40)
	for len(block) > head {
		size := int(binary.NativeEndian.Uint16(block[reclen:]))
		if size <= head || size > len(block) {
			break
		}
		name := block[head:size]
		if end := bytes.IndexByte(name, 0); end >= 0 {
			name = name[:end]
		}
		inode := binary.NativeEndian.Uint64(block)
		if inode != 0 && string(name) != "." && string(name) != ".." {
			packed = append(packed, name...)
			ends = append(ends, len(packed))
		}
		block = block[size:]
	}
	all, start := string(packed), 0
	for _, end := range ends {
		names = append(names, all[start:end])
		start = end
	}
	return names
}

func (osFS) ReadDir(path string) ([]DirEntry, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	list, err := f.ReadDir(-1)
	if err != nil {
		return nil, err
	}
	out := make([]DirEntry, 0, len(list))
	for _, e := range list {
		dir := e.IsDir()
		if e.Type()&fs.ModeSymlink != 0 {
			st, err := os.Stat(path + "/" + e.Name())
			dir = err == nil && st.IsDir()
		}
		out = append(out, DirEntry{Name: e.Name(), Dir: dir})
	}
	return out, nil
}

func (osFS) Stat(path string) (Info, error) {
	st, err := os.Stat(path)
	if err != nil {
		return Info{}, err
	}
	return InfoOf(st), nil
}

// InfoOf turns what os.Stat or File.Stat gave into an Info.
func InfoOf(st fs.FileInfo) Info {
	i := Info{Size: st.Size(), MTime: st.ModTime().UnixNano(), Mode: st.Mode()}
	if s, ok := st.Sys().(*syscall.Stat_t); ok {
		i.CTime = s.Ctim.Nano()
		i.Inode, i.Dev, i.Links = s.Ino, uint64(s.Dev), uint64(s.Nlink)
	}
	return i
}

func (osFS) SyncDir(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.Sync(); err != nil {
		return fmt.Errorf("sync directory: %w", err)
	}
	return nil
}

func (osFS) Chtimes(path string, mtime time.Time) error { return os.Chtimes(path, mtime, mtime) }
func (osFS) Truncate(path string, size int64) error     { return os.Truncate(path, size) }

func pathError(op, path string, err error) error {
	if err == nil {
		return nil
	}
	return &fs.PathError{Op: op, Path: path, Err: err}
}

func ignoringEINTR(call func() error) error {
	for {
		if err := call(); err != unix.EINTR {
			return err
		}
	}
}
