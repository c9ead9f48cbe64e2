package gate

import (
	"context"
	"errors"
	"net/netip"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"bascule/internal/accounts"
	"bascule/internal/notify"
	"bascule/locking"
	"bascule/maildir"
)

// fakeClock stands still until it is moved.
type fakeClock struct {
	mu     sync.Mutex
	moved  *sync.Cond // a timer was set or taken back
	now    time.Time
	timers map[*fakeTimer]bool
}

type fakeTimer struct {
	at time.Time
	f  func()
}

func newFakeClock() *fakeClock {
	c := &fakeClock{now: time.Unix(1_700_000_000, 0), timers: map[*fakeTimer]bool{}}
	c.moved = sync.NewCond(&c.mu)
	return c
}

func (c *fakeClock) Now() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.now }

func (c *fakeClock) AfterFunc(d time.Duration, f func()) func() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := &fakeTimer{c.now.Add(d), f}
	c.timers[t] = true
	c.moved.Broadcast()
	return func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		had := c.timers[t]
		delete(c.timers, t)
		c.moved.Broadcast()
		return had
	}
}

// advance moves the clock and runs what is due, in order of time.
func (c *fakeClock) advance(d time.Duration) {
	c.mu.Lock()
	end := c.now.Add(d)
	for {
		var first *fakeTimer
		for t := range c.timers {
			if !t.at.After(end) && (first == nil || t.at.Before(first.at)) {
				first = t
			}
		}
		if first == nil {
			break
		}
		delete(c.timers, first)
		c.now = first.at
		c.mu.Unlock()
		first.f()
		c.mu.Lock()
	}
	c.now = end
	c.mu.Unlock()
}

// waitTimers returns when n timers are set, the gate's own tick among them.
func (c *fakeClock) waitTimers(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.timers) != n {
		c.moved.Wait()
	}
}

// spy is a directory that counts, and lets a test step in between.
type spy struct {
	accounts.Directory
	mu       sync.Mutex
	verified int
	running  int
	most     int // Verify at once
	before   func(n int)
	after    func(n int)
	lookups  int
	broken   error // of Lookup
	mute     error // of Verify
}

func (s *spy) Lookup(ctx context.Context, a accounts.Address) (accounts.Effective, error) {
	s.mu.Lock()
	s.lookups++
	n, before, after, broken := s.lookups, s.before, s.after, s.broken
	s.mu.Unlock()
	if broken != nil {
		return accounts.Effective{}, broken
	}
	if before != nil {
		before(n)
	}
	e, err := s.Directory.Lookup(ctx, a)
	if after != nil {
		after(n)
	}
	return e, err
}

func (s *spy) Verify(ctx context.Context, a accounts.Address, password string) (bool, error) {
	s.mu.Lock()
	s.verified++
	s.running++
	s.most = max(s.most, s.running)
	mute := s.mute
	s.mu.Unlock()
	defer func() { s.mu.Lock(); s.running--; s.mu.Unlock() }()
	if mute != nil {
		return false, mute
	}
	return s.Directory.Verify(ctx, a, password)
}

func (s *spy) count() int { s.mu.Lock(); defer s.mu.Unlock(); return s.verified }

// step sets what happens around the n-th lookup from now on.
func (s *spy) step(before, after func(n int)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lookups, s.before, s.after = 0, before, after
}

const (
	anna   = accounts.Address("anna@example.org")
	bert   = accounts.Address("bert@example.org")
	secret = "correct horse"
)

type fixture struct {
	*testing.T
	clock *fakeClock
	db    *accounts.DB
	dir   *spy
	store *maildir.Store
	gate  *Gate
	path  string
}

var cheap = accounts.Cost{MemoryKiB: 64, Passes: 1, Lanes: 1, SCRAMIterations: 4096}

// open makes a gate with two accounts. At the end nobody may be inside and the
// mail has to be in order.
func open(t testing.TB, o Options) *fixture {
	t.Helper()
	f := &fixture{clock: newFakeClock()}
	f.T, _ = t.(*testing.T)
	data := t.TempDir()
	f.path = filepath.Join(data, "accounts.db")
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	check(maildir.Create(data))
	locks, bus := locking.NewInProcess(), notify.NewInProcess()
	var err error
	f.store, err = maildir.Open(maildir.Options{DataDir: data, Locks: locks, Bus: bus})
	check(err)
	f.db, err = accounts.Open(t.Context(), f.path, accounts.Options{Cost: cheap, Now: f.clock.Now, FlushEvery: time.Hour})
	check(err)
	for _, a := range []accounts.Address{anna, bert} {
		check(f.db.AddAccount(t.Context(), "test", a, accounts.Clear(secret)))
	}
	f.dir = &spy{Directory: f.db}
	o.Directory, o.Rules, o.Store = f.dir, f.db, f.store
	if o.Clock == nil {
		o.Clock = f.clock
	}
	f.gate = New(o)
	t.Cleanup(func() {
		if n := f.gate.Count(); n != 0 {
			t.Errorf("%d sessions left", n)
		}
		for _, a := range []accounts.Address{anna, bert} {
			acc, err := f.store.Account(context.Background(), string(a), maildir.Policy{})
			check(err)
			problems, err := acc.Check(context.Background())
			if err != nil || len(problems) != 0 {
				t.Errorf("%s: %v, %v", a, problems, err)
			}
			acc.Close()
		}
		check(f.gate.Close())
		check(f.db.Close())
		check(f.store.Close())
		check(bus.Close())
		check(locks.Close())
	})
	return f
}

// kicks collects what the gate asks of a connection.
type kicks struct {
	mu   sync.Mutex
	list []Eviction
}

func (k *kicks) add(e Eviction) { k.mu.Lock(); defer k.mu.Unlock(); k.list = append(k.list, e) }

func (k *kicks) all() []Eviction {
	k.mu.Lock()
	defer k.mu.Unlock()
	return append([]Eviction(nil), k.list...)
}

func client(p Protocol, remote string) (*Client, *kicks) {
	k := &kicks{}
	return &Client{Protocol: p, Remote: netip.AddrPortFrom(netip.MustParseAddr(remote), 4711),
		Local: netip.MustParseAddrPort("192.0.2.254:143"), ConnID: "c1", Kick: k.add}, k
}

func local(p Protocol) *Client { c, _ := client(p, "127.0.0.1"); return c }

// in logs in and expects success.
func (f *fixture) in(c *Client, user, password string) *Session {
	f.Helper()
	s, err := f.gate.Password(f.Context(), c, user, password)
	if err != nil {
		f.Fatalf("%s %q: %v", c.Protocol, user, err)
	}
	return s
}

// out logs in and expects a refusal.
func (f *fixture) out(c *Client, user, password string, want Code) *Refusal {
	f.Helper()
	s, err := f.gate.Password(f.Context(), c, user, password)
	if err == nil {
		s.End()
	}
	var r *Refusal
	if !errors.As(err, &r) || r.Code != want {
		f.Fatalf("%s %q: got %v, want %v", c.Protocol, user, err, want)
	}
	return r
}

func (f *fixture) set(s accounts.Scope, k accounts.Key, v string) {
	f.Helper()
	if _, err := f.db.Set(f.Context(), "test", s, map[accounts.Key]string{k: v}); err != nil {
		f.Fatal(err)
	}
}

func (f *fixture) evict(now bool, want int) {
	f.Helper()
	if n, err := f.gate.EvictNow(f.Context(), accounts.Scope{}, now); n != want || err != nil {
		f.Fatalf("evicted %d, %v; want %d", n, err, want)
	}
}
