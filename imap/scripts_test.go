package imap_test

import (
	"testing"

	"bascule/internal/testkit"
)

// TestScripts plays every dialogue of testdata against a whole server.
func TestScripts(t *testing.T) { testkit.RunScripts(t, "testdata/*.script") }
