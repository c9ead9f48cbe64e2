package pop3_test

import (
	"testing"

	"bascule/internal/testkit"
)

func TestScripts(t *testing.T) { testkit.RunScripts(t, "testdata/*.script") }
