package inflate

import "math/bits"

const (
	maxCode  = 15 // bits of the longest code
	fastBits = 9  // codes of so many bits are found by one look
)

// huffman is a canonical code (RFC 1951 §3.2.2).
type huffman struct {
	fast   [1 << fastBits]uint16 // by the next bits: symbol<<4 | length; 0 for longer codes
	count  [maxCode + 1]uint16   // codes of each length
	symbol [288]uint16           // in the order of their codes
}

// build makes the code from the lengths of its symbols. It returns false for lengths that are no code: too many, or
// too few. One code alone, and none, are allowed, as zlib writes them for distances.
func (h *huffman) build(lengths []uint8) bool {
	*h = huffman{}
	for _, n := range lengths {
		h.count[n]++
	}
	h.count[0] = 0
	left, codes := 1, 0
	var next, place [maxCode + 2]uint16
	for n := 1; n <= maxCode; n++ {
		left = left<<1 - int(h.count[n])
		if left < 0 {
			return false
		}
		codes += int(h.count[n])
		next[n+1] = (next[n] + h.count[n]) << 1
		place[n+1] = place[n] + h.count[n]
	}
	if left > 0 && !(codes == 0 || codes == 1 && h.count[1] == 1) {
		return false
	}
	for s, n := range lengths {
		if n == 0 {
			continue
		}
		h.symbol[place[n]] = uint16(s)
		place[n]++
		code := next[n]
		next[n]++
		if n <= fastBits {
			// The code's first bit comes first, in the lowest bit.
			for i := bits.Reverse16(code) >> (16 - n); i < 1<<fastBits; i += 1 << n {
				h.fast[i] = uint16(s)<<4 | uint16(n)
			}
		}
	}
	return true
}

// Results of look beside the length of a code.
const (
	needMore = 0
	noCode   = -1
)

// look finds the symbol that begins in the lowest of have bits. length is that of its code, needMore or noCode.
func (h *huffman) look(b uint64, have uint) (symbol uint16, length int) {
	if e := h.fast[b&(1<<fastBits-1)]; e != 0 {
		if n := uint(e & 15); n <= have {
			return e >> 4, int(n)
		}
		return 0, needMore
	}
	code, first, index := uint16(0), uint16(0), uint16(0)
	for n := 1; n <= maxCode; n++ {
		if uint(n) > have {
			return 0, needMore
		}
		code |= uint16(b & 1)
		b >>= 1
		if count := h.count[n]; code-first < count {
			return h.symbol[index+code-first], n
		} else {
			index += count
			first = (first + count) << 1
		}
		code <<= 1
	}
	return 0, noCode
}

// The fixed codes (RFC 1951 §3.2.6).
var fixed = func() (t tables) {
	var lengths [288]uint8
	for i := range lengths {
		switch {
		case i < 144:
			lengths[i] = 8
		case i < 256:
			lengths[i] = 9
		case i < 280:
			lengths[i] = 7
		default:
			lengths[i] = 8
		}
	}
	t.literals.build(lengths[:])
	for i := range lengths[:32] {
		lengths[i] = 5
	}
	t.distances.build(lengths[:32])
	return t
}()
