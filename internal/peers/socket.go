package peers

import (
	"fmt"
	"os"
	"path/filepath"
)

// maxSocketPath is the longest path put into a socket address as it is. Linux
// allows 107 bytes (sun_path less its final NUL).
const maxSocketPath = 107

// home is the shared directory, kept open so that sockets in it can be named
// however long its path is.
type home struct {
	dir  string // absolute
	file *os.File
}

func openHome(dir string) (*home, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(abs, 0o700); err != nil {
		return nil, err
	}
	f, err := os.Open(abs)
	if err != nil {
		return nil, err
	}
	return &home{dir: abs, file: f}, nil
}

// path is the place of name in the file system, for everything but sockets.
func (h *home) path(name string) string { return filepath.Join(h.dir, name) }

// address is a path for name that fits into a socket address. A path that is
// too long goes through the open directory: a change of the working directory
// would be shared by the whole process.
func (h *home) address(name string) string {
	if p := h.path(name); len(p) <= maxSocketPath {
		return p
	}
	return fmt.Sprintf("/proc/self/fd/%d/%s", h.file.Fd(), name)
}
