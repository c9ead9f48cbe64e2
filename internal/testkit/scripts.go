package testkit

import (
	"path/filepath"
	"strings"
	"testing"

	"bascule/internal/testkit/dialogue"
)

// RunScripts plays every script that matches the pattern, each as a subtest with a server of its own.
func RunScripts(t *testing.T, pattern string) {
	t.Helper()
	scripts, err := dialogue.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	for _, script := range scripts {
		t.Run(strings.TrimSuffix(filepath.Base(script.Name), ".script"), func(t *testing.T) {
			t.Parallel()
			s := Start(t, Options{Users: script.Users, Config: script.Config})
			dialogue.Play(t, s.Target(), script)
		})
	}
}
