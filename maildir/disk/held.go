package disk

import (
	"strings"

	"golang.org/x/sys/unix"
)

// heldAtLeast is from how many operations on it is worth opening their directories.
const heldAtLeast = 8

// Holding gives the Maildir for n operations on message files, by one goroutine, until release is called. If they are many, their
// directories are held open, so that the kernel looks names up from there: the walk along the whole path is a tenth of a rename, a
// seventh of a link and a quarter of an open.
func (m *Maildir) Holding(n int) (h *Maildir, release func()) {
	if _, real := m.fs.(osFS); !real || n < heldAtLeast {
		return m, func() {}
	}
	held := &heldFS{}
	h = &Maildir{root: m.root, fs: held, namer: m.namer}
	return h, held.close
}

// heldFS is OS, but looks at files, reads, links, renames and unlinks them relative to directories that it holds open. What that way refuses is asked once more
// by the path, which is what counts: the directory may have been made anew meanwhile, and the file system may lack RENAME_NOREPLACE.
type heldFS struct {
	osFS
	dirs []heldDir
}

type heldDir struct {
	path string
	fd   int // -1: it could not be opened
}

func (h *heldFS) close() {
	for _, d := range h.dirs {
		if d.fd >= 0 {
			unix.Close(d.fd)
		}
	}
	h.dirs = nil
}

// at splits a path into its directory, opened, and the name there.
func (h *heldFS) at(path string) (fd int, name string) {
	cut := strings.LastIndexByte(path, '/') + 1
	dir, name := path[:cut], path[cut:]
	for i := range h.dirs {
		if h.dirs[i].path == dir {
			return h.dirs[i].fd, name
		}
	}
	fd, err := openFD(dir, unix.O_PATH|unix.O_DIRECTORY, 0)
	if err != nil {
		fd = -1
	}
	h.dirs = append(h.dirs, heldDir{dir, fd})
	return fd, name
}

func (h *heldFS) ReadInto(path string, buf []byte) (int, error) {
	if dir, name := h.at(path); dir >= 0 {
		if n, err := readInto(dir, name, buf); err == nil {
			return n, nil
		}
	}
	return h.osFS.ReadInto(path, buf)
}

func (h *heldFS) Stat(path string) (Info, error) {
	if dir, name := h.at(path); dir >= 0 {
		if st, err := statAt(dir, name); err == nil {
			return st, nil
		}
	}
	return h.osFS.Stat(path)
}

func (h *heldFS) Link(oldname, newname string) error {
	from, old := h.at(oldname)
	to, name := h.at(newname)
	if from >= 0 && to >= 0 && ignoringEINTR(func() error { return unix.Linkat(from, old, to, name, 0) }) == nil {
		return nil
	}
	return h.osFS.Link(oldname, newname)
}

func (h *heldFS) RenameNoReplace(oldname, newname string) error {
	from, old := h.at(oldname)
	to, name := h.at(newname)
	if from >= 0 && to >= 0 && ignoringEINTR(func() error { return unix.Renameat2(from, old, to, name, unix.RENAME_NOREPLACE) }) == nil {
		return nil
	}
	return h.osFS.RenameNoReplace(oldname, newname)
}

func (h *heldFS) Remove(path string) error {
	if dir, name := h.at(path); dir >= 0 && ignoringEINTR(func() error { return unix.Unlinkat(dir, name, 0) }) == nil {
		return nil
	}
	return h.osFS.Remove(path)
}
