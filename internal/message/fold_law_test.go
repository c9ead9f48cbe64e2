package message

import (
	"testing"
	"unicode"
)

// TestFoldFindsWhatCollateTakesForEqual: I18NLEVEL=1 has SEARCH compare by i;unicode-casemap (RFC 5255 §4.3). Fold is wider, for "ß" is found
// by "ss" too, but whatever the collation takes for equal must be found.
func TestFoldFindsWhatCollateTakesForEqual(t *testing.T) {
	for r := rune(0); r <= unicode.MaxRune; r++ {
		s := string(r)
		if c := Collate(s); c != s && Fold(c) != Fold(s) {
			t.Errorf("%U %q: %q is found by %q, not by %q", r, s, c, Fold(c), Fold(s))
		}
	}
}
