package config

import (
	"encoding"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// value is what a key's type must be able to do besides the plain kinds: be read from the file and the environment, and be shown.
type value interface {
	encoding.TextUnmarshaler
	encoding.TextMarshaler
}

var (
	_ value = (*Duration)(nil)
	_ value = (*Size)(nil)
	_ value = (*Address)(nil)
	_ value = (*Network)(nil)
	_ value = (*Pair)(nil)
	_ value = (*Folder)(nil)
)

// Duration is written with a unit: "5s", "10m", "1h30m". A bare number other than 0 is an error, since nobody can know its unit.
type Duration time.Duration

func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	if err != nil || v < 0 {
		return fmt.Errorf("%q is not a duration; write it like 30s, 5m or 1h", text)
	}
	*d = Duration(v)
	return nil
}

func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// String leaves zero units away: "5m", not "5m0s".
func (d Duration) String() string {
	s := time.Duration(d).String()
	if strings.HasSuffix(s, "m0s") {
		s = s[:len(s)-2]
	}
	if strings.HasSuffix(s, "h0m") {
		s = s[:len(s)-2]
	}
	return s
}

// D is the standard library's type.
func (d Duration) D() time.Duration { return time.Duration(d) }

// Size counts octets, written as a number with an optional unit K, M, G or T (powers of 1024).
type Size int64

func (s *Size) UnmarshalText(text []byte) error {
	v, err := ParseSize(string(text))
	if err != nil {
		return err
	}
	*s = v
	return nil
}

// ParseSize reads a size.
func ParseSize(text string) (Size, error) {
	digits := strings.TrimSuffix(strings.ToUpper(strings.TrimSpace(text)), "B")
	shift := 0
	if digits != "" {
		if i := strings.IndexByte("KMGT", digits[len(digits)-1]); i >= 0 {
			shift = 10 * (i + 1)
			digits = digits[:len(digits)-1]
		}
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n < 0 || n > (1<<62)>>shift {
		return 0, fmt.Errorf("%q is not a size; write it like 500M, 2G or a number of octets", text)
	}
	return Size(n << shift), nil
}

func (s Size) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

func (s Size) String() string {
	units := "TGMK"
	for i := range units {
		if shift := 40 - 10*i; s > 0 && s%(1<<shift) == 0 {
			return strconv.FormatInt(int64(s>>shift), 10) + units[i:i+1]
		}
	}
	return strconv.FormatInt(int64(s), 10)
}

// Address is host:port, :port, or unix:/path.
type Address string

func (a *Address) UnmarshalText(text []byte) error {
	s := string(text)
	if path, ok := strings.CutPrefix(s, "unix:"); ok {
		if !strings.HasPrefix(path, "/") {
			return fmt.Errorf("%q: a socket needs an absolute path, unix:/run/bascule/lmtp", s)
		}
	} else if _, port, err := net.SplitHostPort(s); err != nil || !isPort(port) {
		return fmt.Errorf("%q is not an address; write it like 127.0.0.1:1143, [::1]:1143 or :1143", s)
	}
	*a = Address(s)
	return nil
}

func isPort(s string) bool {
	n, err := strconv.ParseUint(s, 10, 16)
	return err == nil && n <= 65535
}

func (a Address) MarshalText() ([]byte, error) { return []byte(a), nil }

// Split gives the network and the address as package net wants them.
func (a Address) Split() (network, address string) {
	if path, ok := strings.CutPrefix(string(a), "unix:"); ok {
		return "unix", path
	}
	return "tcp", string(a)
}

// Network is an address range: 10.0.0.0/8, or one address.
type Network netip.Prefix

func (n *Network) UnmarshalText(text []byte) error {
	s := string(text)
	if a, err := netip.ParseAddr(s); err == nil {
		*n = Network(netip.PrefixFrom(a, a.BitLen()))
		return nil
	}
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return fmt.Errorf("%q is not a network; write it like 10.0.0.0/8 or 2001:db8::/32", s)
	}
	*n = Network(p.Masked())
	return nil
}

func (n Network) MarshalText() ([]byte, error) { return []byte(netip.Prefix(n).String()), nil }

// Prefixes turns a list of networks into the standard library's type.
func Prefixes(list []Network) []netip.Prefix {
	out := make([]netip.Prefix, len(list))
	for i, n := range list {
		out[i] = netip.Prefix(n)
	}
	return out
}

// Pair is a certificate and its key, written cert.pem:key.pem.
type Pair struct{ Cert, Key string }

func (p *Pair) UnmarshalText(text []byte) error {
	cert, key, ok := strings.Cut(string(text), ":")
	if !ok || cert == "" || key == "" {
		return fmt.Errorf("%q is not a pair of files; write it like cert.pem:key.pem", text)
	}
	*p = Pair{cert, key}
	return nil
}

func (p Pair) MarshalText() ([]byte, error) { return []byte(p.Cert + ":" + p.Key), nil }

// Folder is a folder with its use, written Name=\Use; the use may be missing.
type Folder struct{ Name, Use string }

var uses = map[string]string{
	`\all`: `\All`, `\archive`: `\Archive`, `\drafts`: `\Drafts`, `\flagged`: `\Flagged`, `\junk`: `\Junk`, `\sent`: `\Sent`, `\trash`: `\Trash`,
}

func (f *Folder) UnmarshalText(text []byte) error {
	name, use, hasUse := strings.Cut(string(text), "=")
	known := uses[strings.ToLower(use)]
	if name == "" || strings.EqualFold(name, "INBOX") || (hasUse && known == "") {
		return fmt.Errorf(`%q is not a folder; write it like Sent=\Sent, with one of \Archive \Drafts \Flagged \Junk \Sent \Trash \All`, text)
	}
	*f = Folder{name, known}
	return nil
}

func (f Folder) MarshalText() ([]byte, error) {
	if f.Use == "" {
		return []byte(f.Name), nil
	}
	return []byte(f.Name + "=" + f.Use), nil
}
