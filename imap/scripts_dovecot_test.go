package imap_test

import (
	"testing"

	"bascule/internal/testkit/dovecot"
)

// TestScriptsOnDovecot plays the scripts against Dovecot: what both servers say is the protocol and no habit of ours.
func TestScriptsOnDovecot(t *testing.T) { dovecot.RunScripts(t, "testdata/*.script") }
