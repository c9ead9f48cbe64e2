package programs

import (
	"testing"
)

// outcome is a test that notes how it ended instead of ending.
type outcome struct {
	testing.TB
	said string
}

func (o *outcome) Helper()      {}
func (o *outcome) Skip(...any)  { o.said = "skipped" }
func (o *outcome) Fatal(...any) { o.said = "failed" }

func TestNeed(t *testing.T) {
	for _, c := range []struct{ value, program, want string }{
		{"", "go", "skipped"},
		{"1", "go", ""},
		{"1", "no-such-program", "skipped"},
		{"required", "go", ""},
		{"required", "no-such-program", "failed"},
	} {
		t.Setenv("BASCULE_TEST_CLIENTS", c.value)
		o := &outcome{TB: t}
		Client(o, c.program)
		if o.said != c.want {
			t.Errorf("%+v: %q", c, o.said)
		}
	}
}
