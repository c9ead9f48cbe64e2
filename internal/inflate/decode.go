package inflate

import (
	"errors"
	"io"
)

// ErrCorrupt is what Decode returns for input that is not DEFLATE. It stays.
var ErrCorrupt = errors.New("inflate: corrupt input")

// Decoder is the state between two pieces of one DEFLATE stream. The zero value begins a stream. It belongs to one goroutine.
type Decoder struct {
	window window
	bits   uint64 // octets taken from the input and not used yet; the next bit is the lowest
	have   uint   // how many bits
	src    []byte // during Decode
	dst    []byte
	n      int // octets written to dst

	at      place
	final   bool    // the block is the last
	t       *tables // of the block; nil between blocks
	stored  int     // octets of a stored block still to come
	length  int     // octets of a match still to be copied
	reach   int     // its distance
	failure error
}

// place is where in the stream the decoder is.
type place uint8

const (
	atBlock      place = iota // before the three bits that begin a block
	atStored                  // before the length of a stored block
	atOctets                  // in a stored block
	atCounts                  // before the counts of a dynamic block
	atLengthCode              // in its code for lengths
	atLengths                 // in its lengths
	atSymbols                 // in the data of a block
)

// progress is what a step could do.
type progress uint8

const (
	moved   progress = iota
	starved          // it needs input
	full             // it needs room
)

// Decode decodes what src says into dst. It returns how many octets it wrote and how many of src it took; it stops when dst is
// full or src is used up, and may take the last octets of src before there is room for what they say: call it
// again, with no input too, until it writes less than there was room for. io.EOF: the stream has ended, what is left of src is behind it (save
// for up to 7 octets that were taken already). ErrCorrupt: it is no DEFLATE.
func (d *Decoder) Decode(dst, src []byte) (written, taken int, err error) {
	if d.failure != nil {
		return 0, 0, d.failure
	}
	d.dst, d.src, d.n = dst, src, 0
	for d.failure == nil {
		var p progress
		if p, d.failure = d.step(); p != moved {
			break
		}
	}
	written, taken = d.n, len(src)-len(d.src)
	d.dst, d.src = nil, nil
	if d.failure != nil {
		d.release()
	}
	if written > 0 {
		return written, taken, nil // an error is told by the next call
	}
	return written, taken, d.failure
}

// release gives the tables of the block back.
func (d *Decoder) release() {
	if d.t != nil && d.t != &fixed {
		spare.Put(d.t)
	}
	d.t = nil
}

func (d *Decoder) step() (progress, error) {
	switch d.at {
	case atBlock:
		return d.block()
	case atStored:
		return d.storedLength()
	case atOctets:
		return d.octets(), nil
	case atCounts:
		return d.counts()
	case atLengthCode:
		return d.lengthCode()
	case atLengths:
		return d.readLengths()
	}
	return d.symbols()
}

// refill moves octets from the input to bits; false if there is nothing to move.
func (d *Decoder) refill() bool {
	if len(d.src) == 0 || d.have > 56 {
		return false
	}
	for d.have <= 56 && len(d.src) > 0 {
		d.bits |= uint64(d.src[0]) << d.have
		d.src = d.src[1:]
		d.have += 8
	}
	return true
}

// take takes n bits, at most 32; false, with nothing taken, if they are not there yet.
func (d *Decoder) take(n uint) (uint32, bool) {
	if d.have < n {
		d.refill()
		if d.have < n {
			return 0, false
		}
	}
	v := uint32(d.bits & (1<<n - 1))
	d.drop(n)
	return v, true
}

func (d *Decoder) drop(n uint) { d.bits, d.have = d.bits>>n, d.have-n }

// block reads how a block begins (RFC 1951 §3.2.3).
func (d *Decoder) block() (progress, error) {
	if d.final {
		return moved, io.EOF
	}
	v, ok := d.take(3)
	if !ok {
		return starved, nil
	}
	d.final = v&1 == 1
	switch v >> 1 {
	case 0:
		d.at = atStored
	case 1:
		d.t, d.at = &fixed, atSymbols
	case 2:
		d.at = atCounts
	default:
		return moved, ErrCorrupt
	}
	return moved, nil
}

// storedLength reads the length of a stored block, which begins at the next octet.
func (d *Decoder) storedLength() (progress, error) {
	odd := d.have % 8
	if d.have-odd < 32 {
		d.refill()
		if d.have-odd < 32 {
			return starved, nil
		}
	}
	d.drop(odd)
	v, _ := d.take(32)
	if v>>16 != ^v&0xffff {
		return moved, ErrCorrupt
	}
	d.stored, d.at = int(v&0xffff), atOctets
	return moved, nil
}

// octets copies what a stored block holds.
func (d *Decoder) octets() progress {
	for ; d.stored > 0; d.stored-- {
		if d.n == len(d.dst) {
			return full
		}
		v, ok := d.take(8)
		if !ok {
			return starved
		}
		d.put(byte(v))
	}
	d.at = atBlock
	return moved
}

func (d *Decoder) put(b byte) {
	d.window.put(b)
	d.dst[d.n] = b
	d.n++
}

// Lengths and distances (RFC 1951 §3.2.5): the least value of each symbol, and how many bits are added.
var (
	lengthBase   = [29]uint16{3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258}
	lengthExtra  = [29]uint8{0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0}
	distanceBase = [30]uint16{1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145,
		8193, 12289, 16385, 24577}
	distanceExtra = [30]uint8{0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13}
)

const endOfBlock = 256

// symbols decodes the data of a block. A literal, or a length with its distance (48 bits at most), is taken whole or not at all.
func (d *Decoder) symbols() (progress, error) {
	for {
		for ; d.length > 0; d.length-- {
			if d.n == len(d.dst) {
				return full, nil
			}
			b, _ := d.window.back(d.reach)
			d.put(b)
		}
		symbol, used, err := d.symbol()
		switch {
		case err != nil:
			return moved, err
		case used == needMore:
			if !d.refill() {
				return starved, nil
			}
		case symbol < endOfBlock:
			if d.n == len(d.dst) {
				return full, nil
			}
			d.drop(uint(used))
			d.put(byte(symbol))
		case symbol == endOfBlock:
			d.drop(uint(used))
			d.release()
			d.at = atBlock
			return moved, nil
		default:
			d.drop(uint(used))
		}
	}
}

// symbol looks at the next symbol without taking it; used is how many bits it has, needMore if they are not all there. A match is
// left in length and reach.
func (d *Decoder) symbol() (symbol uint16, used int, err error) {
	b, have := d.bits, d.have
	symbol, n := d.t.literals.look(b, have)
	if n == noCode || n > 0 && symbol > endOfBlock+29 {
		return 0, 0, ErrCorrupt
	}
	if n == needMore || symbol <= endOfBlock {
		return symbol, n, nil
	}
	used = n
	i := symbol - endOfBlock - 1
	extra := uint(lengthExtra[i])
	if uint(used)+extra > have {
		return symbol, needMore, nil
	}
	length := int(lengthBase[i]) + int(b>>used&(1<<extra-1))
	used += int(extra)
	ds, n := d.t.distances.look(b>>used, have-uint(used))
	if n == noCode || n > 0 && ds >= maxDistances {
		return 0, 0, ErrCorrupt
	}
	if n == needMore {
		return symbol, needMore, nil
	}
	used += n
	extra = uint(distanceExtra[ds])
	if uint(used)+extra > have {
		return symbol, needMore, nil
	}
	reach := int(distanceBase[ds]) + int(b>>used&(1<<extra-1))
	used += int(extra)
	if _, ok := d.window.back(reach); !ok {
		return 0, 0, ErrCorrupt
	}
	d.length, d.reach = length, reach
	return symbol, used, nil
}
