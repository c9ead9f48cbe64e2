package disktest

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"bascule/maildir/disk"
)

// Listing tells the files that pattern (of filepath.Glob) matches, one "<directory>:<info>" a line: by directory, and
// in each in order of arrival, as a name with few microseconds stands behind one with more when names are sorted as bytes.
func Listing(pattern string) (string, error) {
	found, err := filepath.Glob(pattern)
	slices.SortStableFunc(found, func(a, b string) int {
		if c := strings.Compare(filepath.Dir(a), filepath.Dir(b)); c != 0 {
			return c
		}
		return disk.CompareArrival(filepath.Base(a), filepath.Base(b))
	})
	var b strings.Builder
	for _, f := range found {
		_, info, _ := strings.Cut(filepath.Base(f), ":")
		fmt.Fprintf(&b, "%s:%s\n", filepath.Base(filepath.Dir(f)), info)
	}
	return b.String(), err
}
