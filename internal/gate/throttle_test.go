package gate

import (
	"context"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"bascule/internal/accounts"
)

func testThrottle(o Throttle) (*throttle, time.Time) {
	return newThrottle(o.withDefaults(), []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}), time.Unix(1e9, 0)
}

func guess(n int) (m passMAC) { m[0], m[1], m[2] = byte(n), byte(n>>8), 1; return m }

func TestDelayGrowsAndIsForgotten(t *testing.T) {
	th, now := testThrottle(Throttle{})
	ip := netip.MustParseAddr("192.0.2.1")
	var got []time.Duration
	for i := range 12 {
		// Each guess at another account, so that only the address counts, and with
		// the queue empty.
		d := th.placeDelay(netip.PrefixFrom(ip, 32), 5, now)
		got = append(got, d)
		th.failed(ip, accounts.Address(fmt.Sprint(i)), guess(i), now)
	}
	s := time.Second
	want := []time.Duration{0, 0, 0, 0, 0, s, 2 * s, 4 * s, 8 * s, 15 * s, 15 * s, 15 * s}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%v", got)
	}
	if th.free(ip, anna, now.Add(time.Minute)) {
		t.Error("forgotten at once")
	}
	if !th.free(ip, anna, now.Add(20*time.Minute)) {
		t.Error("never forgotten")
	}
	if th.points(ip, now.Add(24*time.Hour)) != 0 {
		t.Error("an entry that says nothing is kept")
	}
}

func (t *throttle) points(ip netip.Addr, now time.Time) float64 {
	narrow, _ := nets(ip)
	t.places.points(narrow, now, t.opts.HalfLife)
	if t.places.table[narrow] == nil {
		return 0
	}
	return t.places.table[narrow].points
}

func TestWhoIsSlowedDown(t *testing.T) {
	for name, c := range map[string]struct {
		guesser, other string
		n              int
		free           bool
	}{
		"itself":                     {"192.0.2.1", "192.0.2.1", 5, false},
		"itself, few":                {"192.0.2.1", "192.0.2.1", 4, true},
		"mapped":                     {"::ffff:192.0.2.1", "192.0.2.1", 5, false},
		"a neighbour, few":           {"192.0.2.1", "192.0.2.2", 49, true},
		"a neighbour, many":          {"192.0.2.1", "192.0.2.2", 50, false},
		"the next network":           {"192.0.2.1", "192.0.3.1", 500, true},
		"same /64":                   {"2001:db8::1", "2001:db8::2:3:4:5", 5, false},
		"same /48, few":              {"2001:db8::1", "2001:db8:0:1::1", 49, true},
		"same /48, many":             {"2001:db8::1", "2001:db8:0:1::1", 50, false},
		"trusted are not slowed":     {"198.51.100.1", "198.51.100.1", 500, true},
		"not even the same network ": {"2001:db8::1", "2001:db9::1", 500, true},
	} {
		th, now := testThrottle(Throttle{})
		for i := range c.n {
			th.failed(netip.MustParseAddr(c.guesser), accounts.Address(fmt.Sprint(i)), guess(i), now)
		}
		if got := th.free(netip.MustParseAddr(c.other), "other@example.org", now); got != c.free {
			t.Errorf("%s: free %v", name, got)
		}
	}
}

func TestAccountIsDelayedButNeverLocked(t *testing.T) {
	th, now := testThrottle(Throttle{})
	home, away := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("203.0.113.1")
	th.succeeded(home, anna, now)
	for i := range 10_000 {
		// A crowd of addresses, each of which guesses once.
		ip := netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 1})
		th.failed(ip, anna, guess(i), now)
	}
	for range 100 { // no queue: everybody waits the same
		if d, ok := th.reserve(away, anna, now); !ok || d != 5*time.Second {
			t.Fatalf("from elsewhere: %v, %v", d, ok)
		}
	}
	if d, ok := th.reserve(home, anna, now); !ok || d != 0 {
		t.Errorf("where she logged in before: %v, %v", d, ok)
	}
	// Guessing from her own network makes it a stranger's.
	for i := range goodFailures {
		th.failed(home, anna, guess(i), now)
	}
	if d, _ := th.reserve(home, anna, now); d == 0 {
		t.Error("an address where she logged in before may guess for ever")
	}
}

func TestQueue(t *testing.T) {
	th, now := testThrottle(Throttle{})
	ip := netip.MustParseAddr("192.0.2.1")
	for i := range 7 {
		th.failed(ip, accounts.Address(fmt.Sprint(i)), guess(i), now)
	}
	var got []time.Duration
	refused := 0
	for range 40 {
		d, ok := th.reserve(ip, anna, now)
		if !ok {
			refused++
			continue
		}
		got = append(got, d)
	}
	if len(got) != 15 || got[0] != 4*time.Second || got[1] != 8*time.Second || got[14] != time.Minute || refused != 25 {
		t.Errorf("%v, %d refused", got, refused)
	}
}

func TestSameWrongPasswordCountsOnce(t *testing.T) {
	th, now := testThrottle(Throttle{})
	ip := netip.MustParseAddr("192.0.2.1")
	for range 1000 {
		th.failed(ip, anna, guess(1), now)
	}
	if !th.free(ip, anna, now) {
		t.Error("a forgotten device slows its household down")
	}
}

func TestTablesAreBounded(t *testing.T) {
	th, now := testThrottle(Throttle{Entries: 100})
	worst := netip.MustParseAddr("192.0.2.1")
	for i := range 1000 {
		th.failed(worst, accounts.Address(fmt.Sprint("w", i)), guess(i), now)
	}
	for i := range 5000 {
		ip := netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 1})
		th.failed(ip, accounts.Address(fmt.Sprint(i)), guess(i), now)
		th.succeeded(ip, accounts.Address(fmt.Sprint(i)), now)
	}
	if len(th.places.table) > 101 || len(th.accounts.table) > 100 || len(th.pairs) > 100 {
		t.Errorf("%d places, %d accounts, %d pairs", len(th.places.table), len(th.accounts.table), len(th.pairs))
	}
	if th.free(worst, anna, now) {
		t.Error("the worst entry was pushed out by harmless ones")
	}
}

// Through the door: guesses wait by the clock, and a connection that goes away
// while it waits leaves nothing behind.
func TestGuessingIsSlow(t *testing.T) {
	f := open(t, Options{AllowClear: true})
	c, _ := client(POP3, "192.0.2.1")
	for i := range 5 {
		f.out(c, string(anna), fmt.Sprint("guess", i), Auth)
	}
	answers := make(chan error, 1)
	go func() {
		_, err := f.gate.Password(t.Context(), c, string(anna), "guess")
		answers <- err
	}()
	f.clock.waitTimers(2)
	select {
	case err := <-answers:
		t.Fatalf("answered before its time: %v", err)
	default:
	}
	f.clock.advance(time.Second)
	if err := <-answers; !isCode(err, Auth) {
		t.Error(err)
	}

	checks := f.dir.count()
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		_, err := f.gate.Password(ctx, c, string(anna), secret)
		answers <- err
	}()
	f.clock.waitTimers(2)
	cancel()
	if err := <-answers; !isCode(err, SysTemp) {
		t.Error(err)
	}
	f.clock.waitTimers(1)
	if f.dir.count() != checks {
		t.Error("hashed for a client that had gone")
	}

	// The right password from a slow address is only slow.
	go func() {
		s, err := f.gate.Password(t.Context(), c, string(anna), secret)
		if err == nil {
			s.End()
		}
		answers <- err
	}()
	f.clock.waitTimers(2)
	f.clock.advance(time.Minute)
	if err := <-answers; err != nil {
		t.Error(err)
	}
	// From then on it is known there, and not delayed at all.
	f.gate.passes.entries = map[accounts.Address]pass{}
	f.in(c, string(anna), secret).End()
}

func TestTooManyGuessesAreRefused(t *testing.T) {
	f := open(t, Options{AllowClear: true, Throttle: Throttle{Queue: time.Millisecond}})
	c, _ := client(POP3, "192.0.2.1")
	for i := range 5 {
		f.out(c, string(anna), fmt.Sprint("guess", i), Auth)
	}
	if r := f.out(c, string(anna), secret, Unavailable); !r.Throttled {
		t.Error("it does not say why")
	}
}
