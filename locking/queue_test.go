package locking_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"bascule/locking"
	"bascule/locking/lockingtest"
)

func TestInProcess(t *testing.T) {
	lockingtest.Run(t, func(*testing.T) (a, b locking.Manager) {
		m := locking.NewInProcess()
		return m, m
	})
}

func TestHolderJSON(t *testing.T) {
	in := locking.Holder{Session: "s1", Protocol: "imap", Since: time.Unix(1e9, 0).UTC(), Mode: locking.Exclusive}
	b, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(b), `"mode":"exclusive"`) {
		t.Errorf("%s", b)
	}
	var out locking.Holder
	if err := json.Unmarshal(b, &out); err != nil || out != in {
		t.Errorf("%+v, %v", out, err)
	}
	if err := json.Unmarshal([]byte(`{"mode":"upside down"}`), &out); err == nil {
		t.Error("an unknown mode was read")
	}
	if _, err := json.Marshal(locking.Holder{Mode: 7}); err == nil {
		t.Error("an unknown mode was written")
	}
}

func TestBusyErrorText(t *testing.T) {
	err := &locking.BusyError{
		Key: "user@example.com", Mode: locking.Shared, Cause: context.DeadlineExceeded,
		Holders: []locking.Holder{{Session: "p7", Protocol: "pop3", Since: time.Unix(0, 0).UTC(), Mode: locking.Exclusive}, {}},
	}
	want := `locking: shared lease on "user@example.com" is not to be had: held (exclusive) by pop3 session "p7" since 1970-01-01T00:00:00Z and 1 more: context deadline exceeded`
	if got := err.Error(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if !errors.Is(err, locking.ErrBusy) || !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		t.Error("wrong classes")
	}
}

// The holders in a refusal are bounded, however many there are.
func TestBusyErrorIsBounded(t *testing.T) {
	m := locking.NewInProcess()
	for range 3 * locking.MaxBusyHolders {
		if _, err := m.TryAcquire("k", locking.Shared, locking.Holder{}); err != nil {
			t.Fatal(err)
		}
	}
	_, err := m.TryAcquire("k", locking.Exclusive, locking.Holder{})
	var busy *locking.BusyError
	if !errors.As(err, &busy) || len(busy.Holders) != locking.MaxBusyHolders {
		t.Errorf("%d holders", len(busy.Holders))
	}
}

func TestAllocations(t *testing.T) {
	m := locking.NewInProcess()
	who := locking.Holder{Session: "s"}
	n := testing.AllocsPerRun(1000, func() {
		l, err := m.Acquire(context.Background(), "user@example.com", locking.Shared, who)
		if err != nil {
			t.Fatal(err)
		}
		l.Release()
	})
	if n > 2 {
		t.Errorf("%v allocations for one shared lease, want 2 at most", n)
	}
}

func BenchmarkShared(b *testing.B) {
	m := locking.NewInProcess()
	ctx := context.Background()
	who := locking.Holder{Session: "s1", Account: "user@example.com", Protocol: "imap", Remote: "192.0.2.1:4711"}
	b.ReportAllocs()
	for b.Loop() {
		l, err := m.Acquire(ctx, "user@example.com", locking.Shared, who)
		if err != nil {
			b.Fatal(err)
		}
		l.Release()
	}
}

func BenchmarkSharedParallel(b *testing.B) {
	m := locking.NewInProcess()
	ctx := context.Background()
	var n atomic.Int32
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		key := locking.Key("user" + string('a'+n.Add(1)) + "@example.com")
		for pb.Next() {
			l, err := m.Acquire(ctx, key, locking.Shared, locking.Holder{})
			if err != nil {
				b.Fatal(err)
			}
			l.Release()
		}
	})
}

func BenchmarkExclusive(b *testing.B) {
	m := locking.NewInProcess()
	ctx := context.Background()
	b.ReportAllocs()
	for b.Loop() {
		l, err := m.Acquire(ctx, "user@example.com", locking.Exclusive, locking.Holder{})
		if err != nil {
			b.Fatal(err)
		}
		l.Release()
	}
}
