package bench

import (
	"fmt"
	"io"
	"math"
	"text/tabwriter"
)

// WriteTable prints a report for a terminal.
func (r Report) WriteTable(w io.Writer) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "load\tsize\tbascule\tdovecot\tunit\tratio\tspread\taim\tCPU/op ours\tdovecot\tpeak ours\tdovecot\t")
	for _, l := range r.Loads {
		for _, row := range l.Rows {
			c := cells(l, row)
			fmt.Fprintf(t, "%s\t%d\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t\n", l.Name, row.Size, c.ours, c.theirs, l.Unit, c.ratio, c.spread, c.aim, c.ourCPU, c.theirCPU, c.ourMemory, c.theirMemory)
		}
		if ours := l.growth("bascule"); !math.IsNaN(ours) {
			fmt.Fprintf(t, "\tgrowth\t%.2f\t%s\t\t\t\t\t\t\t\t\t\n", ours, maybe("%.2f", l.growth("dovecot")))
		}
	}
	t.Flush()
	for _, l := range r.Loads {
		for _, row := range l.Rows {
			for _, line := range details(row) {
				fmt.Fprintf(w, "%s %s\n", l.Name, line)
			}
			for server, e := range row.Errors {
				fmt.Fprintf(w, "ERROR %s %d %s: %s\n", l.Name, row.Size, server, e)
			}
		}
	}
}

// rowCells is a row in words.
type rowCells struct {
	ours, theirs, ratio, spread, aim         string
	ourCPU, theirCPU, ourMemory, theirMemory string
}

func cells(l LoadReport, r Row) rowCells {
	c := rowCells{aim: fmt.Sprintf("%g", l.Aim)}
	for _, s := range []struct {
		name               string
		value, cpu, memory *string
	}{{"bascule", &c.ours, &c.ourCPU, &c.ourMemory}, {"dovecot", &c.theirs, &c.theirCPU, &c.theirMemory}} {
		switch {
		case r.Errors[s.name] != "":
			*s.value = "error"
		case len(r.By[s.name]) == 0:
			*s.value = "-"
		default:
			*s.value = short(r.of(s.name, value))
			*s.cpu = microseconds(r.of(s.name, cpu))
			*s.memory = fmt.Sprintf("%.1f MiB", r.of(s.name, memory)/(1<<20))
		}
	}
	mid, low, high := r.ratio(l.Lower)
	c.ratio = maybe("%.2f", mid)
	if !math.IsNaN(mid) {
		c.spread = fmt.Sprintf("%.2f–%.2f", low, high)
	}
	return c
}

// short is a number with three digits or more.
func short(v float64) string {
	switch {
	case math.Abs(v) >= 100:
		return fmt.Sprintf("%.0f", v)
	case math.Abs(v) >= 1:
		return fmt.Sprintf("%.2f", v)
	}
	return fmt.Sprintf("%.3f", v)
}

func microseconds(seconds float64) string { return short(seconds*1e6) + " µs" }

// maybe formats a number that may be none.
func maybe(format string, v float64) string {
	if math.IsNaN(v) {
		return "-"
	}
	return fmt.Sprintf(format, v)
}
