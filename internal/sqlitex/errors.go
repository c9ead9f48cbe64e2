package sqlitex

import (
	"errors"
	"syscall"

	sqlite3 "github.com/mattn/go-sqlite3"
)

func code(err error) (sqlite3.Error, bool) {
	var e sqlite3.Error
	ok := errors.As(err, &e)
	return e, ok
}

// IsBusy says that another connection held the lock for longer than the busy
// timeout. Trying again later may work.
func IsBusy(err error) bool {
	e, ok := code(err)
	return ok && (e.Code == sqlite3.ErrBusy || e.Code == sqlite3.ErrLocked)
}

// IsFull says that the disk, the quota of the file system, or the database is full.
func IsFull(err error) bool {
	e, ok := code(err)
	return ok && (e.Code == sqlite3.ErrFull || e.SystemErrno == syscall.ENOSPC || e.SystemErrno == syscall.EDQUOT)
}

// IsCorrupt says that the file is damaged or no database at all: it has to be
// restored or rebuilt, waiting does not help.
func IsCorrupt(err error) bool {
	e, ok := code(err)
	return ok && (e.Code == sqlite3.ErrCorrupt || e.Code == sqlite3.ErrNotADB)
}

// IsReadOnly says that the file, its directory or its file system cannot be written.
func IsReadOnly(err error) bool {
	e, ok := code(err)
	return ok && (e.Code == sqlite3.ErrReadonly || e.Code == sqlite3.ErrCantOpen || e.SystemErrno == syscall.EROFS)
}

// IsUnique says that a row with the same unique key exists.
func IsUnique(err error) bool {
	e, ok := code(err)
	return ok && (e.ExtendedCode == sqlite3.ErrConstraintUnique || e.ExtendedCode == sqlite3.ErrConstraintPrimaryKey)
}
