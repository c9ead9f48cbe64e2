package server

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// forbidden says which right is missing where, for whom: the first directory on the way to path that may not be searched, else what
// of reading and writing path itself does not allow.
func forbidden(path string) string {
	right, at := "use", path
	if abs, err := filepath.Abs(path); err == nil {
		right, at = missingRight(abs)
	}
	who := fmt.Sprintf("user %d, group %d has no right to %s %s", os.Geteuid(), os.Getegid(), right, at)
	info, err := os.Stat(at)
	if err != nil {
		return who
	}
	if owner, ok := info.Sys().(*syscall.Stat_t); ok {
		who += fmt.Sprintf(", which belongs to user %d, group %d (mode %04o)", owner.Uid, owner.Gid, info.Mode().Perm())
	}
	return who
}

// missingRight gives the right and the path that lacks it. path is absolute.
func missingRight(path string) (right, at string) {
	for i := 1; i < len(path); i++ {
		if path[i] == filepath.Separator && !may(path[:i], unix.X_OK) {
			return "search", path[:i]
		}
	}
	info, err := os.Stat(path)
	if err != nil {
		return "write in", filepath.Dir(path) // it was about to be made
	}
	dir := info.Mode()&fs.ModeDir != 0
	switch {
	case dir && !may(path, unix.X_OK):
		return "search", path
	case !may(path, unix.R_OK):
		return "read", path
	case !may(path, unix.W_OK) && dir:
		return "write in", path
	case !may(path, unix.W_OK):
		return "write to", path
	}
	return "use", path // such as connecting to a socket, or removing somebody else's file from a sticky directory
}

// may asks the kernel, for the effective user.
func may(path string, mode uint32) bool {
	return unix.Faccessat(unix.AT_FDCWD, path, mode, unix.AT_EACCESS) == nil
}
