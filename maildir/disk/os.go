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
	return openFile(path, unix.O_CREAT|unix.O_EXCL|unix.O_WRONLY, perm)
}

func (osFS) Append(path string) (File, error) {
	return openFile(path, unix.O_APPEND|unix.O_RDWR, 0)
}

func (osFS) Open(path string) (File, error) { return openFile(path, unix.O_RDONLY, 0) }

func openFile(path string, flags int, perm fs.FileMode) (File, error) {
	fd, err := openFD(path, flags, perm)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), path), nil
}

// openFD does without os.OpenFile, which offers every file to the poller: a system call that the kernel refuses for regular
// files and directories, at a third of the price of opening and reading a small message.
func openFD(path string, flags int, perm fs.FileMode) (fd int, err error) {
	return openAt(unix.AT_FDCWD, path, flags, perm)
}

func openAt(dir int, path string, flags int, perm fs.FileMode) (fd int, err error) {
	err = ignoringEINTR(func() (err error) {
		fd, err = unix.Openat(dir, path, flags|unix.O_CLOEXEC, uint32(perm.Perm()))
		return err
	})
	return fd, pathError("open", path, err)
}

// ReadInto makes three system calls, if the file is shorter than buf: to open, read and close by way of Open makes five, and they
// are most of what it costs to search a message.
func (osFS) ReadInto(path string, buf []byte) (n int, err error) {
	return readInto(unix.AT_FDCWD, path, buf)
}

// statAt is Stat of a file in an open directory.
func statAt(dir int, name string) (Info, error) {
	var st unix.Stat_t
	if err := ignoringEINTR(func() error { return unix.Fstatat(dir, name, &st, 0) }); err != nil {
		return Info{}, pathError("stat", name, err)
	}
	return Info{
		Size: st.Size, MTime: st.Mtim.Nano(), CTime: st.Ctim.Nano(),
		Inode: st.Ino, Dev: uint64(st.Dev), Links: uint64(st.Nlink), Mode: modeOf(st.Mode),
	}, nil
}

// modeOf turns the permissions and the kind of file of a struct stat into what package os makes of them.
func modeOf(st uint32) fs.FileMode {
	mode := fs.FileMode(st & 0o777)
	switch st & unix.S_IFMT {
	case unix.S_IFREG:
		return mode
	case unix.S_IFDIR:
		return mode | fs.ModeDir
	default:
		return mode | fs.ModeIrregular
	}
}

func readInto(dir int, path string, buf []byte) (n int, err error) {
	fd, err := openAt(dir, path, unix.O_RDONLY, 0)
	if err != nil {
		return 0, err
	}
	defer unix.Close(fd)
	for n < len(buf) {
		var got int
		err := ignoringEINTR(func() (err error) {
			got, err = unix.Read(fd, buf[n:])
			return err
		})
		if err != nil {
			return n, pathError("read", path, err)
		}
		// Of a regular file, less than asked for is all there is.
		short := got < len(buf)-n
		if n += max(got, 0); short {
			break
		}
	}
	return n, nil
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
	fd, err := openFD(path, unix.O_RDONLY, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if err := ignoringEINTR(func() error { return unix.Fsync(fd) }); err != nil {
		return fmt.Errorf("sync directory: %w", pathError("sync", path, err))
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
