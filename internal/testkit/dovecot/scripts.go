package dovecot

import (
	"path/filepath"
	"strings"
	"testing"

	"bascule/internal/testkit/dialogue"
	"bascule/internal/testkit/programs"
)

// RunScripts plays every script that matches the pattern and is for Dovecot, each as a subtest. One that is not is no skipped test:
// a run that must not skip anything can be demanded.
func RunScripts(t *testing.T, pattern string) {
	t.Helper()
	programs.Dovecot(t)
	scripts, err := dialogue.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	for _, script := range scripts {
		if reason := script.NotFor("dovecot"); reason != "" {
			t.Logf("%s: %s", filepath.Base(script.Name), reason)
			continue
		}
		t.Run(strings.TrimSuffix(filepath.Base(script.Name), ".script"), func(t *testing.T) {
			t.Parallel()
			var users []string
			for _, user := range script.Users {
				address, _, _ := strings.Cut(user, " ")
				users = append(users, address)
			}
			dialogue.Play(t, start(t, strings.Join(script.Dovecot, "\n"), users), script)
		})
	}
}
