package lockingtest

import (
	"context"
	"errors"
	"slices"

	"bascule/locking"
)

var background = context.Background()

func nudge(p *pair) {
	// With nobody there, it is no error.
	for _, m := range []locking.Manager{p.a, p.b} {
		if err := m.Nudge(background, key); err != nil {
			p.Fatal(err)
		}
	}
	for _, m := range []locking.Manager{p.a, p.b} {
		l := p.acquire(p.a, key, exclusive, "holder")
		p.silent("asked", l.Asked())
		if err := m.Nudge(background, key); err != nil {
			p.Fatal(err)
		}
		p.signalled("asked", l.Asked())
		p.silent("lost", l.Lost())
		l.Release()

		// One that comes before the holder listens is kept.
		l = p.acquire(p.a, key, exclusive, "holder")
		if err := p.a.Nudge(background, key); err != nil {
			p.Fatal(err)
		}
		p.signalled("asked", l.Asked())
		l.Release()
	}
	// Readers are not asked.
	l := p.acquire(p.a, key, shared, "reader")
	if err := p.a.Nudge(background, key); err != nil {
		p.Fatal(err)
	}
	p.silent("asked", l.Asked())
	l.Release()
}

func breakExclusive(p *pair) {
	for _, m := range []locking.Manager{p.a, p.b} {
		l := p.acquire(p.a, key, exclusive, "holder")
		w := p.wait(p.b, key, exclusive, "waiter")
		lost := l.Lost()
		p.silent("lost", lost)
		if err := m.Break(background, key); err != nil {
			p.Fatal(err)
		}
		p.signalled("lost", lost)
		p.signalled("lost, asked for later", l.Lost())

		// Nothing was taken away; the waiter was not hurt.
		p.stillWaits(w)
		p.busy(p.a, shared)
		l.Release()
		l = p.granted(w)
		p.silent("lost", l.Lost())
		l.Release()
	}
}

func breakShared(p *pair) {
	for _, m := range []locking.Manager{p.a, p.b} {
		ls := []locking.Lease{
			p.acquire(p.a, key, shared, "a1"), p.acquire(p.a, key, shared, "a2"), p.acquire(p.b, key, shared, "b1"),
		}
		if err := m.Break(background, key); err != nil {
			p.Fatal(err)
		}
		for _, l := range ls {
			p.signalled("lost", l.Lost())
			l.Release()
		}
	}
}

func breakNothing(p *pair) {
	for _, m := range []locking.Manager{p.a, p.b} {
		if err := m.Break(background, key); !errors.Is(err, locking.ErrNotHeld) {
			p.Errorf("Break: %v, want ErrNotHeld", err)
		}
	}
}

func sessions(hs []locking.Holder) []string {
	var s []string
	for _, h := range hs {
		s = append(s, h.Session)
	}
	slices.Sort(s)
	return s
}

func list(p *pair) {
	const other = locking.Key("zoe@example.com")
	l1 := p.acquire(p.a, key, shared, "a")
	l2 := p.acquire(p.b, key, shared, "b")
	w1 := p.wait(p.a, key, exclusive, "wa")
	w2 := p.wait(p.b, key, exclusive, "wb")
	l3 := p.acquire(p.b, other, exclusive, "z")
	for _, m := range []locking.Manager{p.a, p.b} {
		all, err := m.List(background)
		if err != nil {
			p.Fatal(err)
		}
		if len(all) != 2 || all[0].Key != key || all[1].Key != other {
			p.Fatalf("List = %+v", all)
		}
		if got := sessions(all[0].Holders); !slices.Equal(got, []string{"a", "b"}) {
			p.Errorf("holders %q", got)
		}
		if got := all[0].Waiters; len(got) != 2 || got[0].Session != "wa" || got[1].Session != "wb" || got[0].Mode != exclusive || got[0].Since.IsZero() {
			p.Errorf("waiters %+v", got)
		}
		if h := all[1].Holders; len(h) != 1 || h[0].Session != "z" || h[0].Mode != exclusive || h[0].Since.IsZero() || len(all[1].Waiters) != 0 {
			p.Errorf("other key: %+v", all[1])
		}
	}
	l1.Release()
	l2.Release()
	l3.Release()
	// Each stands behind a lease of its own process, so which of the two comes
	// to the fore first is open.
	select {
	case r := <-w1.done:
		w1.done <- r
		p.granted(w1).Release()
		p.granted(w2).Release()
	case r := <-w2.done:
		w2.done <- r
		p.granted(w2).Release()
		p.granted(w1).Release()
	}
}

func heldTells(p *pair) {
	check := func(m locking.Manager, want string) {
		p.Helper()
		h, ok := m.Held(key)
		if ok != (want != "") || h.Session != want || ok && (h.Mode != exclusive || h.Since.IsZero() || h.Remote != who(want).Remote) {
			p.Errorf("Held = %+v, %v, want %q", h, ok, want)
		}
	}
	for _, session := range []string{"first", "second"} {
		check(p.a, "")
		check(p.b, "")
		l := p.acquire(p.a, key, exclusive, session)
		check(p.a, session)
		p.known(p.b, key, session)
		check(p.b, session)
		l.Release()
	}
	check(p.a, "")
	check(p.b, "")
	l := p.acquire(p.a, key, shared, "reader")
	check(p.a, "")
	check(p.b, "")
	l.Release()
}

func closeEndsWaiting(p *pair) {
	p.closed = true
	l := p.acquire(p.a, key, exclusive, "holder")
	w := p.wait(p.a, key, exclusive, "waiter")
	same := p.a == p.b
	if err := p.a.Close(); err != nil {
		p.Fatal(err)
	}
	if err := p.refused(w); !errors.Is(err, locking.ErrClosed) {
		p.Errorf("waiting ended with %v", err)
	}
	p.signalled("lost", l.Lost())
	if _, err := p.a.Acquire(background, "new", shared, who("new")); !errors.Is(err, locking.ErrClosed) {
		p.Errorf("Acquire after Close: %v", err)
	}
	if _, err := p.a.TryAcquire("new", shared, who("new")); !errors.Is(err, locking.ErrClosed) {
		p.Errorf("TryAcquire after Close: %v", err)
	}
	if !same {
		// What is held stays protected until its holder is done.
		p.busy(p.b, shared)
	}
	l.Release()
	if !same {
		l := p.acquire(p.b, key, exclusive, "other")
		l.Release()
		p.free(p.b, exclusive)
	}
	if err := p.a.Close(); err != nil {
		p.Errorf("second Close: %v", err)
	}
}
