package inflate

import "sync"

const (
	maxLiterals  = 286
	maxDistances = 30
)

// tables are what a dynamic block needs: its codes and, while they are being read, their lengths.
type tables struct {
	literals, distances huffman

	nLiterals, nDistances, nLengths int
	i                               int // lengths read so far
	lengths                         [maxLiterals + maxDistances]uint8
}

// spare lends decoders their tables for the length of a block.
var spare = sync.Pool{New: func() any { return new(tables) }}

// order is how the lengths of the code for lengths come (RFC 1951 §3.2.7).
var order = [19]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}

// counts reads how many lengths there are.
func (d *Decoder) counts() (progress, error) {
	v, ok := d.take(14)
	if !ok {
		return starved, nil
	}
	t := spare.Get().(*tables)
	t.nLiterals, t.nDistances, t.nLengths = int(v&31)+257, int(v>>5&31)+1, int(v>>10)+4
	if t.nLiterals > maxLiterals || t.nDistances > maxDistances {
		spare.Put(t)
		return moved, ErrCorrupt
	}
	t.i = 0
	clear(t.lengths[:])
	d.t, d.at = t, atLengthCode
	return moved, nil
}

// lengthCode reads the code in which the lengths are written.
func (d *Decoder) lengthCode() (progress, error) {
	t := d.t
	for ; t.i < t.nLengths; t.i++ {
		v, ok := d.take(3)
		if !ok {
			return starved, nil
		}
		t.lengths[order[t.i]] = uint8(v)
	}
	// The place of the literals' code is free until their lengths are known.
	if !t.literals.build(t.lengths[:len(order)]) {
		return moved, ErrCorrupt
	}
	t.i = 0
	d.at = atLengths
	return moved, nil
}

// readLengths reads the lengths of both codes, and builds them.
func (d *Decoder) readLengths() (progress, error) {
	t := d.t
	all := t.nLiterals + t.nDistances
	for t.i < all {
		symbol, n := t.literals.look(d.bits, d.have)
		switch {
		case n == needMore:
			if !d.refill() {
				return starved, nil
			}
			continue
		case n == noCode:
			return moved, ErrCorrupt
		case symbol < 16:
			d.drop(uint(n))
			t.lengths[t.i] = uint8(symbol)
			t.i++
			continue
		}
		extra, times, value := uint(2), 3, uint8(0)
		switch symbol {
		case 16:
			if t.i == 0 {
				return moved, ErrCorrupt
			}
			value = t.lengths[t.i-1]
		case 17:
			extra = 3
		case 18:
			extra, times = 7, 11
		}
		if d.have < uint(n)+extra {
			if !d.refill() {
				return starved, nil
			}
			continue
		}
		d.drop(uint(n))
		v, _ := d.take(extra)
		times += int(v)
		if t.i+times > all {
			return moved, ErrCorrupt
		}
		for range times {
			t.lengths[t.i] = value
			t.i++
		}
	}
	if !t.literals.build(t.lengths[:t.nLiterals]) || !t.distances.build(t.lengths[t.nLiterals:all]) {
		return moved, ErrCorrupt
	}
	d.at = atSymbols
	return moved, nil
}
