package pop3_test

import (
	"path/filepath"
	"testing"

	"bascule/internal/testkit/dialogue"
	"bascule/internal/testkit/dovecot"
)

// TestScriptsOnDovecot plays the scripts against Dovecot: what both servers say is the protocol and no habit of ours.
func TestScriptsOnDovecot(t *testing.T) {
	scripts, err := dialogue.Glob("testdata/*.script")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range scripts {
		t.Run(filepath.Base(s.Name), func(t *testing.T) {
			if reason, ok := s.Skips["dovecot"]; ok {
				t.Skip(reason)
			}
			dialogue.Play(t, dovecot.Start(t), s)
		})
	}
}
