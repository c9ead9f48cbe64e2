package sqlitex

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"golang.org/x/sys/unix"
)

// A connection costs a quarter of a megabyte that SQLite holds: cached pages, the parsed schema, prepared statements. A server that keeps
// the databases of ten thousand quiet accounts at hand would spend 2.4 GB on that. So a DB can rest: the connection is closed, and
// whoever has the next turn makes it anew.

// ErrReplaced is returned by every method when the DB has rested and the file is not the one any more that it had been: removed,
// or another one was put in its place. What the caller knows of the old one is worth nothing then: Close the DB and Open it anew.
var ErrReplaced = errors.New("sqlitex: another file is in the database's place")

// Rest closes the connection if it was not used since Rest was called last; so whoever calls it at intervals has a DB rest that
// was quiet for one. It waits for nobody: a DB in use stays as it is. Closing takes the log into the database where no other
// process has it open, which waits for the disk. closed says that Rest did close the connection.
func (db *DB) Rest() (closed bool, err error) {
	select {
	case <-db.turn:
	default:
		return false, nil
	}
	defer func() { db.turn <- struct{}{} }()
	if db.used || db.link == nil {
		db.used = false
		return false, nil
	}
	if err := db.disconnect(); err != nil {
		return true, fmt.Errorf("sqlitex: rest %s: %w", db.path, err)
	}
	return true, nil
}

// wake ends a rest. The caller has the turn. Where the files cannot be opened for writing in that moment, be it for want of descriptors,
// SQLite opens them for reading, and goes on so; whoever finds that ends the link.
func (db *DB) wake(ctx context.Context) error {
	db.used = true
	if db.link != nil {
		return nil
	}
	if err := db.connect(ctx); err != nil {
		if _, gone := identify(db.path); errors.Is(gone, fs.ErrNotExist) {
			err = ErrReplaced
		}
		return fmt.Errorf("sqlitex: open %s again: %w", db.path, err)
	}
	return nil
}

// identity tells a file from others that were or will be at its path. The time of birth is part of it, because file systems give
// the number of a removed file to the next one; it is zero where the file system has none.
type identity struct {
	major, minor uint32
	inode        uint64
	born         unix.StatxTimestamp
}

// statx is the system call, save in a test.
var statx = unix.Statx

// identify opens nothing: closing another descriptor of the file would drop SQLite's locks (see doc.go).
func identify(path string) (identity, error) {
	var st unix.Statx_t
	err := statx(unix.AT_FDCWD, path, 0, unix.STATX_INO|unix.STATX_BTIME, &st)
	if err == unix.ENOSYS || err == unix.EPERM {
		return identifyOld(path) // a kernel before 4.11, or a container whose rules are older than the call
	}
	if err != nil {
		return identity{}, &fs.PathError{Op: "statx", Path: path, Err: err}
	}
	id := identity{major: st.Dev_major, minor: st.Dev_minor, inode: st.Ino}
	if st.Mask&unix.STATX_BTIME != 0 {
		id.born = st.Btime
	}
	return id, nil
}

// identifyOld is identify without the time of birth.
func identifyOld(path string) (identity, error) {
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		return identity{}, &fs.PathError{Op: "stat", Path: path, Err: err}
	}
	return identity{major: unix.Major(uint64(st.Dev)), minor: unix.Minor(uint64(st.Dev)), inode: st.Ino}, nil
}
