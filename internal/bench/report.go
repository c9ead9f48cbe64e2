package bench

import (
	"encoding/json"
	"errors"
	"io/fs"
	"math"
	"os"
	"slices"
	"time"
)

// Report is the result of one run, or of several on one machine: a later run replaces the loads that it ran.
type Report struct {
	Machine  Machine           `json:"machine"`
	Versions map[string]string `json:"versions"` // by server
	Pairs    int               `json:"pairs"`
	Seconds  float64           `json:"seconds"`
	Loads    []LoadReport      `json:"loads"`
}

// LoadReport has the rows of a load.
type LoadReport struct {
	Name  string    `json:"name"`
	What  string    `json:"what"`
	Unit  string    `json:"unit"`
	Per   string    `json:"per"`
	Lower bool      `json:"lower_is_better,omitempty"`
	Aim   float64   `json:"aim"`
	When  time.Time `json:"when"`
	Rows  []Row     `json:"rows"`
}

// Row is a load at one size. Samples with the same index were taken one after the other.
type Row struct {
	Size   int                 `json:"size"`
	By     map[string][]Sample `json:"by"`               // server
	Errors map[string]string   `json:"errors,omitempty"` // server; such a row has no numbers
}

// of gives the median of something over a server's samples.
func (r Row) of(server string, what func(Sample) float64) float64 {
	var x []float64
	for _, s := range r.By[server] {
		x = append(x, what(s))
	}
	return median(x)
}

func value(s Sample) float64  { return s.Value }
func cpu(s Sample) float64    { return s.CPU }
func memory(s Sample) float64 { return float64(s.Memory) }

// ratio compares pair by pair: median, lowest and highest. Above 1 ours is better. It is NaN if there are no pairs.
func (r Row) ratio(lower bool) (mid, low, high float64) {
	ours, theirs := r.By["bascule"], r.By["dovecot"]
	var x []float64
	for i := range min(len(ours), len(theirs)) {
		a, b := ours[i].Value, theirs[i].Value
		if lower {
			// A latency of nothing, or memory that shrank, is better by as much as can be told.
			a, b = max(b, 1e-3), max(a, 1e-3)
		}
		if b > 0 {
			x = append(x, a/b)
		}
	}
	if len(x) == 0 {
		return math.NaN(), math.NaN(), math.NaN()
	}
	return median(x), slices.Min(x), slices.Max(x)
}

// growth is the exponent of the cost (time, or what is counted where less is better) of one operation over the sizes.
func (l LoadReport) growth(server string) float64 {
	var sizes []int
	var cost []float64
	for _, r := range l.Rows {
		v := r.of(server, value)
		if !l.Lower && v > 0 {
			v = 1 / v
		}
		if len(r.By[server]) > 0 {
			sizes, cost = append(sizes, r.Size), append(cost, v)
		}
	}
	return exponent(sizes, cost)
}

// failed says whether any row has an error.
func (r Report) failed() bool {
	return slices.ContainsFunc(r.Loads, func(l LoadReport) bool {
		return slices.ContainsFunc(l.Rows, func(r Row) bool { return len(r.Errors) > 0 })
	})
}

// Merge takes over the loads of an older report that this one has not.
func (r *Report) Merge(old Report) {
	all := map[string]LoadReport{}
	for _, l := range append(old.Loads, r.Loads...) {
		all[l.Name] = l
	}
	r.Loads = nil
	for _, l := range Loads {
		if known, ok := all[l.Name]; ok {
			r.Loads = append(r.Loads, known)
		}
	}
}

// LoadReportFile reads what Save wrote; a file that is not there is an empty report.
func LoadReportFile(path string) (r Report, err error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return r, nil
	}
	if err == nil {
		err = json.Unmarshal(b, &r)
	}
	return r, err
}

// Save writes a report as JSON.
func (r Report) Save(path string) error {
	b, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(b, '\n'), 0o644)
}
