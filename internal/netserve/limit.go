package netserve

import (
	"net/netip"
	"sync"
)

// addressLimit counts connections that have not logged in, by client address: an IPv4 address, or the /64 of an IPv6 one (a
// customer has a whole /64, so counting single addresses would be no limit).
type addressLimit struct {
	max int
	// mu protects counts.
	mu     sync.Mutex
	counts map[netip.Prefix]int
}

func newAddressLimit(max int) *addressLimit {
	return &addressLimit{max: max, counts: make(map[netip.Prefix]int)}
}

func network(a netip.Addr) netip.Prefix {
	bits := 32
	if a.Is6() {
		bits = 64
	}
	p, _ := a.Prefix(bits)
	return p
}

// enter takes a place; ok is false when the address has none left. release gives the place back; call it once.
func (l *addressLimit) enter(a netip.Addr) (release func(), ok bool) {
	if l.max <= 0 || !a.IsValid() {
		return nil, true
	}
	key := network(a)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.counts[key] >= l.max {
		return nil, false
	}
	l.counts[key]++
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.counts[key]--; l.counts[key] <= 0 {
			delete(l.counts, key)
		}
	}, true
}
