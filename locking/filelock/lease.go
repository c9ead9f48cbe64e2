package filelock

import (
	"os"
	"sync"
	"time"

	"bascule/locking"
)

// lease is a seated lease, and one on its way before that.
type lease struct {
	locking.Signals
	m     *Manager
	inner locking.Lease // the place in this process's queue
	shard *shard
	seat  *seat         // set while seated or on the way; needs shard.mu
	wake  chan struct{} // capacity 1; look again. nil if it never waited
	timer *time.Timer   // will announce; nil if there is nothing to announce

	// recordMu protects the fields below. It is held while a side file is
	// written or removed.
	recordMu sync.Mutex
	recorded bool // the side file is written, and its place locked
	over     bool // do not write it any more

	holder     locking.Holder // not changed any more once seated
	prev, next *lease         // among those seated; needs shard.mu
}

func (l *lease) Key() locking.Key       { return l.inner.Key() }
func (l *lease) Mode() locking.Mode     { return l.holder.Mode }
func (l *lease) Holder() locking.Holder { return l.holder }

// announce writes who holds an exclusive lease, for other processes. The
// lease is good without it; then others do not learn who has it.
func (l *lease) announce() {
	l.recordMu.Lock()
	defer l.recordMu.Unlock()
	if l.over {
		return
	}
	p := placeOf(l.Key())
	if err := l.m.writeRecord(&p, l.Key(), l.holder); err != nil {
		l.m.log.Warn("the holder of a lock cannot be written down", "error", err)
		return
	}
	ok, err := l.shard.file.try(locking.Exclusive, p.record(), 1)
	if err != nil || !ok {
		l.m.log.Warn("the holder of a lock cannot be made known", "error", err)
		os.Remove(l.m.recordPath(p.sideFile()))
		return
	}
	l.recorded = true
}

// announceLater announces a lease that does not end at once. Writing and
// removing a file costs ten times what the lease costs, and nobody asks who
// holds what has been released.
func (l *lease) announceLater(delay time.Duration) {
	if delay == 0 {
		l.announce()
		return
	}
	l.timer = time.AfterFunc(delay, l.announce)
}

// withdraw undoes announce, in the reverse order, or prevents it.
func (l *lease) withdraw(p *place) {
	if l.timer != nil {
		l.timer.Stop()
	}
	l.recordMu.Lock()
	defer l.recordMu.Unlock()
	l.over = true
	if !l.recorded {
		return
	}
	if err := l.shard.file.unlock(p.record(), 1); err != nil {
		l.m.log.Error("releasing a lock failed", "error", err)
	}
	os.Remove(l.m.recordPath(p.sideFile()))
}

// Release gives up the kernel's lock before the place in the in-process
// queue, so that the next of this process finds it free.
func (l *lease) Release() {
	sh := l.shard
	sh.mu.Lock()
	s := l.seat
	l.seat = nil // a second Release ends here
	sh.mu.Unlock()
	if s == nil {
		return
	}
	l.withdraw(&s.place)

	sh.mu.Lock()
	others, err := sh.riseLocked(s, l)
	s.wakeFirst()
	sh.leaveLocked(s)
	sh.mu.Unlock()

	if err != nil {
		l.m.log.Error("releasing a lock failed", "error", err)
	}
	if others {
		l.m.tell(newsFree, l.Key())
	}
	l.inner.Release()
	l.m.end()
}
