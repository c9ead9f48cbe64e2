package filelock

import (
	"context"
	"time"

	"bascule/locking"
)

const (
	// firstLook and lastLook bound how often a waiter looks for itself. It
	// is woken when a lock is released; it has to look because messages get
	// lost and the killed send none.
	firstLook = time.Millisecond
	lastLook  = 50 * time.Millisecond
)

// settle seats a lease that the in-process queue has let pass, waiting for
// other processes until ctx ends; a nil ctx does not wait at all. On error
// nothing is held. errGaveUp says that it was not to be had in time.
func (l *lease) settle(ctx context.Context, p *place) error {
	sh := l.shard
	sh.mu.Lock()
	if _, err := sh.openLocked(); err != nil {
		sh.mu.Unlock()
		return err
	}

	s := sh.enterLocked(l.Key(), p)
	ok, err := sh.sitLocked(s, l, nil)
	switch {
	case ok:
		l.seat = s
		sh.mu.Unlock()
		return nil
	case err != nil || ctx == nil:
		sh.leaveLocked(s)
		sh.mu.Unlock()
		if err == nil {
			err = errGaveUp
		}
		return err
	}
	l.wake = make(chan struct{}, 1)
	s.pending = append(s.pending, l)
	sh.mu.Unlock()
	return l.stand(ctx, s)
}

// stand waits in line. The first of this process's waiters has a ticket; the
// others wait to be the first.
func (l *lease) stand(ctx context.Context, s *seat) error {
	var (
		t     *ticket
		sh    = l.shard
		pause = firstLook
		timer = time.NewTimer(pause)
	)
	defer timer.Stop()
	for {
		sh.mu.Lock()
		first := s.pending[0] == l
		seated := false
		var err error
		if first && t == nil {
			t, err = takeTicket(sh.file, &s.place, time.Now())
		}
		if first && err == nil {
			seated, err = sh.sitLocked(s, l, t)
		}
		if seated {
			l.holder.Since = time.Now()
			l.seat = s
		}
		if seated || err != nil {
			l.leaveLineLocked(s, t, seated)
			return err
		}
		sh.mu.Unlock()

		var look <-chan time.Time
		if first {
			timer.Reset(pause)
			look = timer.C
			pause = min(2*pause, lastLook)
		}
		select {
		case <-l.wake:
			pause = firstLook
		case <-look:
		case <-ctx.Done():
			sh.mu.Lock()
			l.leaveLineLocked(s, t, false)
			return errGaveUp
		case <-l.m.done:
			sh.mu.Lock()
			l.leaveLineLocked(s, t, false)
			return locking.ErrClosed
		}
	}
}

// leaveLineLocked takes a lease out of the line, seated or not, tells those
// that were behind it, and unlocks the shard.
func (l *lease) leaveLineLocked(s *seat, t *ticket, seated bool) {
	sh := l.shard
	others := false
	if t != nil {
		err := t.drop(sh.file, &s.place)
		if err == nil {
			others, err = crowded(sh.file, &s.place)
		}
		if err != nil {
			l.m.log.Error("leaving the line for a lock failed", "error", err)
		}
	}
	s.removePending(l)
	if !seated {
		sh.leaveLocked(s)
	}
	sh.mu.Unlock()
	if others {
		l.m.tell(newsFree, l.Key())
	}
}
