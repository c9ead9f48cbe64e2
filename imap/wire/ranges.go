package wire

import (
	"iter"
	"sort"
)

// Ranges is a set of numbers: ranges in ascending order that neither overlap nor touch, without "*".
type Ranges []Range

// Contains tells whether n is in the set.
func (r Ranges) Contains(n uint32) bool {
	i := sort.Search(len(r), func(i int) bool { return r[i].Stop >= n })
	return i < len(r) && r[i].Start <= n
}

// Len is how many numbers the set holds.
func (r Ranges) Len() uint64 {
	var n uint64
	for _, x := range r {
		n += uint64(x.Stop) - uint64(x.Start) + 1
	}
	return n
}

// UpTo yields the numbers of the set that are at most max: the messages that sequence numbers name in a
// mailbox of max messages.
func (r Ranges) UpTo(max uint32) iter.Seq[uint32] {
	return func(yield func(uint32) bool) {
		for _, x := range r {
			for n := uint64(x.Start); n <= uint64(x.Stop) && n <= uint64(max); n++ {
				if !yield(uint32(n)) {
					return
				}
			}
		}
	}
}

// In yields the positions in nums, which must be ascending, of the numbers that are in the set. It costs one binary
// search per range and one step per number found, however wide the ranges are.
func (r Ranges) In(nums []uint32) iter.Seq[int] {
	return func(yield func(int) bool) {
		i := 0
		for _, x := range r {
			if i == len(nums) {
				return
			}
			i += sort.Search(len(nums)-i, func(k int) bool { return nums[i+k] >= x.Start })
			for ; i < len(nums) && nums[i] <= x.Stop; i++ {
				if !yield(i) {
					return
				}
			}
		}
	}
}

// NumSet gives r as a set for the encoder.
func (r Ranges) NumSet() NumSet { return NumSet{Ranges: r} }

// AppendTo appends the set as it goes over the wire; an empty one appends nothing, which the grammar does not allow.
func (r Ranges) AppendTo(b []byte) []byte { return NumSet{Ranges: r}.AppendTo(b) }

func (r Ranges) String() string { return string(r.AppendTo(nil)) }

// SetBuilder makes the shortest set out of numbers given in ascending order. Numbers out of order still
// give a right set, though Ranges sorts them then. The zero value is ready.
type SetBuilder struct {
	ranges   Ranges
	unsorted bool
}

// Add adds n; 0 is ignored.
func (b *SetBuilder) Add(n uint32) { b.AddRange(n, n) }

// AddRange adds the numbers from start to stop; nothing if start is 0 or more than stop.
func (b *SetBuilder) AddRange(start, stop uint32) {
	if start == 0 || start > stop {
		return
	}
	if n := len(b.ranges); n > 0 {
		last := &b.ranges[n-1]
		switch {
		case start < last.Start:
			b.unsorted = true
		case start <= last.Stop || start == last.Stop+1:
			last.Stop = max(last.Stop, stop)
			return
		}
	}
	b.ranges = append(b.ranges, Range{start, stop})
}

// Empty tells whether nothing was added.
func (b *SetBuilder) Empty() bool { return len(b.ranges) == 0 }

// Ranges gives the set; it shares memory with b until Reset.
func (b *SetBuilder) Ranges() Ranges {
	if b.unsorted {
		b.ranges, b.unsorted = b.ranges.normalise(), false
	}
	return b.ranges
}

// AppendTo appends the set as it goes over the wire.
func (b *SetBuilder) AppendTo(p []byte) []byte { return b.Ranges().AppendTo(p) }

func (b *SetBuilder) String() string { return b.Ranges().String() }

// Reset empties b and keeps its memory.
func (b *SetBuilder) Reset() { b.ranges, b.unsorted = b.ranges[:0], false }
