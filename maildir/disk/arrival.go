package disk

import (
	"cmp"
	"strings"
)

// CompareArrival orders base names as Dovecot orders new messages: the number before the first '.', then the number
// after 'M', then the base names as bytes. Names without a number come first. It is a strict total order on different names.
func CompareArrival(a, b string) int {
	sa, ma := arrival(a)
	sb, mb := arrival(b)
	return cmp.Or(cmp.Compare(sa, sb), cmp.Compare(ma, mb), strings.Compare(a, b))
}

// arrival reads "<secs>.M<usecs>"; what is missing is 0.
func arrival(base string) (secs, usecs uint64) {
	secs, rest := leadingNumber(base)
	if strings.HasPrefix(rest, ".M") {
		usecs, _ = leadingNumber(rest[2:])
	}
	return secs, usecs
}

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
