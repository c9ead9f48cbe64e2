package dovecot

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	differs = regexp.MustCompile(`(?m)^(skip: dovecot|dovecot:|@dovecot|@bascule)`)
	row     = regexp.MustCompile(`(?m)^\| ([a-z0-9_, ]+) \|`)
)

// docs/dovecot-differences.md names every script in which Dovecot differs, under its protocol's heading, and no other.
func TestDifferencesAreListed(t *testing.T) {
	root := filepath.Join("..", "..", "..")
	page, err := os.ReadFile(filepath.Join(root, "docs", "dovecot-differences.md"))
	if err != nil {
		t.Fatal(err)
	}
	for heading, dir := range map[string]string{"POP3": "pop3", "IMAP": "imap", "LMTP": "internal/lmtp"} {
		_, section, ok := strings.Cut(string(page), "\n## "+heading+"\n")
		if !ok {
			t.Errorf("there is no heading %q", heading)
		}
		section, _, _ = strings.Cut(section, "\n## ")
		listed := map[string]bool{}
		for _, m := range row.FindAllStringSubmatch(section, -1) {
			for _, name := range strings.Split(m[1], ", ") {
				listed[name] = true
			}
		}
		delete(listed, "script")
		paths, err := filepath.Glob(filepath.Join(root, dir, "testdata", "*.script"))
		if err != nil || len(paths) == 0 {
			t.Fatal(paths, err)
		}
		for _, path := range paths {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			name := strings.TrimSuffix(filepath.Base(path), ".script")
			if differs.Match(text) && !listed[name] {
				t.Errorf("%s: %s differs and is not listed", heading, name)
			}
			if !differs.Match(text) && listed[name] {
				t.Errorf("%s: %s is listed and does not differ", heading, name)
			}
			delete(listed, name)
		}
		for name := range listed {
			t.Errorf("%s: there is no script %s", heading, name)
		}
	}
}
