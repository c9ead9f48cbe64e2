package wire

import "math"

// number reads digits up to max. More is an error: a clipped number would name another message.
func (d *Decoder) number(n *uint64, max uint64) bool {
	if !d.word(digitChar) {
		return false
	}
	var v uint64
	for _, c := range d.buf {
		x := uint64(c - '0')
		if v > (max-x)/10 {
			return d.Fail("number too big")
		}
		v = v*10 + x
	}
	*n = v
	return d.did("number")
}

// Number reads a number of 32 bits (RFC 9051 §9 number).
func (d *Decoder) Number(n *uint32) bool {
	var v uint64
	if !d.number(&v, math.MaxUint32) {
		return false
	}
	*n = uint32(v)
	return true
}

// ExpectNumber is Number, demanded.
func (d *Decoder) ExpectNumber(n *uint32) bool { return d.expect(d.Number(n), "number") }

// ExpectNZNumber reads a number other than 0: a UID, a UIDVALIDITY.
func (d *Decoder) ExpectNZNumber(n *uint32) bool {
	if !d.ExpectNumber(n) {
		return false
	}
	if *n == 0 {
		return d.Fail("expected a number other than 0")
	}
	return true
}

// Number64 reads a number of 63 bits: a modseq, a size (RFC 9051 §9 number64).
func (d *Decoder) Number64(n *uint64) bool { return d.number(n, math.MaxInt64) }

// ExpectNumber64 is Number64, demanded.
func (d *Decoder) ExpectNumber64(n *uint64) bool { return d.expect(d.Number64(n), "number") }

// NumSet reads a sequence or UID set, or "$".
func (d *Decoder) NumSet(s *NumSet) bool {
	if !d.word(setChar) {
		return false
	}
	set, err := parseNumSet(d.buf)
	if err != nil {
		return d.setErr(err)
	}
	*s = set
	return d.did("set")
}

// ExpectNumSet is NumSet, demanded.
func (d *Decoder) ExpectNumSet(s *NumSet) bool { return d.expect(d.NumSet(s), "sequence set") }
