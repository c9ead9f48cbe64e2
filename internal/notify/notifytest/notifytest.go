// Package notifytest is the suite that every notify.Bus passes.
package notifytest

import (
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"bascule/internal/notify"
)

const patience = 20 * time.Second

// Run runs the suite. newBuses returns two buses that nudge each other, as two
// processes would; for a bus that serves one process only, both are the same.
// The suite closes both.
func Run(t *testing.T, newBuses func(t testing.TB) (a, b notify.Bus)) {
	for _, s := range []struct {
		claim string
		run   func(t *testing.T, a, b notify.Bus)
	}{
		{"own subscribers are called before publish returns", ownAtOnce},
		{"subscribers of the other are called", otherIsCalled},
		{"topics are apart", topicsAreApart},
		{"any bytes are a topic", anyBytes},
		{"cancel", cancelStops},
		{"subscribe and cancel while being called", reentrant},
		{"a thousand subscribers", thousandSubscribers},
		{"a flood is survived", flood},
		{"the last nudge is never lost alone", lastNudge},
		{"close", closeEnds},
	} {
		t.Run(s.claim, func(t *testing.T) {
			a, b := newBuses(t)
			defer a.Close()
			defer b.Close()
			s.run(t, a, b)
		})
	}
	t.Run("no goroutine is left", func(t *testing.T) {
		before := runtime.NumGoroutine()
		for range 10 {
			a, b := newBuses(t)
			a.Subscribe("t", func() {})
			b.Publish("t")
			a.Close()
			b.Close()
		}
		until(t, "all goroutines end", func() bool { return runtime.NumGoroutine() <= before })
	})
}

func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !ok(); {
		if time.Now().After(deadline) {
			t.Fatalf("did not come about: %s", what)
		}
		<-time.After(time.Millisecond)
	}
}

// bell is a subscriber as sessions are: it remembers that it was called.
type bell chan struct{}

func newBell() bell { return make(bell, 1) }

func (b bell) ring() {
	select {
	case b <- struct{}{}:
	default:
	}
}

func (b bell) rang(t *testing.T) {
	t.Helper()
	select {
	case <-b:
	case <-time.After(patience):
		t.Fatal("no nudge")
	}
}

func (b bell) silent(t *testing.T) {
	t.Helper()
	select {
	case <-b:
		t.Fatal("unexpected nudge")
	default:
	}
}

func ownAtOnce(t *testing.T, a, _ notify.Bus) {
	calls := 0
	defer a.Subscribe("t", func() { calls++ })()
	for i := range 3 {
		a.Publish("t")
		if calls < i+1 {
			t.Fatalf("%d calls after %d nudges", calls, i+1)
		}
	}
}

func otherIsCalled(t *testing.T, a, b notify.Bus) {
	atA, atB := newBell(), newBell()
	defer a.Subscribe("t", atA.ring)()
	defer b.Subscribe("t", atB.ring)()
	for range 3 {
		a.Publish("t")
		atB.rang(t)
		atA.rang(t)
		b.Publish("t")
		atA.rang(t)
		atB.rang(t)
	}
}

func topicsAreApart(t *testing.T, a, b notify.Bus) {
	one, two := newBell(), newBell()
	defer b.Subscribe("one", one.ring)()
	defer b.Subscribe("two", two.ring)()
	a.Publish("three")
	a.Publish("one")
	one.rang(t)
	two.silent(t)
}

func anyBytes(t *testing.T, a, b notify.Bus) {
	for _, topic := range []notify.Topic{"", "\x00", "a/../b", "\xff\xfe", "ä", notify.Topic(strings.Repeat("x", 100_000))} {
		at := newBell()
		cancel := b.Subscribe(topic, at.ring)
		a.Publish(topic)
		at.rang(t)
		cancel()
	}
}

func cancelStops(t *testing.T, a, b notify.Bus) {
	gone, stays := newBell(), newBell()
	cancel := b.Subscribe("t", gone.ring)
	defer b.Subscribe("t", stays.ring)()
	a.Publish("t")
	gone.rang(t)
	stays.rang(t)
	cancel()
	cancel()
	a.Publish("t")
	stays.rang(t)
	b.Publish("t")
	gone.silent(t)
}

func reentrant(t *testing.T, a, _ notify.Bus) {
	var cancel func()
	inner, other := newBell(), newBell()
	defer a.Subscribe("other", other.ring)()
	cancel = a.Subscribe("t", func() {
		cancel()
		a.Subscribe("t", inner.ring)
		a.Publish("other")
	})
	a.Publish("t")
	other.rang(t)
	a.Publish("t")
	inner.rang(t)
}

func thousandSubscribers(t *testing.T, a, b notify.Bus) {
	var bells []bell
	for i := range 1000 {
		bus := a
		if i%2 == 1 {
			bus = b
		}
		at := newBell()
		defer bus.Subscribe("t", at.ring)()
		bells = append(bells, at)
	}
	a.Publish("t")
	for _, at := range bells {
		at.rang(t)
	}
}

// Publishers never wait for anybody, and everybody is in step afterwards.
func flood(t *testing.T, a, b notify.Bus) {
	var calls atomic.Int64
	defer b.Subscribe("t", func() { calls.Add(1) })()
	var wg sync.WaitGroup
	for range 8 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for range 2000 {
				a.Publish("t")
			}
		}()
	}
	wg.Wait()
	until(t, "some calls", func() bool { return calls.Load() > 0 })
}

// A subscriber that looks whenever it is nudged sees the last change, however
// many there were before it on however many topics.
func lastNudge(t *testing.T, a, b notify.Bus) {
	const topics = 500
	var state, seen [topics]atomic.Int64
	name := func(i int) notify.Topic { return notify.Topic(strings.Repeat("t", i+1)) }
	for i := range topics {
		defer b.Subscribe(name(i), func() { seen[i].Store(state[i].Load()) })()
	}
	for round := range 20 {
		for i := range topics {
			state[i].Store(int64(round) + 1)
			a.Publish(name(i))
		}
	}
	until(t, "all see the last state", func() bool {
		for i := range topics {
			if seen[i].Load() != 20 {
				return false
			}
		}
		return true
	})
}

func closeEnds(t *testing.T, a, b notify.Bus) {
	at := newBell()
	cancel := a.Subscribe("t", at.ring)
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	if err := a.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
	a.Publish("t")
	b.Publish("t")
	a.Subscribe("t", at.ring)()
	a.Publish("t")
	cancel()
	at.silent(t)
}

// Benchmark measures what a nudge costs and how long it takes.
func Benchmark(b *testing.B, newBuses func(t testing.TB) (x, y notify.Bus)) {
	b.Run("publish", func(b *testing.B) {
		x, y := newBuses(b)
		defer x.Close()
		defer y.Close()
		var calls atomic.Int64
		defer x.Subscribe("user@example.com/INBOX", func() { calls.Add(1) })()
		b.ReportAllocs()
		for b.Loop() {
			x.Publish("user@example.com/INBOX")
		}
	})
	b.Run("latency", func(b *testing.B) {
		x, y := newBuses(b)
		defer x.Close()
		defer y.Close()
		at := newBell()
		defer y.Subscribe("user@example.com/INBOX", at.ring)()
		b.ReportAllocs()
		for b.Loop() {
			x.Publish("user@example.com/INBOX")
			<-at
		}
	})
	b.Run("thousand subscribers", func(b *testing.B) {
		x, y := newBuses(b)
		defer x.Close()
		defer y.Close()
		for range 1000 {
			defer x.Subscribe("t", newBell().ring)()
		}
		b.ReportAllocs()
		for b.Loop() {
			x.Publish("t")
		}
	})
}
