package directorytest

import (
	"errors"
	"testing"
	"time"

	"bascule/internal/accounts"
)

// down: a source that does not answer is never a wrong password, an unknown account
// or a way in; and what it said before holds on for deliveries and sessions.
func down(t *testing.T, h Harness) {
	if h.Down == nil {
		t.Skip("the directory is never apart from its accounts")
	}
	h.Put(t, anna, "secret")
	h.Put(t, bert, "other")
	before, err := h.Directory.Lookup(t.Context(), anna)
	if err != nil {
		t.Fatal(err)
	}
	if ok, err := h.Directory.Verify(t.Context(), anna, "secret"); !ok || err != nil {
		t.Fatal(ok, err)
	}
	h.Down(t)
	for _, password := range []string{"secret", "wrong"} {
		if ok, err := h.Directory.Verify(t.Context(), anna, password); ok || !errors.Is(err, accounts.ErrSource) {
			t.Errorf("%q while the source is down: %v, %v", password, ok, err)
		}
	}
	if after, err := h.Directory.Lookup(t.Context(), anna); err != nil || after != before {
		t.Errorf("what is known: %+v, %v", after, err)
	}
	for _, a := range []accounts.Address{bert, ghst} { // bert was never looked up
		if _, err := h.Directory.Lookup(t.Context(), a); !errors.Is(err, accounts.ErrSource) {
			t.Errorf("%s: %v", a, err)
		}
	}
	if _, err := h.Directory.SCRAM(t.Context(), anna); !errors.Is(err, accounts.ErrSource) {
		t.Errorf("SCRAM keys: %v", err)
	}
	if _, err := h.Directory.Changes(t.Context()); err != nil {
		t.Errorf("changes: %v", err)
	}
	h.Up(t)
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		ok, err := h.Directory.Verify(t.Context(), anna, "secret")
		if ok && err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("after the source came back: %v, %v", ok, err)
		}
	}
	if _, err := h.Directory.Lookup(t.Context(), ghst); !errors.Is(err, accounts.ErrNotFound) {
		t.Errorf("unknown, after the source came back: %v", err)
	}
}
