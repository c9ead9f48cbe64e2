package metrics

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func series(r *Registry, name string) map[string]Sample {
	out := map[string]Sample{}
	r.Each(func(d Desc, s Sample) {
		if d.Name == name {
			out[strings.Join(s.Values, " ")] = s
		}
	})
	return out
}

func TestUnknownValuesAreOther(t *testing.T) {
	m := New([]string{"NOOP"}, []string{"STAT"})
	for _, verb := range []string{"NOOP", "anna@example.org", "192.0.2.1", "NOOP"} {
		m.IMAPCommand(verb, "ok", 2*time.Millisecond)
	}
	m.IMAPCommand("NOOP", "never heard of", time.Minute)
	got := series(&m.Registry, "bascule_imap_command_seconds")
	if got["NOOP ok"].Count != 2 || got["other ok"].Count != 2 || got["NOOP other"].Count != 1 || len(got) != 3 {
		t.Errorf("%+v", got)
	}
	long := got["NOOP other"]
	if long.Buckets[len(long.Buckets)-1] != 0 || long.Value != 60 {
		t.Errorf("a minute is above every bound: %+v", long)
	}
	if two := got["NOOP ok"]; two.Buckets[2] != 0 || two.Buckets[3] != 2 || two.Value != 0.004 {
		t.Errorf("%+v", two)
	}
}

func TestEveryCellHasItsOwnValues(t *testing.T) {
	r := &Registry{}
	c := r.Counter("c", "", Label{"a", []string{"1", "2", "3"}}, Label{"b", []string{"x", "y"}})
	n := 0
	for _, a := range []string{"1", "2", "3", other} {
		for _, b := range []string{"x", "y", other} {
			n++
			c.Add(n, a, b)
		}
	}
	got := series(r, "c")
	n = 0
	for _, a := range []string{"1", "2", "3", other} {
		for _, b := range []string{"x", "y", other} {
			if n++; got[a+" "+b].Value != float64(n) {
				t.Errorf("%s %s: %v", a, b, got[a+" "+b].Value)
			}
		}
	}
}

func TestLoginsByReason(t *testing.T) {
	m := New(nil, nil)
	for _, reason := range []string{"ok", "auth", "systemp", "sysperm"} {
		m.Login("imap", reason)
	}
	want := []string{"imap error systemp", "imap failed auth", "imap ok none", "imap refused sysperm"}
	var got []string
	for k := range series(&m.Registry, "bascule_logins_total") {
		got = append(got, k)
	}
	if slices.Sort(got); !slices.Equal(got, want) {
		t.Error(got)
	}
}

// A part that was given no instruments counts nothing, and does not notice.
func TestNilCounts(t *testing.T) {
	var s Store
	s.Parsed.Add(1, "index")
	s.Commit.Observe(time.Second)
}

// Counting must not be felt: it runs at every command.
func TestCountingAllocatesNothing(t *testing.T) {
	m := New([]string{"FETCH", "NOOP"}, nil)
	if n := testing.AllocsPerRun(1000, func() {
		m.IMAPCommand("FETCH", "ok", time.Millisecond)
		m.Login("imap", "ok")
		m.Store.LockWait.Observe(time.Second, "imap", "granted")
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkCommand(b *testing.B) {
	m := New([]string{"FETCH", "NOOP", "UID FETCH", "STORE", "SELECT"}, nil)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			m.IMAPCommand("UID FETCH", "ok", time.Millisecond)
		}
	})
}
