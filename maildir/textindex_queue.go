package maildir

import (
	"context"
	"errors"
	"sync"
	"time"
)

// fillDelay is how long after a change an index is brought up: deliveries often come together, and theirs is the disk first.
const fillDelay = 2 * time.Second

// fillAgain is when an index is looked at again that another process fills.
const fillAgain = 10 * time.Second

// fillQueue is the accounts whose text indexes are behind. One at a time is filled, in the order in which they came.
type fillQueue struct {
	delay time.Duration // fillDelay, save in tests
	// onFilled, in tests, is called after each filling.
	onFilled func()

	mu      sync.Mutex // protects the fields below; nothing is locked while it is held
	due     map[*Account]bool
	waiting []*Account
	running bool
	timers  map[*Account]*time.Timer
	closed  bool
}

// textsChanged is told of a commit that changed which messages there are. It may be called with any lock held.
func (a *Account) textsChanged() {
	switch a.Policy().TextIndex {
	case TextIndexOn:
		a.store.fillIn(a, a.store.fill.delay)
	case TextIndexAuto:
		if a.texts.exists() {
			a.store.fillIn(a, a.store.fill.delay)
		}
	}
}

// wantTexts asks for the index to be made, or brought up, soon.
func (a *Account) wantTexts() {
	a.texts.mu.Lock()
	a.texts.wanted = true
	a.texts.mu.Unlock()
	a.store.fillIn(a, 0)
}

// fillIn has the account's index filled after a while. Calls that come meanwhile merge.
func (s *Store) fillIn(a *Account, delay time.Duration) {
	q := &s.fill
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed || q.due[a] && delay > 0 {
		return
	}
	if q.due == nil {
		q.due, q.timers = map[*Account]bool{}, map[*Account]*time.Timer{}
	}
	q.due[a] = true
	if t := q.timers[a]; t != nil {
		t.Stop()
	}
	q.timers[a] = time.AfterFunc(delay, func() { s.enqueue(a) })
}

func (s *Store) enqueue(a *Account) {
	q := &s.fill
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.timers, a)
	if q.closed {
		return
	}
	q.waiting = append(q.waiting, a)
	if !q.running {
		q.running = s.background(s.fillAll)
	}
}

// fillAll fills until nobody waits.
func (s *Store) fillAll() {
	q := &s.fill
	for {
		q.mu.Lock()
		if len(q.waiting) == 0 || q.closed {
			q.running = false
			q.mu.Unlock()
			return
		}
		a := q.waiting[0]
		q.waiting = q.waiting[1:]
		delete(q.due, a)
		q.mu.Unlock()
		a.opened() // an opening asks too, and may take longer than the delay
		if !s.hold(a) {
			continue // closed meanwhile; whoever opens it next tells
		}
		more, err := a.fillOrDrop(s.ctx)
		a.Close()
		if q.onFilled != nil {
			q.onFilled()
		}
		switch {
		case more:
			s.fillIn(a, time.Millisecond)
		case errors.Is(err, errFilling):
			s.fillIn(a, fillAgain)
		case err != nil && s.ctx.Err() == nil && !errors.Is(err, ErrClosed):
			a.log.Warn("text index could not be filled", "err", err)
		}
	}
}

// fillOrDrop does what the account's policy says.
func (a *Account) fillOrDrop(ctx context.Context) (more bool, err error) {
	mode := a.Policy().TextIndex
	a.texts.mu.Lock()
	wanted := a.texts.wanted
	a.texts.mu.Unlock()
	switch {
	case mode == TextIndexOn, mode == TextIndexAuto && (wanted || a.texts.exists()):
		return a.FillTexts(ctx, true)
	case mode == TextIndexOff && a.texts.exists():
		_, err = a.dropTexts()
	}
	return false, err
}

// hold keeps an account open that is open now. Account.Close gives it back.
func (s *Store) hold(a *Account) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.accounts[a.address] != a || !a.ready.Load() {
		return false
	}
	a.refs++
	s.forgetIdle(a)
	return true
}

// close ends the filling; what runs finds its context ended.
func (q *fillQueue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	for _, t := range q.timers {
		t.Stop()
	}
}
