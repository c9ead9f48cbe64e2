package server

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"bascule/imap"
	"bascule/internal/metrics"
	"bascule/pop3"
)

var update = flag.Bool("update", false, "write the table of metrics in docs/operations.md")

// allMetrics is the whole table, as a serving process has it.
func allMetrics() []metrics.Desc {
	s := &Server{Base: &Base{metrics: metrics.New(imap.Verbs(), pop3.Verbs())}}
	s.collect()
	return s.metrics.Descs()
}

// docs/operations.md lists every metric with its labels, between its marks.
func TestMetricsAreDocumented(t *testing.T) {
	path := filepath.Join("..", "..", "docs", "operations.md")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const open, end = "<!-- metrics: made by go test ./internal/server -run Metrics -update -->\n", "<!-- end of metrics -->"
	before, after, ok := strings.Cut(string(b), open)
	have, rest, ok2 := strings.Cut(after, end)
	if !ok || !ok2 {
		t.Fatal("docs/operations.md has lost the marks of its table of metrics")
	}
	var want strings.Builder
	want.WriteString("| Metric | Kind | Labels | Meaning |\n| --- | --- | --- | --- |\n")
	descs := allMetrics()
	slices.SortFunc(descs, func(a, b metrics.Desc) int { return strings.Compare(a.Name, b.Name) })
	for _, d := range descs {
		var labels []string
		for _, l := range d.Labels {
			labels = append(labels, "`"+l.Name+"`")
		}
		fmt.Fprintf(&want, "| `%s` | %s | %s | %s |\n", d.Name, [...]string{"counter", "gauge", "histogram"}[d.Kind], strings.Join(labels, ", "), d.Help)
	}
	if have == want.String() {
		return
	}
	if !*update {
		t.Fatalf("the table of metrics in docs/operations.md is not the program's; -update writes it:\n%s", want.String())
	}
	if err := os.WriteFile(path, []byte(before+open+want.String()+end+rest), 0o644); err != nil {
		t.Fatal(err)
	}
}

// Names follow Prometheus' rules, so that tools guess their kind and unit rightly; and no label can grow without bounds.
func TestMetricsAreNamedByTheRules(t *testing.T) {
	series := 0
	for _, d := range allMetrics() {
		if counts := strings.HasSuffix(d.Name, "_total"); !strings.HasPrefix(d.Name, "bascule_") || counts != (d.Kind == metrics.KindCounter) {
			t.Errorf("%s", d.Name)
		}
		if d.Kind == metrics.KindHistogram && !strings.HasSuffix(d.Name, "_seconds") {
			t.Errorf("%s has no unit", d.Name)
		}
		n := 1
		for _, l := range d.Labels {
			n *= len(l.Values)
			if slices.Contains([]string{"account", "address", "remote", "mailbox", "domain"}, l.Name) {
				t.Errorf("%s has the label %s", d.Name, l.Name)
			}
		}
		if d.Kind == metrics.KindHistogram {
			n *= len(metrics.Bounds()) + 3
		}
		series += n
	}
	t.Logf("at most %d series", series)
	if series > 15_000 {
		t.Errorf("%d series are possible", series)
	}
}

// The dashboard in deploy/grafana asks for nothing that is not there, and shows everything that is.
func TestDashboardAndMetricsAgree(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("..", "..", "deploy", "grafana", "bascule.json"))
	if err != nil {
		t.Fatal(err)
	}
	var dashboard struct {
		Panels []struct {
			Title   string
			GridPos struct{ X, Y, W, H int }
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(b, &dashboard); err != nil {
		t.Fatal(err)
	}
	known := map[string]metrics.Desc{}
	for _, d := range allMetrics() {
		known[d.Name] = d
	}
	shown := map[string]bool{}
	selector := regexp.MustCompile(`(bascule_\w+)(\{[^}]*\})?`)
	label := regexp.MustCompile(`(\w+)(?:=~|!~|!=|=)"`)
	taken := map[[2]int]string{}
	for _, p := range dashboard.Panels {
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if other := taken[[2]int{x, y}]; other != "" || x >= 24 {
					t.Errorf("%s lies over %q", p.Title, other)
				}
				taken[[2]int{x, y}] = p.Title
			}
		}
		for _, target := range p.Targets {
			for _, m := range selector.FindAllStringSubmatch(target.Expr, -1) {
				d, ok := known[m[1]]
				for _, suffix := range []string{"_bucket", "_count", "_sum"} {
					if base, found := strings.CutSuffix(m[1], suffix); found && !ok {
						d = known[base]
						ok = d.Kind == metrics.KindHistogram
					}
				}
				if !ok || d.Name == "" {
					t.Errorf("%s asks for %s, which does not exist", p.Title, m[1])
				}
				shown[d.Name] = true
				for _, l := range label.FindAllStringSubmatch(m[2], -1) {
					if l[1] != "job" && !slices.ContainsFunc(d.Labels, func(x metrics.Label) bool { return x.Name == l[1] }) {
						t.Errorf("%s: %s has no label %s", p.Title, d.Name, l[1])
					}
				}
			}
		}
	}
	for name := range known {
		if !shown[name] {
			t.Errorf("the dashboard does not show %s", name)
		}
	}
}
