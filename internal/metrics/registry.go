package metrics

import "slices"

// Kind is how a number moves.
type Kind int

const (
	KindCounter Kind = iota // only grows
	KindGauge
	KindHistogram
)

// Label is a label with all the values it may have.
type Label struct {
	Name   string
	Values []string
}

// other is the value of everything that a label does not list.
const other = "other"

// Desc describes a family.
type Desc struct {
	Name   string // with its unit: "bascule_imap_command_seconds"
	Help   string
	Kind   Kind
	Labels []Label
}

// Sample is one series of a family at one moment.
type Sample struct {
	Values  []string // of the labels, in their order
	Value   float64  // of a counter or gauge; of a histogram the sum, in seconds
	Count   uint64   // of a histogram
	Buckets []uint64 // of a histogram, cumulative, for each of Bounds
}

// Registry is a list of families. All are added before the first is read; after that it is safe for any goroutine.
type Registry struct {
	families []*family
}

type family struct {
	desc  Desc
	index []map[string]int // per label, the place of each value
	cells int
	read  func(emit func(Sample))
}

func (r *Registry) add(d Desc) *family {
	f := &family{desc: d, cells: 1}
	f.desc.Labels = slices.Clone(d.Labels)
	for i, l := range f.desc.Labels {
		values := append(slices.Clone(l.Values), other)
		f.desc.Labels[i].Values = values
		places := make(map[string]int, len(values))
		for place, v := range values {
			places[v] = place
		}
		f.index = append(f.index, places)
		f.cells *= len(values)
	}
	r.families = append(r.families, f)
	return f
}

// Gauge adds numbers that are read when somebody asks. sample calls emit once for each series; it must not take long.
func (r *Registry) Gauge(name, help string, labels []Label, sample func(emit func(value float64, labels ...string))) {
	r.sampled(Desc{name, help, KindGauge, labels}, sample)
}

// Sampled adds counters that are kept elsewhere; like Gauge.
func (r *Registry) Sampled(name, help string, labels []Label, sample func(emit func(value float64, labels ...string))) {
	r.sampled(Desc{name, help, KindCounter, labels}, sample)
}

func (r *Registry) sampled(d Desc, sample func(emit func(value float64, labels ...string))) {
	f := r.add(d)
	f.read = func(emit func(Sample)) {
		sample(func(value float64, labels ...string) { emit(Sample{Values: labels, Value: value}) })
	}
}

// cell is the place of the series with these label values.
func (f *family) cell(values []string) int {
	at := 0
	for i, places := range f.index {
		place, ok := 0, false
		if i < len(values) {
			place, ok = places[values[i]]
		}
		if !ok {
			place = len(places) - 1
		}
		at = at*len(places) + place
	}
	return at
}

// values are the label values of the series at a place.
func (f *family) values(at int) []string {
	out := make([]string, len(f.desc.Labels))
	for i := len(out) - 1; i >= 0; i-- {
		n := len(f.desc.Labels[i].Values)
		out[i] = f.desc.Labels[i].Values[at%n]
		at /= n
	}
	return out
}

// Descs lists the families.
func (r *Registry) Descs() []Desc {
	out := make([]Desc, len(r.families))
	for i, f := range r.families {
		out[i] = f.desc
	}
	return out
}

// Each calls fn for every series. Series that never counted are left out, save those of families without labels.
func (r *Registry) Each(fn func(Desc, Sample)) {
	for _, f := range r.families {
		f.read(func(s Sample) { fn(f.desc, s) })
	}
}
