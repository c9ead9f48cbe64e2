package accounts

import (
	"errors"
	"fmt"
	"strings"
)

// Bounds of RFC 5321 §4.5.3.1, the whole address as in its erratum 1690.
const (
	maxAddress = 254
	maxLocal   = 64
	maxDomain  = 253
)

// ErrBadAddress is wrapped by every refusal of ParseAddress and ParseDomain.
var ErrBadAddress = errors.New("not a usable address")

// Address is a normalised address: local part and domain in lower case, the
// domain in ASCII (IDNA A-labels). Both can be used as names of directories: they
// are not empty, have no "/" and do not begin with ".".
type Address string

// Local is the part before the "@".
func (a Address) Local() string { l, _, _ := strings.Cut(string(a), "@"); return l }

// Domain is the part after the "@".
func (a Address) Domain() string { _, d, _ := strings.Cut(string(a), "@"); return d }

func (a Address) String() string { return string(a) }

// ParseAddress normalises an address as a person or client writes it. The local
// part may have ASCII letters, digits and "._-+=~&'#!$", which is what mail
// systems use in practice; a name that could leave its directory or that a shell
// or a log reader would take for something else is refused.
func ParseAddress(s string) (Address, error) {
	// Bounded before anything is done with it: clients send what they like.
	if len(s) > 2*maxAddress {
		return "", fmt.Errorf("%w: longer than %d octets", ErrBadAddress, maxAddress)
	}
	at := strings.LastIndexByte(s, '@')
	if at < 0 {
		return "", fmt.Errorf("%w: %q has no \"@\"", ErrBadAddress, s)
	}
	local := strings.ToLower(s[:at])
	if err := checkLocal(local); err != nil {
		return "", fmt.Errorf("%w: %q: %w", ErrBadAddress, s, err)
	}
	domain, err := ParseDomain(s[at+1:])
	if err != nil {
		return "", err
	}
	if len(local)+1+len(domain) > maxAddress {
		return "", fmt.Errorf("%w: longer than %d octets", ErrBadAddress, maxAddress)
	}
	return Address(local + "@" + domain), nil
}

func checkLocal(local string) error {
	switch {
	case local == "":
		return errors.New("nothing stands before the \"@\"")
	case len(local) > maxLocal:
		return fmt.Errorf("the part before the \"@\" is longer than %d octets", maxLocal)
	case local[0] == '.' || local[len(local)-1] == '.' || strings.Contains(local, ".."):
		return errors.New("a dot may only stand between other characters")
	case local[0] == '-':
		return errors.New("a name may not begin with \"-\"")
	}
	for i := range len(local) {
		c := local[i]
		if !isAlnum(c) && strings.IndexByte("._-+=~&'#!$", c) < 0 {
			return fmt.Errorf("the character %q is not allowed in a name", c)
		}
	}
	return nil
}

func isAlnum(c byte) bool { return 'a' <= c && c <= 'z' || '0' <= c && c <= '9' }

// ParseDomain normalises a domain name to lower-case ASCII; labels in other
// scripts become A-labels (RFC 5891).
func ParseDomain(s string) (string, error) {
	if len(s) > 4*maxDomain {
		return "", fmt.Errorf("%w: the domain is longer than %d octets", ErrBadAddress, maxDomain)
	}
	labels := strings.Split(strings.TrimSuffix(s, "."), ".")
	for i, label := range labels {
		a, err := asciiLabel(label)
		if err != nil {
			return "", fmt.Errorf("%w: domain %q: %w", ErrBadAddress, s, err)
		}
		labels[i] = a
	}
	domain := strings.Join(labels, ".")
	if len(domain) > maxDomain {
		return "", fmt.Errorf("%w: the domain is longer than %d octets", ErrBadAddress, maxDomain)
	}
	return domain, nil
}

// Scope is what a rule or an audit line is about: one account or one domain.
type Scope struct {
	Address Address // of an account, or empty
	Domain  string  // of a domain, or empty
}

// AccountScope is the scope of one account.
func AccountScope(a Address) Scope { return Scope{Address: a} }

// DomainScope is the scope of a domain; the name must be normalised.
func DomainScope(name string) Scope { return Scope{Domain: name} }

// ParseScope reads an address (with "@") or a domain name.
func ParseScope(s string) (Scope, error) {
	if strings.Contains(s, "@") {
		a, err := ParseAddress(s)
		return Scope{Address: a}, err
	}
	d, err := ParseDomain(s)
	return Scope{Domain: d}, err
}

// String is the address or the domain name; ParseScope reads it back.
func (s Scope) String() string {
	if s.Address != "" {
		return string(s.Address)
	}
	return s.Domain
}

// Contains says whether a rule of this scope can concern the account.
func (s Scope) Contains(a Address) bool {
	if s.Address != "" {
		return s.Address == a
	}
	return s.Domain == a.Domain()
}
