package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestExponent(t *testing.T) {
	sizes := []int{100, 1000, 10000}
	for want, cost := range map[float64][]float64{0: {3, 3, 3}, 1: {1, 10, 100}, -0.5: {10, math.Sqrt(10), 1}} {
		if got := exponent(sizes, cost); math.Abs(got-want) > 1e-9 {
			t.Errorf("%v: %v, not %v", cost, got, want)
		}
	}
	if !math.IsNaN(exponent([]int{5}, []float64{1})) || !math.IsNaN(exponent([]int{5, 5}, []float64{1, 2})) || !math.IsNaN(exponent(sizes, []float64{0, 0, 1})) {
		t.Error("an exponent of one size")
	}
}

func TestMedianAndPercentile(t *testing.T) {
	if median(nil) != 0 || median([]float64{3, 1, 2}) != 2 || median([]float64{4, 1, 2, 3}) != 2.5 {
		t.Error("median")
	}
	var d []time.Duration
	for i := range 200 {
		d = append(d, time.Duration(200-i))
	}
	if percentile(nil, 99) != 0 || percentile(d, 99) != 198 || percentile(d, 50) != 100 || percentile(d, 100) != 200 || percentile(d, 0) != 1 {
		t.Error("percentile")
	}
}

func sampleRow(ours, theirs []float64) Row {
	r := Row{By: map[string][]Sample{}}
	for _, v := range ours {
		r.By["bascule"] = append(r.By["bascule"], Sample{Value: v})
	}
	for _, v := range theirs {
		r.By["dovecot"] = append(r.By["dovecot"], Sample{Value: v})
	}
	return r
}

// Above 1 ours is better, whichever way the unit points.
func TestRatio(t *testing.T) {
	mid, low, high := sampleRow([]float64{20, 30, 40}, []float64{10, 10, 10}).ratio(false)
	if mid != 3 || low != 2 || high != 4 {
		t.Error(mid, low, high)
	}
	if mid, _, _ := sampleRow([]float64{10}, []float64{40}).ratio(true); mid != 4 {
		t.Error(mid)
	}
	if mid, _, _ := sampleRow([]float64{0}, []float64{500}).ratio(true); math.IsInf(mid, 0) || mid < 1000 {
		t.Error("a latency of nothing:", mid)
	}
	if mid, _, _ := sampleRow([]float64{10}, nil).ratio(false); !math.IsNaN(mid) {
		t.Error("a ratio to nothing")
	}
}

func TestFind(t *testing.T) {
	for names, want := range map[string]string{
		"store-1": "store-1", "store": "store-1 store-100 store-10000", "fetch-list,copy": "fetch-list copy",
	} {
		found, err := Find(strings.Split(names, ","))
		var got []string
		for _, l := range found {
			got = append(got, l.Name)
		}
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("%s: %v, %v", names, got, err)
		}
	}
	if _, err := Find([]string{"fetch-flags", "nothing"}); err == nil {
		t.Error("found nothing")
	}
}

func TestLoadsAreWhole(t *testing.T) {
	names := map[string]bool{}
	for _, l := range Loads {
		if l.Name == "" || l.What == "" || l.Unit == "" || l.Per == "" || l.Aim == 0 || l.Boxes == nil || l.Run == nil || names[l.Name] {
			t.Errorf("%q is not whole, or there twice", l.Name)
		}
		names[l.Name] = true
		for _, sizes := range [][3]int{l.Sizes, l.Short} {
			if sizes[0] < 1 || sizes[1] < sizes[0] || sizes[2] < sizes[1] {
				t.Errorf("%s: sizes %v", l.Name, sizes)
			}
		}
		if boxes := l.Boxes(l.Short[0]); len(boxes) == 0 {
			t.Errorf("%s: no boxes", l.Name)
		}
	}
}

func TestReport(t *testing.T) {
	row := sampleRow([]float64{20}, []float64{10})
	row.Size = 7
	bad := Row{Size: 8, Errors: map[string]string{"dovecot": "wrong answer"}}
	r := Report{Versions: map[string]string{"bascule": "dev"}, Loads: []LoadReport{{Name: "copy", What: "COPY", Unit: "messages/s", Per: "messages", Rows: []Row{row, bad}}}}
	dir := t.TempDir()
	path := filepath.Join(dir, "r.json")
	if err := r.Save(path); err != nil {
		t.Fatal(err)
	}
	old, err := LoadReportFile(path)
	if err != nil {
		t.Fatal(err)
	}
	later := Report{Loads: []LoadReport{{Name: "move"}, {Name: "login-plain"}}}
	later.Merge(old)
	var names []string
	for _, l := range later.Loads {
		names = append(names, l.Name)
	}
	if strings.Join(names, " ") != "copy move login-plain" {
		t.Errorf("merged: %v", names)
	}
	if empty, err := LoadReportFile(filepath.Join(dir, "none")); err != nil || len(empty.Loads) != 0 {
		t.Error("a report that is not there:", err)
	}
	var table bytes.Buffer
	r.WriteTable(&table)
	if err := r.WriteMarkdown(filepath.Join(dir, "d.md")); err != nil {
		t.Fatal(err)
	}
	page, _ := os.ReadFile(filepath.Join(dir, "d.md"))
	if !bytes.Contains(page, []byte("\n## Where the floor is\n")) {
		t.Error("the page has no notes")
	}
	for _, text := range []string{table.String(), string(page)} {
		for _, want := range []string{"2.00", "wrong answer", "copy"} {
			if !strings.Contains(text, want) {
				t.Errorf("no %q in\n%s", want, text)
			}
		}
	}
	if !r.failed() || later.failed() == !old.failed() {
		t.Error("failed")
	}
}

// A generator that cannot reach its server says so in its answer.
func TestWorkReportsErrors(t *testing.T) {
	job, _ := json.Marshal(Job{Load: "login-plain", Size: 1, Target: Target{PID: os.Getpid(), Addrs: map[string]string{"imap": "127.0.0.1:1"}, Boxes: []TargetBox{{}}}})
	var out bytes.Buffer
	if err := Work(context.Background(), bytes.NewReader(job), &out); err != nil {
		t.Fatal(err)
	}
	var a Answer
	if err := json.Unmarshal(out.Bytes(), &a); err != nil || a.Error == "" {
		t.Errorf("%s, %v", out.String(), err)
	}
}
