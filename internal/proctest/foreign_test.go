package proctest

import (
	"os"
	"path/filepath"
	"testing"

	"bascule/internal/testkit/site"
)

func inbox(s *site.Site) string {
	return filepath.Join(s.Data, "mail", "example.org", "both", "Maildir")
}

// foreign delivers as another program would.
func foreign(t *testing.T, s *site.Site, name, text string) {
	t.Helper()
	tmp := filepath.Join(inbox(s), "tmp", name)
	must(t, os.WriteFile(tmp, []byte(text), 0o600))
	must(t, os.Rename(tmp, filepath.Join(inbox(s), "new", name)))
}

// renameFlags gives a file other flags, as another program would.
func renameFlags(t *testing.T, s *site.Site, base, flags string) {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(inbox(s), "*", base+"*"))
	must(t, err)
	if len(found) != 1 {
		t.Fatalf("%s is %q", base, found)
	}
	must(t, os.Rename(found[0], filepath.Join(inbox(s), "cur", base+":2,"+flags)))
}
