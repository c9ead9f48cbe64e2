package gate

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"bascule/internal/accounts"
)

func TestTraceEndsByItself(t *testing.T) {
	f := open(t, Options{})
	c := local(IMAP)
	on := 0
	c.Trace = func(emit func(string, []byte)) {
		if on++; emit == nil {
			on = 0
		}
	}
	until := f.clock.Now().Add(time.Minute)
	if n, err := f.gate.Trace(anna, until); n != 0 || err != nil {
		t.Fatal(n, err)
	}
	s := f.in(c, string(anna), secret)
	defer s.End()
	if on != 1 {
		t.Error("a new session is not traced")
	}
	if list := f.gate.Traces(); len(list) != 1 || list[0].Address != anna || list[0].Sessions != 1 || !list[0].Until.Equal(until) {
		t.Errorf("%+v", list)
	}
	f.clock.advance(59 * time.Second)
	if on != 1 {
		t.Error("ended too early")
	}
	f.clock.advance(2 * time.Second)
	if on != 0 || len(f.gate.Traces()) != 0 {
		t.Error("the trace goes on")
	}
}

func TestTracesAreBounded(t *testing.T) {
	f := open(t, Options{})
	for i := range MaxTraces {
		if _, err := f.gate.Trace(accounts.Address(fmt.Sprintf("u%d@example.org", i)), f.clock.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := f.gate.Trace(anna, f.clock.Now().Add(time.Hour)); !errors.Is(err, ErrTraces) {
		t.Error(err)
	}
	if f.gate.Trace("u1@example.org", f.clock.Now().Add(48*time.Hour)); f.gate.Traces()[1].Until.After(f.clock.Now().Add(MaxTraceFor)) {
		t.Error("longer than it may be")
	}
}
