package maildir

import (
	"errors"
	"fmt"
	"syscall"

	"bascule/internal/sqlitex"
	"bascule/maildir/disk"
)

// On a disk that is full to the last block nothing works: not the login that has to open an index, and not the deletion that would
// make room, as it is a commit. So new mail is refused while something is left, which the senders' servers keep and bring again, and
// people can read and delete meanwhile.

// roomShare bounds Options.MinFree on small file systems: so much of them at most, as a fraction.
const roomShare = 100

// HasRoom is nil, or ErrDiskFull while a file system of the account has less free than Options.MinFree. The account may be one that
// has no mail yet.
func (s *Store) HasRoom(address string) error {
	least := s.opts.MinFree
	if least <= 0 {
		return nil
	}
	for _, dir := range []string{disk.AccountDir(s.opts.DataDir, address), s.indexDir(address)} {
		free, total, err := s.opts.FreeSpace(dir)
		if isMissing(err) {
			free, total, err = s.opts.FreeSpace(s.opts.DataDir)
		}
		if err != nil {
			continue // what is really full says so itself
		}
		if free < min(least, total/roomShare) {
			return fmt.Errorf("%w: %d bytes are free where %s is", ErrDiskFull, free, dir)
		}
	}
	return nil
}

func (a *Account) hasRoom() error { return a.store.HasRoom(a.address) }

// full calls an error ErrDiskFull that comes from a full disk, or from a full quota of the file system.
func full(err error) error {
	if err == nil || errors.Is(err, ErrDiskFull) || !sqlitex.IsFull(err) && !errors.Is(err, syscall.ENOSPC) && !errors.Is(err, syscall.EDQUOT) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrDiskFull, err)
}
