package disk

import (
	"io/fs"

	"golang.org/x/sys/unix"
)

// FreeSpace tells how many bytes of the file system at path are free for this process, and how many it has.
func FreeSpace(path string) (free, total int64, err error) {
	var st unix.Statfs_t
	if err := unix.Statfs(path, &st); err != nil {
		return 0, 0, &fs.PathError{Op: "statfs", Path: path, Err: err}
	}
	return int64(st.Bavail) * int64(st.Bsize), int64(st.Blocks) * int64(st.Bsize), nil
}
