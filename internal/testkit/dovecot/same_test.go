package dovecot

import (
	"slices"
	"testing"
)

func TestSame(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{`* STATUS INBOX (MESSAGES 1)`, `* STATUS "INBOX" (MESSAGES 1)`},
		{`* LIST (\Subscribed \HasNoChildren) "/" Tree`, `* LIST (\HasNoChildren \Subscribed) "/" "Tree"`},
		{`* 2 FETCH (UID 2 FLAGS (\Flagged \Seen \Recent $x))`, `* 2 FETCH (UID 2 FLAGS (\Recent \Seen \Flagged $x))`},
		{"* 1 FETCH (FLAGS () BODY[1] {3}\r\n) ( UID 1)", "* 1 FETCH (UID 1 BODY[1] {3}\r\n) ( FLAGS ())"},
		{"* 1 FETCH (ENVELOPE (NIL {5}\r\na \"b\" NIL))", `* 1 FETCH (ENVELOPE (NIL "a \"b\"" NIL))`},
		{"* 1 FETCH (BINARY[1] ~{1}\r\nx)", "* 1 FETCH (BINARY[1] {1}\r\nx)"},
		{`a NO Mailbox doesn't exist`, `a NO [NONEXISTENT] Mailbox doesn't exist`},
	} {
		if got := same(c.line); !slices.Contains(got, c.want) {
			t.Errorf("%q is not %q but one of %q", c.line, c.want, got)
		}
	}
	// What differs stays different.
	for _, line := range []string{`* STATUS "A" (MESSAGES 1)`, `a NO [NOPERM] no`, `a BAD no`, `* 3 EXPUNGE`, "* 1 FETCH (BODY[] {9}\r\nshort)"} {
		if got := same(line); len(got) > 0 {
			t.Errorf("%q has other forms: %q", line, got)
		}
	}
}
