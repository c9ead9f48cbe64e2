package disk

import "errors"

// Errors that callers compare with errors.Is. Errors of the system (fs.ErrNotExist, ENOSPC …) are wrapped and can be
// compared as well.
var (
	// ErrExists says that the target name is taken by something else; nothing was replaced.
	ErrExists = errors.New("target exists")
	// ErrGone says that neither source nor target of an operation exist.
	ErrGone = errors.New("no such message file")
	// ErrNotMaildir says that a directory lacks cur/.
	ErrNotMaildir = errors.New("not a Maildir")
	// ErrBadName says that a folder name or directory cannot be represented.
	ErrBadName = errors.New("bad folder name")
	// ErrBadFile says that nothing useful could be read from a file of another program. The file is left alone.
	ErrBadFile = errors.New("unreadable file")
	// ErrLocked says that a dotlock could not be had in time.
	ErrLocked = errors.New("dotlock is held")
	// ErrNoMarker says that the data directory does not carry the store's marker: perhaps a volume is not mounted.
	ErrNoMarker = errors.New("no store marker in the data directory")
)
