package filelock

import (
	"encoding/json"
	"os"
	"testing"

	"bascule/locking"
)

// FuzzRecord: a side file may say anything; it never does harm.
func FuzzRecord(f *testing.F) {
	m := openTest(f, f.TempDir())
	p := placeOf("k")
	if err := m.writeRecord(&p, "k", locking.Holder{Session: "s", Mode: locking.Exclusive}); err != nil {
		f.Fatal(err)
	}
	b, err := os.ReadFile(m.recordPath(p.sideFile()))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte(`{"holder":{"since":"yesterday"}}`))
	f.Add([]byte(`{"holder":{"session":"\ud800","mode":"exclusive"}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if err := os.WriteFile(m.recordPath("fuzz"), b, 0o600); err != nil {
			t.Fatal(err)
		}
		r, ok := m.readRecord("fuzz")
		if !ok {
			return
		}
		if h := bounded(r.Holder); h != r.Holder {
			t.Errorf("not bounded: %+v", r.Holder)
		}
		if _, err := json.Marshal(r.Holder); err != nil {
			t.Error(err)
		}
	})
}

// FuzzAnswer: whatever is asked, the answer can be read.
func FuzzAnswer(f *testing.F) {
	m := openTest(f, f.TempDir())
	l, err := m.TryAcquire("k", locking.Exclusive, locking.Holder{Session: "s"})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(l.Release)
	for _, q := range []string{`{"do":"list"}`, `{"do":"holders","key":"aw=="}`, `{"do":"break","key":"aw=="}`, `{"do":7}`, ``} {
		f.Add([]byte(q))
	}
	f.Fuzz(func(t *testing.T, q []byte) {
		var a answer
		if err := json.Unmarshal(m.answer(q), &a); err != nil {
			t.Error(err)
		}
		parseAnswer(q)
		m.hear(q)
	})
}
