package maildir

import (
	"errors"
	"time"

	"bascule/internal/sqlitex"
)

// An account stays open as long as a session has it, be it a telephone in IDLE, and some without any. The connection to its index is a quarter of a
// megabyte and three descriptors, and a message in a snapshot some 190 octets. So the index of an account that is quiet is closed, and opened again when it
// is needed: some hundred microseconds of processor time. Its snapshots are packed, to some 40 octets a message, and unpacked where somebody looks:
// a quarter of a microsecond for each. The write lock's file stays open, which tells other processes that the account is in use.

// restAfter is how long an account is quiet, at least, before its index is closed; twice that at most. A session that polls each
// minute pays for an opening each time, which is less than its commands cost. Only tests change it.
var restAfter = 10 * time.Second

// restQuiet runs until the store is closed.
func (s *Store) restQuiet() {
	tick := time.NewTicker(restAfter)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			s.rest()
		case <-s.ctx.Done():
			return
		}
	}
}

// rest closes the index of every account that was not used since rest was called last.
func (s *Store) rest() {
	s.mu.Lock()
	all := make([]*Account, 0, len(s.accounts))
	for _, a := range s.accounts {
		all = append(all, a)
	}
	s.mu.Unlock()
	closed := false
	for _, a := range all {
		if s.ctx.Err() != nil {
			return
		}
		closed = a.rest() || closed
	}
	if closed {
		sqlitex.Trim()
	}
}

// rest closes the index, if it was quiet, and packs what the sessions see; closed says that it did.
func (a *Account) rest() (closed bool) {
	if !a.mu.TryLock() {
		return false // it is not quiet
	}
	db := a.db
	var seen []*Snapshot
	for _, f := range a.byID {
		if f.box != nil {
			seen = append(seen, f.box.current.Load())
		}
	}
	a.mu.Unlock()
	if db == nil || a.hasRoom() != nil {
		return false // an open index can be read on a full disk; opening one takes 32 KiB
	}
	// Without the lock, as it may wait for the disk.
	closed, err := db.Rest()
	if err != nil {
		a.log.Error("the index did not close cleanly; it is opened again when it is needed", "err", err)
	}
	if closed && !a.damaged.Load() {
		for _, s := range seen {
			a.store.opts.Dropped(s.fold())
		}
	}
	return closed
}

// noticed takes note of what an error of the index tells, and returns what the caller is to be told. a.mu is held.
func (a *Account) noticed(err error) error {
	if !errors.Is(err, sqlitex.ErrReplaced) {
		return full(err)
	}
	a.log.Warn("the account was removed or restored by another program; its sessions here end, and the next ones find what is there now")
	a.replaced.Store(true)
	a.shutErr = ErrReplaced
	for _, f := range a.byID {
		if f.box != nil {
			f.box.bury() // so that sessions in IDLE end as well
		}
	}
	return ErrReplaced
}
