package message

import (
	"slices"
	"strings"
	"testing"
)

func TestCollate(t *testing.T) {
	// In order; each line holds what is equal.
	for _, same := range [][]string{
		{"", ""}, {"1", "1"}, {"a", "A"}, {"ann", "ANN"}, {"ä", "Ä", "a\u0308"}, {"än", "ÄN"}, {"straße", "STRAße"}, {"_", "_"}, {"мать", "МАТЬ"},
	} {
		for _, s := range same {
			if Collate(s) != Collate(same[0]) {
				t.Errorf("%q and %q differ", s, same[0])
			}
		}
	}
	words := []string{"_x", "b", "Ä", "az", "A", "", "ß", "ss"}
	slices.SortFunc(words, func(a, b string) int { return strings.Compare(Collate(a), Collate(b)) })
	if want := []string{"", "A", "az", "Ä", "b", "ss", "_x", "ß"}; !slices.Equal(words, want) {
		t.Errorf("got %q, want %q", words, want)
	}
}
