package filelock

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"bascule/locking"
)

// lockFile is an open lock file. Its locks belong to the open file
// description: they vanish with it, exclude those of every other one, and do
// not exclude each other.
type lockFile struct {
	f  *os.File
	fd uintptr
}

func openLockFile(path string) (*lockFile, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o660)
	if err != nil {
		return nil, err
	}
	return &lockFile{f: f, fd: f.Fd()}, nil
}

// try locks n bytes and reports whether nobody else's lock stood against it.
func (l *lockFile) try(mode locking.Mode, start, n int64) (bool, error) {
	kind := int16(unix.F_RDLCK)
	if mode == locking.Exclusive {
		kind = unix.F_WRLCK
	}
	err := l.fcntl(unix.F_OFD_SETLK, &unix.Flock_t{Type: kind, Start: start, Len: n})
	switch err {
	case nil:
		return true, nil
	case unix.EAGAIN, unix.EACCES:
		return false, nil
	}
	return false, fmt.Errorf("filelock: lock %s: %w", l.f.Name(), err)
}

// unlock cannot fail but by exhaustion of kernel memory, when it has to split
// a range; ours are never adjacent to others of the same owner and kind, but
// by a chance of 2⁻⁵⁰.
func (l *lockFile) unlock(start, n int64) error {
	if err := l.fcntl(unix.F_OFD_SETLK, &unix.Flock_t{Type: unix.F_UNLCK, Start: start, Len: n}); err != nil {
		return fmt.Errorf("filelock: unlock %s: %w", l.f.Name(), err)
	}
	return nil
}

// against tells whether another open file description has a lock in the range
// that a lock of this mode would meet. n = 0 means to the end of the file.
func (l *lockFile) against(mode locking.Mode, start, n int64) (bool, error) {
	kind := int16(unix.F_RDLCK)
	if mode == locking.Exclusive {
		kind = unix.F_WRLCK
	}
	q := unix.Flock_t{Type: kind, Start: start, Len: n}
	if err := l.fcntl(unix.F_OFD_GETLK, &q); err != nil {
		return false, fmt.Errorf("filelock: look at %s: %w", l.f.Name(), err)
	}
	return q.Type != unix.F_UNLCK, nil
}

func (l *lockFile) fcntl(cmd int, lk *unix.Flock_t) error {
	for {
		err := unix.FcntlFlock(l.fd, cmd, lk)
		if err != unix.EINTR {
			return err
		}
	}
}
