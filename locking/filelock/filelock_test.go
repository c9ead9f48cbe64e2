package filelock

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bascule/locking"
	"bascule/locking/lockingtest"
)

func openTest(t testing.TB, dir string) *Manager {
	t.Helper()
	m, err := New(dir, Options{Process: t.Name()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	m.(*Manager).recordDelay = 0 // so that tests need not wait for it
	return m.(*Manager)
}

// The suite runs as the manager is used, with holders written down late.
func TestSuite(t *testing.T) {
	lockingtest.Run(t, func(t *testing.T) (a, b locking.Manager) {
		dir := t.TempDir()
		x, y := openTest(t, dir), openTest(t, dir)
		x.recordDelay, y.recordDelay = recordDelay, recordDelay
		return x, y
	})
}

// One process is the common case; the suite passes there too.
func TestSuiteOneProcess(t *testing.T) {
	lockingtest.Run(t, func(t *testing.T) (a, b locking.Manager) {
		m := openTest(t, t.TempDir())
		return m, m
	})
}

// A path longer than a socket address may be is no obstacle.
func TestLongPath(t *testing.T) {
	dir := filepath.Join(t.TempDir(), strings.Repeat("d", 150))
	a, b := openTest(t, dir), openTest(t, dir)
	l, err := a.TryAcquire("k", locking.Exclusive, locking.Holder{Session: "one"})
	if err != nil {
		t.Fatal(err)
	}
	lost := l.Lost()
	if err := b.Break(context.Background(), "k"); err != nil {
		t.Fatal(err)
	}
	<-lost
	l.Release()
}

// Lock files stay, side files and sockets go.
func TestWhatStaysBehind(t *testing.T) {
	dir := t.TempDir()
	m := openTest(t, dir)
	l, err := m.TryAcquire("k", locking.Exclusive, locking.Holder{Session: "one"})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(files(t, dir, "held")); n != 1 {
		t.Errorf("%d side files while held", n)
	}
	l.Release()
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	if got := files(t, dir, "held"); len(got) != 0 {
		t.Errorf("side files left: %q", got)
	}
	if got := files(t, dir, "peers"); len(got) != 0 {
		t.Errorf("sockets left: %q", got)
	}
	if n := len(files(t, dir, "locks")); n == 0 || n > lockFiles {
		t.Errorf("%d lock files", n)
	}
}

func files(t *testing.T, dir, sub string) []string {
	t.Helper()
	es, err := os.ReadDir(filepath.Join(dir, sub))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range es {
		names = append(names, e.Name())
	}
	return names
}

// A process with thousands of leases needs no more descriptors than lock files.
func TestDescriptorsAreBounded(t *testing.T) {
	m := openTest(t, t.TempDir())
	m.recordDelay = time.Hour // thousands of side files prove nothing here
	before := descriptors(t)
	var ls []locking.Lease
	for i := range 3000 {
		l, err := m.TryAcquire(locking.Key(rune(i)), locking.Exclusive, locking.Holder{})
		if err != nil {
			t.Fatal(err)
		}
		ls = append(ls, l)
	}
	if n := descriptors(t) - before; n > lockFiles {
		t.Errorf("%d descriptors for %d leases", n, len(ls))
	}
	for _, l := range ls {
		l.Release()
	}
}

func descriptors(t *testing.T) int {
	t.Helper()
	es, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip(err)
	}
	return len(es)
}

// A damaged side file costs the holder's name, nothing else.
func TestDamagedRecord(t *testing.T) {
	for _, content := range []string{"", "{", `{"holder":{"mode":"sideways"}}`, strings.Repeat("x", 100_000), `{"holder":7}`} {
		dir := t.TempDir()
		a, b := openTest(t, dir), openTest(t, dir)
		l, err := a.TryAcquire("k", locking.Exclusive, locking.Holder{Session: "one"})
		if err != nil {
			t.Fatal(err)
		}
		p := placeOf("k")
		if err := os.WriteFile(a.recordPath(p.sideFile()), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if h, ok := b.Held("k"); !ok || h != (locking.Holder{Mode: locking.Exclusive}) {
			t.Errorf("Held with record %.20q = %+v, %v", content, h, ok)
		}
		l.Release()
	}
}

// What a client said about itself cannot make a record grow or break.
func TestHugeHolder(t *testing.T) {
	dir := t.TempDir()
	a, b := openTest(t, dir), openTest(t, dir)
	h := locking.Holder{Session: strings.Repeat("\xff\"", 50_000), Remote: strings.Repeat("\x00", 9999)}
	key := locking.Key(strings.Repeat("\xfe", 50_000))
	l, err := a.TryAcquire(key, locking.Exclusive, h)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Release()
	got, ok := b.Held(key)
	if !ok || got.Session == "" || len(got.Session) > maxField {
		t.Errorf("Held = %+v, %v", got, ok)
	}
}

// Without any message a waiter still gets the lock: it looks for itself.
func TestDeafProcess(t *testing.T) {
	dir := t.TempDir()
	a, b := openTest(t, dir), openTest(t, dir)
	l, err := a.TryAcquire("k", locking.Exclusive, locking.Holder{})
	if err != nil {
		t.Fatal(err)
	}
	b.post.Close()
	got := make(chan error, 1)
	go func() {
		l, err := b.Acquire(context.Background(), "k", locking.Exclusive, locking.Holder{})
		if err == nil {
			l.Release()
		}
		got <- err
	}()
	p := placeOf("k")
	for {
		f := a.shardOf("k").file
		if others, err := crowded(f, &p); err != nil {
			t.Fatal(err)
		} else if others {
			break
		}
		<-time.After(time.Millisecond)
	}
	l.Release()
	select {
	case err := <-got:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Error("still waiting")
	}
}

func TestPlaces(t *testing.T) {
	for _, k := range []locking.Key{"", "a", "user@example.com"} {
		p := placeOf(k)
		if p.lock() < 0 || p.lock() >= ticketArea-1 || p.lock()%4 != 0 {
			t.Errorf("lock of %q at %x", k, p.lock())
		}
		if first, last := p.tickets(), p.tickets()+ticketSpan-1; first < ticketArea || last < first {
			t.Errorf("tickets of %q at %x to %x", k, first, last)
		}
	}
	var top place
	for i := range top.sum {
		top.sum[i] = 0xff
	}
	if top.record() >= ticketArea || top.tickets()+ticketSpan-1 < 0 {
		t.Error("the last places overflow")
	}
}

// The order of tickets holds around the point where their numbers begin anew.
func TestTicketOrder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	p := placeOf("k")
	period := time.Duration(ticketSpan) * ticketUnit
	zero := time.Unix(0, 0).Add(1000 * period)
	for _, tc := range []struct {
		name string
		a, b time.Time // b comes later
	}{
		{"apart", zero.Add(time.Hour), zero.Add(time.Hour + time.Millisecond)},
		{"same moment", zero.Add(time.Hour), zero.Add(time.Hour)},
		{"first number", zero, zero.Add(time.Second)},
		{"around", zero.Add(-time.Second), zero.Add(time.Second)},
		{"just around", zero.Add(-ticketUnit), zero},
		{"same moment at the end", zero.Add(-ticketUnit), zero.Add(-ticketUnit)},
		{"a day apart, around", zero.Add(-12 * time.Hour), zero.Add(12 * time.Hour)},
	} {
		fa, fb := mustOpen(t, path), mustOpen(t, path)
		ta, err := takeTicket(fa, &p, tc.a)
		if err != nil {
			t.Fatal(err)
		}
		tb, err := takeTicket(fb, &p, tc.b)
		if err != nil {
			t.Fatal(err)
		}
		if first, err := ta.first(fa, &p); !first || err != nil {
			t.Errorf("%s: the older is not first: %v", tc.name, err)
		}
		if first, err := tb.first(fb, &p); first || err != nil {
			t.Errorf("%s: the younger is first: %v", tc.name, err)
		}
		if err := ta.drop(fa, &p); err != nil {
			t.Fatal(err)
		}
		if first, err := tb.first(fb, &p); !first || err != nil {
			t.Errorf("%s: the younger does not move up: %v", tc.name, err)
		}
		fa.f.Close()
		fb.f.Close()
	}
}

func mustOpen(t *testing.T, path string) *lockFile {
	t.Helper()
	f, err := openLockFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestNewFails(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if m, err := New(file, Options{}); err == nil {
		m.Close()
		t.Error("a file was taken for a directory")
	}
}

// What a process that hangs holds alone is listed all the same, with an error
// that tells of the process.
func TestHungProcess(t *testing.T) {
	dir := t.TempDir()
	a, b := openTest(t, dir), openTest(t, dir)
	l, err := a.TryAcquire("k", locking.Exclusive, locking.Holder{Session: "hung"})
	if err != nil {
		t.Fatal(err)
	}
	for i := range a.shards {
		a.shards[i].mu.Lock() // it cannot list anything
	}
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	all, err := b.List(ctx)
	if err == nil || len(all) != 1 || all[0].Key != "k" || len(all[0].Holders) != 1 || all[0].Holders[0].Session != "hung" {
		t.Errorf("List = %+v, %v", all, err)
	}
	if err := b.Break(ctx, "k"); err == nil || errors.Is(err, locking.ErrNotHeld) {
		t.Errorf("Break = %v", err)
	}
	if _, err := b.TryAcquire("k", locking.Shared, locking.Holder{}); !errors.Is(err, locking.ErrBusy) {
		t.Errorf("TryAcquire = %v", err)
	}
	for i := range a.shards {
		a.shards[i].mu.Unlock()
	}
	l.Release()
}

// A lease that ends at once is never written down; one that lasts is.
func TestRecordDelay(t *testing.T) {
	dir := t.TempDir()
	a, b := openTest(t, dir), openTest(t, dir)
	a.recordDelay = time.Hour
	l, err := a.TryAcquire("k", locking.Exclusive, locking.Holder{Session: "short"})
	if err != nil {
		t.Fatal(err)
	}
	if got := files(t, dir, "held"); len(got) != 0 {
		t.Errorf("side files: %q", got)
	}
	if h, ok := b.Held("k"); !ok || h != (locking.Holder{Mode: locking.Exclusive}) {
		t.Errorf("Held = %+v, %v", h, ok)
	}
	l.Release()
	l.(*lease).announce() // the timer was just going off
	if got := files(t, dir, "held"); len(got) != 0 {
		t.Errorf("side files after the release: %q", got)
	}
}

// A backend that fails says so; it is not "busy", and holds nothing.
func TestBackendFails(t *testing.T) {
	dir := t.TempDir()
	m := openTest(t, dir)
	if err := os.RemoveAll(filepath.Join(dir, "locks")); err != nil {
		t.Fatal(err)
	}
	_, err := m.TryAcquire("k", locking.Shared, locking.Holder{})
	if err == nil || errors.Is(err, locking.ErrBusy) {
		t.Errorf("TryAcquire = %v", err)
	}
	if all, err := m.List(context.Background()); err != nil || len(all) != 0 {
		t.Errorf("List = %+v, %v", all, err)
	}
}

func TestAllocations(t *testing.T) {
	m := openTest(t, t.TempDir())
	who := locking.Holder{Session: "s"}
	n := testing.AllocsPerRun(1000, func() {
		l, err := m.Acquire(context.Background(), "user@example.com", locking.Shared, who)
		if err != nil {
			t.Fatal(err)
		}
		l.Release()
	})
	if n > 2 {
		t.Errorf("%v allocations for one shared lease, want 2 at most", n)
	}
}

func benchmark(b *testing.B, mode locking.Mode, also bool) {
	dir := b.TempDir()
	m := openTest(b, dir)
	m.recordDelay = recordDelay
	ctx := context.Background()
	if also {
		l, err := m.Acquire(ctx, "user@example.com", mode, locking.Holder{})
		if err != nil {
			b.Fatal(err)
		}
		defer l.Release()
	}
	b.ReportAllocs()
	for b.Loop() {
		l, err := m.Acquire(ctx, "user@example.com", mode, locking.Holder{Session: "s1", Protocol: "imap"})
		if err != nil {
			b.Fatal(err)
		}
		l.Release()
	}
}

func BenchmarkShared(b *testing.B)     { benchmark(b, locking.Shared, false) }
func BenchmarkSharedJoin(b *testing.B) { benchmark(b, locking.Shared, true) }
func BenchmarkExclusive(b *testing.B)  { benchmark(b, locking.Exclusive, false) }

func BenchmarkHeld(b *testing.B) {
	for _, held := range []bool{false, true} {
		name := map[bool]string{false: "free", true: "by another process"}[held]
		b.Run(name, func(b *testing.B) {
			dir := b.TempDir()
			m, other := openTest(b, dir), openTest(b, dir)
			if held {
				l, err := other.TryAcquire("k", locking.Exclusive, locking.Holder{Session: "s1"})
				if err != nil {
					b.Fatal(err)
				}
				defer l.Release()
			}
			for b.Loop() {
				if _, ok := m.Held("k"); ok != held {
					b.Fatal(ok)
				}
			}
		})
	}
}

// BenchmarkHandOver is the time from a release in one process to the grant in
// another.
func BenchmarkHandOver(b *testing.B) {
	dir := b.TempDir()
	ms := []*Manager{openTest(b, dir), openTest(b, dir)}
	ms[0].recordDelay, ms[1].recordDelay = recordDelay, recordDelay
	ctx := context.Background()
	l, err := ms[0].Acquire(ctx, "k", locking.Exclusive, locking.Holder{})
	if err != nil {
		b.Fatal(err)
	}
	p := placeOf("k")
	next := make(chan locking.Lease)
	i := 0
	for b.Loop() {
		i++
		me, other := ms[(i+1)%2], ms[i%2]
		go func() {
			l, err := other.Acquire(ctx, "k", locking.Exclusive, locking.Holder{})
			if err != nil {
				b.Error(err)
			}
			next <- l
		}()
		for {
			if others, _ := crowded(me.shardOf("k").file, &p); others {
				break
			}
		}
		l.Release()
		l = <-next
	}
	l.Release()
}
