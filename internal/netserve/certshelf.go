package netserve

import (
	"crypto/tls"
	"errors"
	"slices"
	"strings"
	"time"
)

// shelf is the certificates in use by the names that they cover. It does not change; a reload makes a new one. A look-up costs the same
// with one certificate and with ten thousand.
type shelf struct {
	all    []*tls.Certificate // the first is for clients that name no server
	byName map[string][]*tls.Certificate
}

// newShelf arranges certificates of three ranks. Within the first the order counts, else the longest-lived of a name is preferred.
func newShelf(named, found, standing []*tls.Certificate, own string) *shelf {
	found = slices.Clone(found)
	slices.SortStableFunc(found, func(a, b *tls.Certificate) int { return b.Leaf.NotAfter.Compare(a.Leaf.NotAfter) })
	s := &shelf{all: slices.Concat(named, found, standing), byName: map[string][]*tls.Certificate{}}
	for _, c := range s.all {
		names := c.Leaf.DNSNames
		if len(names) == 0 && len(c.Leaf.IPAddresses) == 0 {
			names = []string{c.Leaf.Subject.CommonName} // as tests and very old authorities have it
		}
		for _, n := range names {
			if n = canonicalName(n); n != "" {
				s.byName[n] = append(s.byName[n], c)
			}
		}
	}
	if len(named) == 0 {
		if mine := s.covering(own); len(mine) > 0 {
			i := slices.Index(s.all, mine[0])
			s.all = slices.Insert(slices.Delete(s.all, i, i+1), 0, mine[0])
		}
	}
	return s
}

func canonicalName(n string) string { return strings.TrimSuffix(strings.ToLower(n), ".") }

// covering are the certificates for a server name, the exact ones or else those with a wildcard for its first label (RFC 6125 §6.4.3).
func (s *shelf) covering(name string) []*tls.Certificate {
	name = canonicalName(name)
	if list := s.byName[name]; len(list) > 0 {
		return list
	}
	if _, rest, ok := strings.Cut(name, "."); ok {
		return s.byName["*."+rest]
	}
	return nil
}

// pick chooses for a handshake: the first that the client can use (it may know RSA only), else the first.
func (s *shelf) pick(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	list := s.covering(hello.ServerName)
	if len(list) == 0 {
		if len(s.all) == 0 {
			return nil, errors.New("netserve: no certificate")
		}
		return s.all[0], nil
	}
	if len(list) > 1 {
		for _, c := range list {
			if hello.SupportsCertificate(c) == nil {
				return c, nil
			}
		}
	}
	return list[0], nil
}

// expires is the earliest end of validity among the certificates that are shown to somebody.
func (s *shelf) expires() time.Time {
	var first time.Time
	consider := func(c *tls.Certificate) {
		if first.IsZero() || c.Leaf.NotAfter.Before(first) {
			first = c.Leaf.NotAfter
		}
	}
	if len(s.all) > 0 {
		consider(s.all[0])
	}
	for _, list := range s.byName {
		consider(list[0])
	}
	return first
}
