package pop3

import "testing"

// Errors that are kinds of others come before those, or nobody hears of them.
func TestEveryForeseenErrorIsToldAsItself(t *testing.T) {
	for _, e := range domainErrors {
		if r := foreseen(e.is); r.text != e.text {
			t.Errorf("%v is told as %q, not as %q", e.is, r.text, e.text)
		}
	}
}
