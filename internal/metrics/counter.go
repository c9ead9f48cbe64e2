package metrics

import "sync/atomic"

// Counter counts events, per combination of its labels' values. A nil Counter counts nothing.
type Counter struct {
	f     *family
	cells []atomic.Uint64
}

// Counter adds a counter.
func (r *Registry) Counter(name, help string, labels ...Label) *Counter {
	f := r.add(Desc{name, help, KindCounter, labels})
	c := &Counter{f: f, cells: make([]atomic.Uint64, f.cells)}
	f.read = func(emit func(Sample)) {
		for i := range c.cells {
			if n := c.cells[i].Load(); n > 0 || len(labels) == 0 {
				emit(Sample{Values: f.values(i), Value: float64(n)})
			}
		}
	}
	return c
}

// Add counts n events; values are those of the labels, in their order.
func (c *Counter) Add(n int, values ...string) {
	if c != nil && n > 0 {
		c.cells[c.f.cell(values)].Add(uint64(n))
	}
}
