package imap

import "bascule/imap/wire"

// partialRange names a piece of a list of results, counted from 1 at its beginning or, with fromEnd, at its end
// (RFC 9394 §3.1). As the client wrote it: lo may be the higher.
type partialRange struct {
	lo, hi  uint32
	fromEnd bool
}

// parse reads
//
//	partial-range = nz-number ":" nz-number / "-" nz-number ":" "-" nz-number
func (p *partialRange) parse(dec *wire.Decoder) bool {
	p.fromEnd = dec.Special('-')
	return dec.ExpectNZNumber(&p.lo) && dec.ExpectSpecial(':') && (!p.fromEnd || dec.ExpectSpecial('-')) && dec.ExpectNZNumber(&p.hi)
}

// of gives the piece of a list of n results, as indices from and behind which.
func (p *partialRange) of(n int) (from, to int) {
	from, to = min(int(min(p.lo, p.hi))-1, n), min(int(max(p.lo, p.hi)), n)
	if p.fromEnd {
		from, to = n-to, n-from
	}
	return from, to
}

func (p *partialRange) write(enc *wire.Encoder) {
	sign := ""
	if p.fromEnd {
		sign = "-"
	}
	enc.Atom(sign).Number(p.lo).Special(':').Atom(sign).Number(p.hi)
}

// cut leaves of some runs the messages that the range names.
func (p *partialRange) cut(spans []span) (out []span) {
	from, to := p.of(spansLen(spans))
	at := 0 // messages in the runs before s
	for _, s := range spans {
		n := int(s.hi-s.lo) + 1
		lo, hi := max(from-at, 0), min(to-at, n)
		if lo < hi {
			out = append(out, span{s.lo + SeqNum(lo), s.lo + SeqNum(hi-1)})
		}
		at += n
	}
	return out
}
