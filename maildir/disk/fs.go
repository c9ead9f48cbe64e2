package disk

import (
	"io"
	"io/fs"
	"os"
	"time"
)

// FS is every system call that this package makes. OS is the real one; disktest has one that fails and one that
// records. Paths are absolute or relative to the working directory. Errors are those of package os (*fs.PathError
// and so on), so errors.Is works with fs.ErrNotExist, fs.ErrExist and syscall numbers.
type FS interface {
	// Create makes a new file for writing (O_CREATE|O_EXCL|O_WRONLY); it never opens one that exists.
	Create(path string, perm fs.FileMode) (File, error)
	// Append opens a file that exists for reading and appending (O_APPEND|O_RDWR): each Write goes to the end in one call.
	Append(path string) (File, error)
	// Open opens for reading. OSFile finds the *os.File under it, for sendfile.
	Open(path string) (File, error)
	// ReadInto reads a file from its beginning until buf is full or the file ends.
	ReadInto(path string, buf []byte) (int, error)
	// Link makes a hard link; an existing newname is fs.ErrExist.
	Link(oldname, newname string) error
	// Rename replaces newname. Only for files that are ours to replace, never for messages.
	Rename(oldname, newname string) error
	// RenameNoReplace renames a file or directory; an existing newname is fs.ErrExist and nothing happens.
	RenameNoReplace(oldname, newname string) error
	// Remove unlinks a file (not a directory).
	Remove(path string) error
	// RemoveDir removes an empty directory.
	RemoveDir(path string) error
	// Mkdir makes one directory.
	Mkdir(path string, perm fs.FileMode) error
	// ReadDirNames gives the names in a directory in no order, without "." and "..", without a stat of each.
	ReadDirNames(path string) ([]string, error)
	// ReadDir gives names and whether each is a directory (links are not followed), in no order.
	ReadDir(path string) ([]DirEntry, error)
	// Stat follows links.
	Stat(path string) (Info, error)
	// SyncDir makes the entries of a directory durable.
	SyncDir(path string) error
	// Chtimes sets the access and modification time.
	Chtimes(path string, mtime time.Time) error
	// Truncate cuts a file to size bytes.
	Truncate(path string, size int64) error
}

// File is an open file; *os.File is one. A File is used by one goroutine at a time, except ReadAt.
type File interface {
	io.Reader
	io.Writer
	io.ReaderAt
	io.Seeker
	io.Closer
	// Name is the path it was opened by.
	Name() string
	// Sync makes its contents durable (fsync).
	Sync() error
	Stat() (fs.FileInfo, error)
}

// OSFile finds the *os.File under f, looking through wrappers that have an Unwrap method; nil if there is none.
func OSFile(f File) *os.File {
	for {
		switch v := f.(type) {
		case *os.File:
			return v
		case interface{ Unwrap() File }:
			f = v.Unwrap()
		default:
			return nil
		}
	}
}

// DirEntry is one name in a directory.
type DirEntry struct {
	Name string
	Dir  bool // a directory; for a symbolic link, what it points at counts
}

// Info is what Stat tells. Times are nanoseconds since 1970.
type Info struct {
	Size  int64
	MTime int64
	CTime int64 // of the inode: changes with every link, rename or chmod on most file systems
	Inode uint64
	Dev   uint64
	Links uint64
	Mode  fs.FileMode
}

// ModTime is MTime as a time.Time.
func (i Info) ModTime() time.Time { return time.Unix(0, i.MTime) }

// IsDir says whether it is a directory.
func (i Info) IsDir() bool { return i.Mode.IsDir() }

// SameFile says whether two Infos are of one inode.
func SameFile(a, b Info) bool { return a.Inode == b.Inode && a.Dev == b.Dev }
