package lockingtest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"bascule/locking"
)

// patience is how long the suite waits for something that has to happen. It is
// never waited for in vain in a run that passes.
const patience = 20 * time.Second

// Run runs the suite. newManagers returns two managers that exclude each
// other, as two processes would; for a manager that serves one process only,
// both are the same. It is called for each scenario and must give fresh keys
// (a fresh directory, for example). The suite closes both.
func Run(t *testing.T, newManagers func(t *testing.T) (a, b locking.Manager)) {
	for _, s := range []struct {
		claim string
		run   func(*pair)
	}{
		{"exclusive is alone", exclusiveIsAlone},
		{"shared are together", sharedAreTogether},
		{"keys are apart", keysAreApart},
		{"any bytes are a key", anyBytesAreAKey},
		{"first come first served", firstComeFirstServed},
		{"readers do not starve a writer", readersDoNotStarveWriter},
		{"writers do not starve a reader", writersDoNotStarveReader},
		{"a writer that gives up lets readers pass", writerGivesUp},
		{"those who give up leave the line whole", givingUpLeavesLineWhole},
		{"the other process's waiter is served", otherProcessIsServed},
		{"a refusal tells who has it", refusalTellsWho},
		{"a refusal of a writer tells the readers", refusalTellsReaders},
		{"a free lease is granted even if the context has ended", freeDespiteContext},
		{"release twice", releaseTwice},
		{"release after others came", lateSecondRelease},
		{"nudge", nudge},
		{"break an exclusive lease", breakExclusive},
		{"break all shared leases", breakShared},
		{"break what nobody holds", breakNothing},
		{"list", list},
		{"held", heldTells},
		{"close", closeEndsWaiting},
		{"mutual exclusion under load", exclusionUnderLoad},
		{"writer among many readers", writerAmongReaders},
		{"giving up under load", givingUpUnderLoad},
		{"many keys", manyKeys},
	} {
		t.Run(s.claim, func(t *testing.T) {
			a, b := newManagers(t)
			p := &pair{T: t, a: a, b: b}
			t.Cleanup(func() {
				p.leavesNothing()
				a.Close()
				b.Close()
			})
			s.run(p)
		})
	}
}

// pair is a test with two managers.
type pair struct {
	*testing.T
	a, b   locking.Manager
	closed bool // the scenario closed the managers itself
}

const (
	shared    = locking.Shared
	exclusive = locking.Exclusive
	key       = locking.Key("user@example.com")
)

// who makes a Holder that can be told from others.
func who(session string) locking.Holder {
	return locking.Holder{Session: session, Account: "user@example.com", Protocol: "pop3", Remote: "192.0.2.1:1234"}
}

// acquire gets a lease that has to be had.
func (p *pair) acquire(m locking.Manager, k locking.Key, mode locking.Mode, session string) locking.Lease {
	p.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	l, err := m.Acquire(ctx, k, mode, who(session))
	if err != nil {
		p.Fatalf("%s acquires %s: %v", session, mode, err)
	}
	return l
}

// result is how a waiting Acquire ended.
type result struct {
	lease locking.Lease
	err   error
}

// waiter is an Acquire that stands in line.
type waiter struct {
	session string
	done    chan result
	cancel  context.CancelFunc
}

// wait starts an Acquire and returns once it stands in line.
func (p *pair) wait(m locking.Manager, k locking.Key, mode locking.Mode, session string) *waiter {
	p.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	p.Cleanup(cancel)
	w := &waiter{session: session, done: make(chan result, 1), cancel: cancel}
	go func() {
		l, err := m.Acquire(ctx, k, mode, who(session))
		w.done <- result{l, err}
	}()
	p.until(session+" waits in line", func() bool {
		for _, h := range p.status(m, k).Waiters {
			if h.Session == session {
				return true
			}
		}
		return false
	})
	return w
}

// granted waits for the lease.
func (p *pair) granted(w *waiter) locking.Lease {
	p.Helper()
	select {
	case r := <-w.done:
		if r.err != nil {
			p.Fatalf("%s: %v", w.session, r.err)
		}
		return r.lease
	case <-time.After(patience):
		p.Fatalf("%s was not granted its lease", w.session)
		return nil
	}
}

// refused waits for the error.
func (p *pair) refused(w *waiter) error {
	p.Helper()
	select {
	case r := <-w.done:
		if r.err == nil {
			p.Fatalf("%s was granted its lease", w.session)
		}
		return r.err
	case <-time.After(patience):
		p.Fatalf("%s still waits", w.session)
		return nil
	}
}

// stillWaits checks that a waiter stands in line.
func (p *pair) stillWaits(w *waiter) {
	p.Helper()
	select {
	case r := <-w.done:
		p.Fatalf("%s does not wait any more: %v", w.session, r.err)
	default:
	}
}

// status is what m lists for a key.
func (p *pair) status(m locking.Manager, k locking.Key) locking.Status {
	p.Helper()
	all, err := m.List(context.Background())
	if err != nil {
		p.Fatalf("List: %v", err)
	}
	for _, s := range all {
		if s.Key == k {
			return s
		}
	}
	return locking.Status{Key: k}
}

// until looks until what has to come about has come about.
func (p *pair) until(what string, ok func() bool) {
	p.Helper()
	deadline := time.Now().Add(patience)
	for !ok() {
		if time.Now().After(deadline) {
			p.Fatalf("did not come about: %s", what)
		}
		<-time.After(time.Millisecond)
	}
}

// known waits until m can tell who holds a key exclusively.
func (p *pair) known(m locking.Manager, k locking.Key, session string) {
	p.Helper()
	p.until("it is known that "+session+" holds the key", func() bool {
		h, ok := m.Held(k)
		if !ok || h.Mode != exclusive {
			p.Fatalf("Held = %+v, %v", h, ok)
		}
		return h.Session == session
	})
}

// leavesNothing is what every scenario ends with: no lease held, nobody in
// line, in either process.
func (p *pair) leavesNothing() {
	if p.Failed() || p.closed {
		return
	}
	for name, m := range map[string]locking.Manager{"a": p.a, "b": p.b} {
		all, err := m.List(context.Background())
		if err != nil || len(all) != 0 {
			p.Errorf("at the end, %s lists %+v, %v", name, all, err)
		}
	}
}

// signalled waits for a channel.
func (p *pair) signalled(what string, c <-chan struct{}) {
	p.Helper()
	select {
	case <-c:
	case <-time.After(patience):
		p.Fatalf("no signal: %s", what)
	}
}

// silent checks that a channel has nothing to tell.
func (p *pair) silent(what string, c <-chan struct{}) {
	p.Helper()
	select {
	case <-c:
		p.Fatalf("unexpected signal: %s", what)
	default:
	}
}

func numbered(s string, i int) string { return fmt.Sprintf("%s%d", s, i) }
