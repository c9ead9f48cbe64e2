package disk

import (
	"cmp"
	"strings"
)

// Arrival is what a base name tells of when the message came.
type Arrival struct {
	secs, usecs uint64 // of "<secs>.M<usecs>"; 0 if missing
	base        string
}

// ArrivalOf reads a base name.
func ArrivalOf(base string) Arrival {
	secs, rest := leadingNumber(base)
	a := Arrival{secs: secs, base: base}
	if strings.HasPrefix(rest, ".M") {
		a.usecs, _ = leadingNumber(rest[2:])
	}
	return a
}

// Compare orders base names as Dovecot orders new messages: the number before the first '.', then the number
// after 'M', then the base names as bytes. Names without a number come first. It is a strict total order on different names.
func (a Arrival) Compare(b Arrival) int {
	if c := cmp.Compare(a.secs, b.secs); c != 0 {
		return c
	}
	if c := cmp.Compare(a.usecs, b.usecs); c != 0 {
		return c
	}
	return strings.Compare(a.base, b.base)
}

// CompareArrival is Arrival.Compare of two base names.
func CompareArrival(a, b string) int { return ArrivalOf(a).Compare(ArrivalOf(b)) }

// leadingNumber reads decimal digits; a number too large for 64 bits stays at the largest.
func leadingNumber(s string) (uint64, string) {
	const most = ^uint64(0)
	var n uint64
	i := 0
	for ; i < len(s) && s[i] >= '0' && s[i] <= '9'; i++ {
		d := uint64(s[i] - '0')
		if n > (most-d)/10 {
			n = most
			continue
		}
		n = n*10 + d
	}
	return n, s[i:]
}
