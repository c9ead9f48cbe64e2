package bench

import (
	_ "embed"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
)

// method is what a reader has to know to repeat or to doubt the numbers.
const method = `## Method

` + "`make bench`" + ` starts both servers on free ports of the loopback with generated configuration. Both have the same promise: what was acknowledged is
on disk (Bascule always syncs; Dovecot with ` + "`mail_fsync=always`" + `). Dovecot runs in its high-performance login mode, on Maildir with indexes, with a cache for
passwords and without limits on connections. Bascule runs as it is configured by default (one process, locks between processes), without limits on
connections. Both start with the same stored passwords: in clear text, or SCRAM-SHA-256 keys of 4096 iterations for the SCRAM logins. At the first
login Bascule replaces the clear text by argon2id, as it does with all passwords that come from elsewhere; that is before anything is measured.

Both get the same generated mail, as hard links to the same files with CRLF line ends and sizes in their names (the first openings: LF, plain names), 1.5 to 40 KiB
large, with and without parts. Each account is opened twice before the measurement (the first openings: never), then the disk is left to settle. The load is run in turns (ours, Dovecot's, ours,
…) by a process of its own, which checks all answers: counts, sums of octets, checksums of bodies. It runs on the same machine and takes its share of the
processor; so the processor time of the server per operation says more about the server than the rate does.

- **ratio**: median over the pairs; above 1 Bascule is better, also where less is better (latency, memory). In brackets the lowest and the highest pair.
- **CPU**: processor time of all processes of the server, ended ones included, per operation.
- **peak**: highest proportional set size of all processes of the server (shared pages are counted once).
- **growth**: exponent of the cost of one operation over the three sizes: 0 does not grow, 1 grows as the size does. Where the unit is messages, 0 means that the
  whole costs in proportion to the messages.
`

// notes say where a row is bounded by something else than our program, and how that was shown. They are
// written by hand.
//
//go:embed notes.md
var notes string

// WriteMarkdown writes a report as a page of the documentation.
func (r Report) WriteMarkdown(path string) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# Benchmarks\n\nBascule beside Debian's Dovecot on one machine. This page is written by `make bench`; all rows are here, also those we lose.\n\n")
	fmt.Fprintf(&b, "Machine: %d cores of %s, %s of memory, Linux %s, %s (fsync of 4 KiB: %s), %s. Versions:", r.Machine.Cores, r.Machine.Processor, r.Machine.Memory, r.Machine.Kernel,
		r.Machine.FileSystem, r.Machine.Sync, r.Machine.Go)
	for _, name := range slices.Sorted(maps.Keys(r.Versions)) {
		fmt.Fprintf(&b, " %s %s;", name, r.Versions[name])
	}
	fmt.Fprintf(&b, " %d pairs of runs, %g s each where a load has no end of its own.\n\n%s\n## Results\n", r.Pairs, r.Seconds, method)
	for _, l := range r.Loads {
		l.markdown(&b)
	}
	fmt.Fprintf(&b, "\n%s", notes)
	return os.WriteFile(path, []byte(b.String()), 0o644)
}

func (l LoadReport) markdown(b *strings.Builder) {
	direction := ""
	if l.Lower {
		direction = ", less is better"
	}
	fmt.Fprintf(b, "\n### %s\n\n`%s`, %s; %s%s; aim: %g ×.\n\n", upperFirst(l.What), l.Name, l.When.Format("2006-01-02"), l.Unit, direction, l.Aim)
	fmt.Fprintf(b, "| %s | Bascule | Dovecot | ratio | CPU Bascule | CPU Dovecot | peak Bascule | peak Dovecot |\n|---:|---:|---:|---:|---:|---:|---:|---:|\n", l.Per)
	for _, row := range l.Rows {
		c := cells(l, row)
		ratio := c.ratio
		if c.spread != "" {
			ratio += " (" + c.spread + ")"
		}
		fmt.Fprintf(b, "| %d | %s | %s | %s | %s | %s | %s | %s |\n", row.Size, c.ours, c.theirs, ratio, c.ourCPU, c.theirCPU, c.ourMemory, c.theirMemory)
	}
	fmt.Fprintf(b, "| growth | %s | %s | | | | | |\n", maybe("%.2f", l.growth("bascule")), maybe("%.2f", l.growth("dovecot")))
	for _, row := range l.Rows {
		for _, server := range slices.Sorted(maps.Keys(row.Errors)) {
			fmt.Fprintf(b, "\nNot measured: %s at %d: %s\n", server, row.Size, row.Errors[server])
		}
		for _, line := range details(row) {
			fmt.Fprintf(b, "\n- %s", line)
		}
	}
	b.WriteString("\n")
}

// details are the further numbers of a row.
func details(r Row) (lines []string) {
	names := map[string]bool{}
	for _, samples := range r.By {
		for _, s := range samples {
			for n := range s.Details {
				names[n] = true
			}
		}
	}
	for _, n := range slices.Sorted(maps.Keys(names)) {
		detail := func(s Sample) float64 { return s.Details[n] }
		lines = append(lines, fmt.Sprintf("at %d, %s: Bascule %s, Dovecot %s", r.Size, n, short(r.of("bascule", detail)), short(r.of("dovecot", detail))))
	}
	return lines
}

func upperFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
