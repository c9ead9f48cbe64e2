package wire

import (
	"fmt"
	"slices"
	"strconv"
)

// Range is from Start to Stop, both included and in any order. 0 stands for "*", the largest number
// in use. Start and Stop are equal for a single number.
type Range struct{ Start, Stop uint32 }

// NumSet is a set of sequence numbers or UIDs as a client sent it: in its order, with "*" unresolved. It is
// never expanded, for "1:4294967295" is short to write.
type NumSet struct {
	Ranges []Range
	Saved  bool // "$", the result that SEARCH saved (RFC 9051 §6.4.4.1); then Ranges is nil
}

// IsZero tells whether the set names nothing at all; a parsed set always names something.
func (s NumSet) IsZero() bool { return !s.Saved && len(s.Ranges) == 0 }

// ParseNumSet parses a set.
func ParseNumSet(s string) (NumSet, error) { return parseNumSet([]byte(s)) }

// parseNumSet joins numbers that follow each other ("1,2,3" to "1:3") while it reads. So a
// client that lists all its UIDs costs a few bytes, and the order, which QRESYNC's match data relies on
// (RFC 7162 §3.2.5.2), stays.
func parseNumSet(p []byte) (NumSet, error) {
	if string(p) == "$" {
		return NumSet{Saved: true}, nil
	}
	var s NumSet
	for {
		start, n := parseSetNum(p)
		if n == 0 {
			return NumSet{}, errSet(p)
		}
		p = p[n:]
		stop := start
		if len(p) > 0 && p[0] == ':' {
			if stop, n = parseSetNum(p[1:]); n == 0 {
				return NumSet{}, errSet(p[1:])
			}
			p = p[1+n:]
		}
		s.add(Range{start, stop})
		if len(p) == 0 {
			return s, nil
		}
		if p[0] != ',' {
			return NumSet{}, errSet(p)
		}
		p = p[1:]
	}
}

func errSet(p []byte) error {
	what := "its end"
	if len(p) > 0 {
		what = fmt.Sprintf("%q", string(p[:min(len(p), 12)]))
	}
	return &SyntaxError{Text: "invalid sequence set at " + what}
}

// parseSetNum reads a number or "*", which is 0; n is the number of bytes, 0 if it is neither.
func parseSetNum(p []byte) (v uint32, n int) {
	if len(p) > 0 && p[0] == '*' {
		return 0, 1
	}
	var x uint64
	for n < len(p) && p[n] >= '0' && p[n] <= '9' {
		if x = x*10 + uint64(p[n]-'0'); x > 0xffffffff {
			return 0, 0
		}
		n++
	}
	if x == 0 {
		return 0, 0
	}
	return uint32(x), n
}

func (s *NumSet) add(r Range) {
	if n := len(s.Ranges); n > 0 && r.Start != 0 && r.Start <= r.Stop {
		last := &s.Ranges[n-1]
		if last.Start != 0 && last.Start <= last.Stop && last.Stop+1 == r.Start {
			last.Stop = r.Stop
			return
		}
	}
	s.Ranges = append(s.Ranges, r)
}

// Resolve replaces "*" by max, the largest number in use, and gives the set sorted and merged.
// With max 0 (an empty mailbox) "*" names nothing, and what it stood in is left out. "$" resolves to nothing; the session knows it.
func (s NumSet) Resolve(max uint32) Ranges {
	out := make(Ranges, 0, len(s.Ranges))
	for _, r := range s.Ranges {
		if r.Start == 0 {
			r.Start = max
		}
		if r.Stop == 0 {
			r.Stop = max
		}
		if r.Start == 0 || r.Stop == 0 {
			continue
		}
		if r.Start > r.Stop {
			r.Start, r.Stop = r.Stop, r.Start
		}
		out = append(out, r)
	}
	return out.normalise()
}

// Contains tells whether n is in the set when largest is the largest number in use. It looks at every range; Resolve
// first if there are many questions.
func (s NumSet) Contains(n, largest uint32) bool {
	for _, r := range s.Ranges {
		if r.Start == 0 {
			r.Start = largest
		}
		if r.Stop == 0 {
			r.Stop = largest
		}
		if r.Start == 0 || r.Stop == 0 {
			continue
		}
		if min(r.Start, r.Stop) <= n && n <= max(r.Start, r.Stop) {
			return true
		}
	}
	return false
}

// AppendTo appends the set as it goes over the wire.
func (s NumSet) AppendTo(b []byte) []byte {
	if s.Saved {
		return append(b, '$')
	}
	for i, r := range s.Ranges {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendSetNum(b, r.Start)
		if r.Stop != r.Start {
			b = append(b, ':')
			b = appendSetNum(b, r.Stop)
		}
	}
	return b
}

func (s NumSet) String() string { return string(s.AppendTo(nil)) }

func appendSetNum(b []byte, n uint32) []byte {
	if n == 0 {
		return append(b, '*')
	}
	return strconv.AppendUint(b, uint64(n), 10)
}

// normalise sorts and merges r in place; all its ranges are resolved and in order.
func (r Ranges) normalise() Ranges {
	byStart := func(a, b Range) int {
		switch {
		case a.Start < b.Start:
			return -1
		case a.Start > b.Start:
			return 1
		}
		return 0
	}
	if !slices.IsSortedFunc(r, byStart) {
		slices.SortFunc(r, byStart)
	}
	out := r[:0]
	for _, x := range r {
		if n := len(out); n > 0 && (x.Start <= out[n-1].Stop || x.Start == out[n-1].Stop+1) {
			out[n-1].Stop = max(out[n-1].Stop, x.Stop)
			continue
		}
		out = append(out, x)
	}
	return out
}
