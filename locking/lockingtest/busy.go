package lockingtest

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"bascule/locking"
)

// names checks that a refusal is whole: its class, its reason, the holder.
func (p *pair) names(err error, cause error, mode locking.Mode, held locking.Mode, sessions ...string) {
	p.Helper()
	if !errors.Is(err, locking.ErrBusy) {
		p.Fatalf("error %v is not ErrBusy", err)
	}
	if cause != nil && !errors.Is(err, cause) {
		p.Errorf("error %v is not %v", err, cause)
	}
	var busy *locking.BusyError
	if !errors.As(err, &busy) {
		p.Fatalf("error %T is not a *BusyError", err)
	}
	if busy.Key != key || busy.Mode != mode {
		p.Errorf("refused %q, %s", busy.Key, busy.Mode)
	}
	if len(busy.Holders) != len(sessions) {
		p.Fatalf("holders %+v, want %q", busy.Holders, sessions)
	}
	for i, h := range busy.Holders {
		want := who(sessions[i])
		if h.Session != want.Session || h.Account != want.Account || h.Protocol != want.Protocol || h.Remote != want.Remote {
			p.Errorf("holder %+v, want %+v", h, want)
		}
		if h.Mode != held {
			p.Errorf("holder's mode is %s", h.Mode)
		}
		if age := time.Since(h.Since); age < 0 || age > time.Hour {
			p.Errorf("holder since %s", h.Since)
		}
	}
	if _, err := json.Marshal(busy.Holders); err != nil {
		p.Error(err)
	}
	if busy.Error() == "" {
		p.Error("no text")
	}
}

func refusalTellsWho(p *pair) {
	l := p.acquire(p.a, key, exclusive, "holder")
	for _, m := range []locking.Manager{p.a, p.b} {
		// One that waits learns it even if the holder has just come.
		ctx, cancel := context.WithDeadline(context.Background(), time.Now().Add(-time.Second))
		_, err := m.Acquire(ctx, key, shared, who("late"))
		p.names(err, context.DeadlineExceeded, shared, exclusive, "holder")
		cancel()

		p.known(m, key, "holder")
		_, err = m.TryAcquire(key, shared, who("trying"))
		p.names(err, nil, shared, exclusive, "holder")

		w := p.wait(m, key, exclusive, "waiter")
		w.cancel()
		p.names(p.refused(w), context.Canceled, exclusive, exclusive, "holder")
	}
	l.Release()
}

func refusalTellsReaders(p *pair) {
	l1 := p.acquire(p.a, key, shared, "reader 1")
	l2 := p.acquire(p.a, key, shared, "reader 2")
	for _, m := range []locking.Manager{p.a, p.b} {
		w := p.wait(m, key, exclusive, "writer")
		w.cancel()
		p.names(p.refused(w), context.Canceled, exclusive, shared, "reader 1", "reader 2")
	}
	l1.Release()
	l2.Release()
}

func freeDespiteContext(p *pair) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	l, err := p.a.Acquire(ctx, key, exclusive, who("late"))
	if err != nil {
		p.Fatal(err)
	}
	l.Release()
}

func releaseTwice(p *pair) {
	l := p.acquire(p.a, key, exclusive, "one")
	l.Release()
	l.Release()
	l1, l2 := p.acquire(p.a, key, shared, "two"), p.acquire(p.a, key, shared, "three")
	l1.Release()
	l1.Release()
	p.busy(p.b, exclusive)
	l2.Release()
	l2.Release()
	p.free(p.b, exclusive)
}

// A second Release, long after the first, does not end somebody else's lease.
func lateSecondRelease(p *pair) {
	old := p.acquire(p.a, key, exclusive, "old")
	old.Release()
	l := p.acquire(p.a, key, exclusive, "new")
	old.Release()
	p.busy(p.a, shared)
	p.busy(p.b, shared)
	l.Release()
}
