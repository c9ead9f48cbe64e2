package disktest

import (
	"os"
	"path/filepath"
	"testing"
)

// TestListingIsInOrderOfArrival: names written 2 ms apart just after a second has begun differ in length.
func TestListingIsInOrderOfArrival(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"new/5.M1.h", "cur/7.M11999.h:2,S", "cur/7.M9999.h:2,"} {
		if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := Listing(filepath.Join(dir, "*", "*.h*"))
	if want := "cur:2,\ncur:2,S\nnew:\n"; got != want || err != nil {
		t.Errorf("listed %q, %v; want %q", got, err, want)
	}
}
