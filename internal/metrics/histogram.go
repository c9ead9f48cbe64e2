package metrics

import (
	"sync/atomic"
	"time"
)

// bounds are the upper ends of all histograms' buckets: from what the index answers to what a user calls broken.
var bounds = [...]time.Duration{
	100 * time.Microsecond, 500 * time.Microsecond, time.Millisecond, 5 * time.Millisecond, 10 * time.Millisecond, 50 * time.Millisecond,
	100 * time.Millisecond, 500 * time.Millisecond, time.Second, 5 * time.Second, 30 * time.Second,
}

// Bounds are the upper ends of the buckets, in seconds.
func Bounds() []float64 {
	out := make([]float64, len(bounds))
	for i, b := range bounds {
		out[i] = b.Seconds()
	}
	return out
}

// Histogram counts durations, per combination of its labels' values. A nil Histogram counts nothing.
type Histogram struct {
	f     *family
	cells []buckets
}

type buckets struct {
	n   [len(bounds) + 1]atomic.Uint64
	sum atomic.Int64 // nanoseconds
}

// Histogram adds a histogram of durations.
func (r *Registry) Histogram(name, help string, labels ...Label) *Histogram {
	f := r.add(Desc{name, help, KindHistogram, labels})
	h := &Histogram{f: f, cells: make([]buckets, f.cells)}
	f.read = func(emit func(Sample)) {
		for i := range h.cells {
			if s := h.cells[i].sample(); s.Count > 0 || len(labels) == 0 {
				s.Values = f.values(i)
				emit(s)
			}
		}
	}
	return h
}

// Observe counts one duration; values are those of the labels, in their order.
func (h *Histogram) Observe(d time.Duration, values ...string) {
	if h == nil {
		return
	}
	c := &h.cells[h.f.cell(values)]
	i := 0
	for i < len(bounds) && d > bounds[i] {
		i++
	}
	c.n[i].Add(1)
	c.sum.Add(int64(d))
}

func (b *buckets) sample() (s Sample) {
	s.Buckets = make([]uint64, len(bounds))
	for i := range b.n {
		s.Count += b.n[i].Load()
		if i < len(bounds) {
			s.Buckets[i] = s.Count
		}
	}
	s.Value = time.Duration(b.sum.Load()).Seconds()
	return s
}
