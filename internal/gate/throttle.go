package gate

import (
	"math"
	"net/netip"
	"sync"
	"time"

	"bascule/internal/accounts"
)

// Throttle says how failed logins slow down the next ones. Zero fields have the
// defaults that are given.
type Throttle struct {
	Off bool
	// Failures that cost nothing yet: of one address (IPv4, or an IPv6 /64, which
	// is one customer; 5), of the network around it (/24, /48; 50), of one account
	// from anywhere (10).
	FreeAddress, FreeNetwork, FreeAccount float64
	// Base is the first delay (1 s); it doubles with each further failure up to
	// Most (15 s), for an account up to MostAccount (5 s).
	Base, Most, MostAccount time.Duration
	// HalfLife is after how long half of the failures are forgotten (10 min).
	HalfLife time.Duration
	// Queue bounds how far in the future an attempt may be put; beyond it is
	// refused at once, so that waiting costs the server nothing (60 s).
	Queue time.Duration
	// Entries bounds each table (100,000).
	Entries int
}

func (t Throttle) withDefaults() Throttle {
	for v, d := range map[*float64]float64{&t.FreeAddress: 5, &t.FreeNetwork: 50, &t.FreeAccount: 10} {
		if *v == 0 {
			*v = d
		}
	}
	setDefault(&t.Base, time.Second)
	setDefault(&t.Most, 15*time.Second)
	setDefault(&t.MostAccount, 5*time.Second)
	setDefault(&t.HalfLife, 10*time.Minute)
	setDefault(&t.Queue, time.Minute)
	setDefault(&t.Entries, 100_000)
	return t
}

// throttle makes guessing slow. Attempts from an address or network with failures
// are served one after the other, each after a delay, so that many connections
// guess no faster than one. For an account the delay is the same for everybody and
// there is no queue: else strangers could keep its owner out.
type throttle struct {
	opts    Throttle
	trusted []netip.Prefix

	// mu protects the fields below.
	mu       sync.Mutex
	places   scores[netip.Prefix]
	accounts scores[accounts.Address]
	pairs    map[place]*pair
}

// pair is what an account and an address know of each other.
type pair struct {
	goodUntil time.Time // a right password came from here
	wrong     passMAC   // the last wrong one
	failures  int       // since the last right one
}

const (
	goodFor      = 7 * 24 * time.Hour
	goodFailures = 5 // then an address is a stranger again: its owner does not guess
)

func newThrottle(o Throttle, trusted []netip.Prefix) *throttle {
	return &throttle{
		opts: o, trusted: trusted,
		places:   scores[netip.Prefix]{o.Entries, map[netip.Prefix]*score{}},
		accounts: scores[accounts.Address]{o.Entries, map[accounts.Address]*score{}},
		pairs:    map[place]*pair{},
	}
}

func (t *throttle) isTrusted(remote netip.Addr) bool {
	remote = remote.Unmap()
	for _, p := range t.trusted {
		if p.Contains(remote) {
			return true
		}
	}
	return false
}

// nets are the address as a customer has it, and the network around it.
func nets(remote netip.Addr) (narrow, wide netip.Prefix) {
	remote = remote.Unmap().WithZone("")
	if remote.Is4() {
		narrow, _ = remote.Prefix(32)
		wide, _ = remote.Prefix(24)
	} else {
		narrow, _ = remote.Prefix(64)
		wide, _ = remote.Prefix(48)
	}
	return narrow, wide
}

func place4(remote netip.Addr, a accounts.Address) place {
	narrow, _ := nets(remote)
	return place{a, narrow.Addr()}
}

// exempt says who is never delayed. t.mu is held.
func (t *throttle) exempt(remote netip.Addr, a accounts.Address, now time.Time) bool {
	if t.opts.Off || t.isTrusted(remote) {
		return true
	}
	p := t.pairs[place4(remote, a)]
	return p != nil && p.failures < goodFailures && now.Before(p.goodUntil)
}

// free says whether an attempt may be served without delay.
func (t *throttle) free(remote netip.Addr, a accounts.Address, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.exempt(remote, a, now) {
		return true
	}
	narrow, wide := nets(remote)
	return t.placeDelay(narrow, t.opts.FreeAddress, now) == 0 && t.placeDelay(wide, t.opts.FreeNetwork, now) == 0 &&
		t.accountDelay(a, now) == 0
}

// reserve says how long an attempt has to wait, and takes its place in the queue.
// It is false if the queue is too long.
func (t *throttle) reserve(remote netip.Addr, a accounts.Address, now time.Time) (time.Duration, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.exempt(remote, a, now) {
		return 0, true
	}
	wait := t.accountDelay(a, now)
	narrow, wide := nets(remote)
	served := map[netip.Prefix]time.Time{}
	for k, free := range map[netip.Prefix]float64{narrow: t.opts.FreeAddress, wide: t.opts.FreeNetwork} {
		d := t.placeDelay(k, free, now)
		if d == 0 {
			continue
		}
		at := now
		if next := t.places.table[k].next; next.After(at) {
			at = next
		}
		at = at.Add(d)
		if at.Sub(now) > t.opts.Queue {
			return 0, false
		}
		served[k] = at
		wait = max(wait, at.Sub(now))
	}
	for k, at := range served {
		t.places.table[k].next = at
	}
	return wait, true
}

func (t *throttle) placeDelay(k netip.Prefix, free float64, now time.Time) time.Duration {
	return delay(t.places.points(k, now, t.opts.HalfLife), free, t.opts.Base, t.opts.Most)
}

func (t *throttle) accountDelay(a accounts.Address, now time.Time) time.Duration {
	return delay(t.accounts.points(a, now, t.opts.HalfLife), t.opts.FreeAccount, t.opts.Base, t.opts.MostAccount)
}

// delay is 0 below the free failures, then base, and twice as much for each more.
// Points decay from the first moment, hence the rounding.
func delay(points, free float64, base, most time.Duration) time.Duration {
	over := math.Floor(points - free + 0.5)
	if over < 0 {
		return 0
	}
	return min(most, time.Duration(float64(base)*math.Exp2(min(over, 30))))
}

// failed counts a wrong password. The same wrong one again does not count: that is
// a forgotten device with an old password, not somebody who guesses.
func (t *throttle) failed(remote netip.Addr, a accounts.Address, m passMAC, now time.Time) {
	if t.opts.Off || t.isTrusted(remote) {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	p := t.pair(place4(remote, a))
	if m != (passMAC{}) && p.wrong == m {
		return
	}
	p.wrong = m
	p.failures++
	narrow, wide := nets(remote)
	t.places.add(narrow, now, t.opts.HalfLife)
	t.places.add(wide, now, t.opts.HalfLife)
	t.accounts.add(a, now, t.opts.HalfLife)
}

// succeeded notes that the owner is at this address. It forgives nothing: else one
// account of one's own would make guessing others free.
func (t *throttle) succeeded(remote netip.Addr, a accounts.Address, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	p := t.pair(place4(remote, a))
	p.goodUntil, p.failures = now.Add(goodFor), 0
}

func (t *throttle) pair(k place) *pair {
	p := t.pairs[k]
	if p == nil {
		if len(t.pairs) >= t.opts.Entries {
			for other := range t.pairs {
				delete(t.pairs, other)
				break
			}
		}
		p = &pair{}
		t.pairs[k] = p
	}
	return p
}
