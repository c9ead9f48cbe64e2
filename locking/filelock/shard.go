package filelock

import (
	"sync"

	"bascule/locking"
)

// shard is what one lock file and its keys need in this process.
type shard struct {
	path string

	// mu protects the fields below and the seats in them. It is held for
	// system calls that do not block, so that what the seats say and what the
	// kernel has locked never differ.
	mu      sync.Mutex
	file    *lockFile // nil until wanted
	seats   map[locking.Key]*seat
	unused  *seat
	nUnused int
}

const maxUnusedSeats = 4

// seat is a key that somebody in this process holds or goes for.
type seat struct {
	key   locking.Key
	place place
	users int // seated and pending leases, and those in between
	next  *seat

	// seated are the leases given out: several shared ones or one exclusive.
	// The kernel's lock is held exactly while there are any.
	first, last *lease

	// pending are those that the in-process queue let pass and that wait for
	// other processes. Only the first of them acts.
	pending []*lease
}

// openLocked opens the lock file if that has not been done.
func (sh *shard) openLocked() (*lockFile, error) {
	if sh.file == nil {
		f, err := openLockFile(sh.path)
		if err != nil {
			return nil, err
		}
		sh.file = f
	}
	return sh.file, nil
}

// enterLocked finds or begins the seat of a key; leaveLocked has to follow.
func (sh *shard) enterLocked(key locking.Key, p *place) *seat {
	s := sh.seats[key]
	if s == nil {
		if s = sh.unused; s != nil {
			sh.unused, s.next = s.next, nil
			sh.nUnused--
		} else {
			s = new(seat)
		}
		s.key, s.place = key, *p
		sh.seats[key] = s
	}
	s.users++
	return s
}

func (sh *shard) leaveLocked(s *seat) {
	if s.users--; s.users > 0 {
		return
	}
	delete(sh.seats, s.key)
	s.key, s.pending = "", nil
	if sh.nUnused < maxUnusedSeats {
		s.next = sh.unused
		sh.unused = s
		sh.nUnused++
	}
}

// sitLocked seats a lease if that can be done now. t is its place in line, nil
// for one that has just come; such a one does not overtake anybody.
func (sh *shard) sitLocked(s *seat, l *lease, t *ticket) (bool, error) {
	f := sh.file
	if t == nil {
		if len(s.pending) > 0 {
			return false, nil
		}
		if others, err := crowded(f, &s.place); others || err != nil {
			return false, err
		}
	} else if first, err := t.first(f, &s.place); !first || err != nil {
		return false, err
	}
	if s.first == nil {
		if ok, err := f.try(l.holder.Mode, s.place.lock(), 1); !ok || err != nil {
			return false, err
		}
	}
	// Otherwise the lock is here already, and shared: the in-process queue
	// lets nobody pass who does not fit to those seated.
	l.prev = s.last
	if s.last != nil {
		s.last.next = l
	} else {
		s.first = l
	}
	s.last = l
	return true, nil
}

// riseLocked takes a lease from its seat, and gives the kernel's lock up with
// the last one. It reports whether other processes wait for what is free now.
func (sh *shard) riseLocked(s *seat, l *lease) (others bool, err error) {
	if l.prev != nil {
		l.prev.next = l.next
	} else {
		s.first = l.next
	}
	if l.next != nil {
		l.next.prev = l.prev
	} else {
		s.last = l.prev
	}
	l.prev, l.next = nil, nil
	if s.first != nil {
		return false, nil
	}
	if err := sh.file.unlock(s.place.lock(), 1); err != nil {
		return true, err
	}
	return crowded(sh.file, &s.place)
}

// removePending takes a lease from those that wait, and wakes the one that is
// first now.
func (s *seat) removePending(l *lease) {
	for i, p := range s.pending {
		if p == l {
			s.pending = append(s.pending[:i:i], s.pending[i+1:]...)
			break
		}
	}
	s.wakeFirst()
}

// wakeFirst makes the first of those that wait look again.
func (s *seat) wakeFirst() {
	if len(s.pending) > 0 {
		select {
		case s.pending[0].wake <- struct{}{}:
		default:
		}
	}
}

// holders and waiters copy what the seat knows.
func (s *seat) holders(limit int) []locking.Holder {
	var hs []locking.Holder
	for l := s.first; l != nil && len(hs) != limit; l = l.next {
		hs = append(hs, l.holder)
	}
	return hs
}

func (s *seat) waiters() []locking.Holder {
	var hs []locking.Holder
	for _, l := range s.pending {
		hs = append(hs, l.holder)
	}
	return hs
}
