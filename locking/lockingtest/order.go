package lockingtest

import (
	"errors"

	"bascule/locking"
)

// busy checks that a lease is not to be had at once.
func (p *pair) busy(m locking.Manager, mode locking.Mode) {
	p.Helper()
	l, err := m.TryAcquire(key, mode, who("trying"))
	if err == nil {
		l.Release()
		p.Fatalf("%s was to be had at once", mode)
	}
	if !errors.Is(err, locking.ErrBusy) {
		p.Fatalf("TryAcquire: %v", err)
	}
}

// free checks that a lease is to be had at once.
func (p *pair) free(m locking.Manager, mode locking.Mode) {
	p.Helper()
	l, err := m.TryAcquire(key, mode, who("trying"))
	if err != nil {
		p.Fatalf("TryAcquire: %v", err)
	}
	l.Release()
}

func exclusiveIsAlone(p *pair) {
	l := p.acquire(p.a, key, exclusive, "one")
	for _, m := range []locking.Manager{p.a, p.b} {
		p.busy(m, exclusive)
		p.busy(m, shared)
	}
	l.Release()
	p.free(p.b, exclusive)
	p.free(p.a, exclusive)
	p.free(p.b, shared)
}

func sharedAreTogether(p *pair) {
	l1 := p.acquire(p.a, key, shared, "one")
	l2 := p.acquire(p.b, key, shared, "two")
	l3 := p.acquire(p.a, key, shared, "three")
	p.busy(p.a, exclusive)
	l1.Release()
	l2.Release()
	p.busy(p.a, exclusive)
	p.busy(p.b, exclusive)
	l3.Release()
	p.free(p.b, exclusive)
}

func keysAreApart(p *pair) {
	l1 := p.acquire(p.a, "one@example.com", exclusive, "one")
	l2 := p.acquire(p.b, "two@example.com", exclusive, "two")
	if l1.Key() != "one@example.com" || l2.Key() != "two@example.com" {
		p.Errorf("keys %q, %q", l1.Key(), l2.Key())
	}
	l1.Release()
	l2.Release()
}

func anyBytesAreAKey(p *pair) {
	long := make([]byte, 100_000)
	for _, k := range []locking.Key{"", ".", "..", "../../x", "/", "a\x00b", "a", "A", "\xff\xfe", "ä", "\n", locking.Key(long)} {
		l := p.acquire(p.a, k, exclusive, "holder")
		w := p.wait(p.b, k, exclusive, "waiter")
		p.known(p.b, k, "holder")
		l.Release()
		p.granted(w).Release()
	}
}

// In one process the order of arrival is the order of service, whatever is
// asked for.
func firstComeFirstServed(p *pair) {
	modes := []locking.Mode{exclusive, shared, shared, exclusive, exclusive, shared, exclusive}
	l := p.acquire(p.a, key, exclusive, "first")
	var ws []*waiter
	for i, mode := range modes {
		ws = append(ws, p.wait(p.a, key, mode, numbered("waiter", i)))
	}
	for i := 0; i < len(modes); {
		l.Release()
		l = p.granted(ws[i])
		i++
		// Readers next to each other are served together.
		for modes[i-1] == shared && i < len(modes) && modes[i] == shared {
			p.granted(ws[i]).Release()
			i++
		}
		for _, w := range ws[i:] {
			p.stillWaits(w)
		}
		if l.Mode() == exclusive {
			p.busy(p.b, shared)
		}
	}
	l.Release()
}

// A writer in line holds up new readers, in its own process and in others.
func readersDoNotStarveWriter(p *pair) {
	r1 := p.acquire(p.a, key, shared, "reader 1")
	w := p.wait(p.b, key, exclusive, "writer")
	p.busy(p.a, shared)
	p.busy(p.b, shared)
	r2 := p.wait(p.a, key, shared, "reader 2")
	r3 := p.wait(p.b, key, shared, "reader 3")
	p.stillWaits(w)
	r1.Release()
	l := p.granted(w)
	p.stillWaits(r2)
	p.stillWaits(r3)
	l.Release()
	p.granted(r2).Release()
	p.granted(r3).Release()
}

// A reader in line goes before writers that come later.
func writersDoNotStarveReader(p *pair) {
	l := p.acquire(p.a, key, exclusive, "writer 1")
	r := p.wait(p.b, key, shared, "reader")
	w := p.wait(p.a, key, exclusive, "writer 2")
	l.Release()
	got := p.granted(r)
	p.stillWaits(w)
	got.Release()
	p.granted(w).Release()
}

func writerGivesUp(p *pair) {
	r1 := p.acquire(p.a, key, shared, "reader 1")
	w := p.wait(p.b, key, exclusive, "writer")
	r2 := p.wait(p.a, key, shared, "reader 2")
	r3 := p.wait(p.b, key, shared, "reader 3")
	w.cancel()
	p.refused(w)
	p.granted(r2).Release()
	p.granted(r3).Release()
	r1.Release()
}

func givingUpLeavesLineWhole(p *pair) {
	l := p.acquire(p.a, key, exclusive, "first")
	var ws []*waiter
	for i := range 6 {
		ws = append(ws, p.wait(p.a, key, exclusive, numbered("waiter", i)))
	}
	for _, i := range []int{0, 3, 5} {
		ws[i].cancel()
		if err := p.refused(ws[i]); !errors.Is(err, locking.ErrBusy) {
			p.Errorf("refused with %v", err)
		}
	}
	if n := len(p.status(p.a, key).Waiters); n != 3 {
		p.Errorf("%d waiters, want 3", n)
	}
	for _, i := range []int{1, 2, 4} {
		l.Release()
		l = p.granted(ws[i])
	}
	l.Release()
}

// A process with many waiters takes turns with one that has few.
func otherProcessIsServed(p *pair) {
	l := p.acquire(p.a, key, exclusive, "first")
	other := p.wait(p.b, key, exclusive, "other")
	var ws []*waiter
	for i := range 5 {
		ws = append(ws, p.wait(p.a, key, exclusive, numbered("waiter", i)))
	}
	l.Release()
	l = p.granted(other)
	for _, w := range ws {
		p.stillWaits(w)
	}
	l.Release()
	for _, w := range ws {
		p.granted(w).Release()
	}
}
