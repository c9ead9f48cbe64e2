package netserve

import (
	"strings"
	"testing"
)

// Every secret and every piece of mail in the dialogues contains "secret".
func TestTraceMasks(t *testing.T) {
	for _, tc := range []struct {
		name   string
		turns  []string
		expect []string // substrings that stay visible
	}{
		{"imap login", []string{"S:* OK ready\r\n", "C:a1 LOGIN fred secret\r\n", "S:a1 OK done\r\n"}, []string{"a1 LOGIN ***", "a1 OK done"}},
		{"imap login by literals", []string{"S:* OK ready\r\n", "C:a1 login {4}\r\n", "S:+ go\r\n", "C:fred {6}\r\n", "C:secret\r\n", "C:a2 NOOP\r\n"}, []string{"a2 NOOP"}},
		{"imap sasl", []string{"S:* OK ready\r\n", "C:a1 AUTHENTICATE PLAIN secret\r\n", "S:+ secret\r\n", "C:secret\r\n", "S:* OK still here\r\n", "C:secret\r\n", "S:a1 OK in\r\n", "C:a2 NOOP\r\n"}, []string{"AUTHENTICATE PLAIN", "a2 NOOP"}},
		{"imap append", []string{"S:* OK ready\r\n", "C:a APPEND INBOX {8+}\r\nsecret\r\n\r\nb NOOP\r\n"}, []string{"APPEND INBOX {8+}", "b NOOP"}},
		{"imap fetch", []string{"S:* OK ready\r\n", "S:* 1 FETCH (UID 7 BODY[] {8}\r\nsecret\r\n FLAGS (\\Seen))\r\n", "S:* 2 FETCH (BODY[TEXT] \"a \\\" secret\" UID 3)\r\n"}, []string{"UID 7", "FLAGS", "UID 3"}},
		{"imap fetch by UID only", []string{"S:* OK ready\r\n", "S:* 7 UIDFETCH (ENVELOPE (\"secret\"))\r\n"}, []string{"* 7 UIDFETCH"}},
		{"imap fetch goes on behind a literal", []string{"S:* OK ready\r\n", "S:* 1 FETCH (BODY[TEXT] {3}\r\nsec BODY[1] {0}\r\n ENVELOPE (NIL \"secret\"))\r\na OK\r\n"}, []string{"ENVELOPE", "a OK"}},
		{"imap fetch in a very long line", []string{"S:* OK ready\r\n", "S:* 1 FETCH (ENVELOPE (NIL \"secret" + strings.Repeat("x", traceLine) + "\"))\r\na OK\r\n"}, []string{"a OK"}},
		{"imap literal that the server refuses", []string{"S:* OK ready\r\n", "C:z NOOP\r\na APPEND nowhere {20}\r\n", "S:z OK\r\na NO [TRYCREATE] none\r\n", "C:b APPEND INBOX {42}\r\n", "S:+ go\r\n", "C:From: secret\r\n\r\nsecret secret\r\nsecret", "C: one\r\n\r\nc NOOP\r\n"}, []string{"b APPEND", "c NOOP"}},
		{"imap login with an empty literal", []string{"S:* OK ready\r\n", "C:a1 LOGIN {0+}\r\n \"my secret\"\r\n", "C:a2 NOOP\r\n"}, []string{"a2 NOOP"}},
		{"imap literal cut in pieces", []string{"S:* OK ready\r\n", "S:* 1 FETCH (BODY[] {", "S:14", "S:}\r", "S:\nsec", "S:ret\r\nsecret)\r\na OK done\r\n"}, []string{"a OK done"}},
		{"pop3", []string{"S:+OK ready\r\n", "C:USER fred\r\nPASS secret\r\nRETR 1\r\nSTAT\r\n", "S:+OK\r\n+OK in\r\n+OK follows\r\nsecret\r\n+OK secret\r\n..\r\n.\r\n+OK 1 8\r\n"}, []string{"USER fred", "PASS ***", "RETR 1", "+OK 1 8"}},
		{"pop3 sasl", []string{"S:+OK ready\r\n", "C:AUTH PLAIN secret\r\n", "S:+ \r\n", "C:secret\r\n", "S:+OK in\r\n", "C:STAT\r\n"}, []string{"AUTH PLAIN", "STAT"}},
		{"pop3 password in the wrong place", []string{"S:+OK ready\r\n", "C:secret\r\n"}, nil},
		{"client speaks first", []string{"C:PASS secret\r\n"}, nil},
	} {
		var out strings.Builder
		tr := &tracer{w: &out, id: "x"}
		for _, turn := range tc.turns {
			if turn[0] == 'C' {
				tr.client([]byte(turn[2:]))
			} else {
				tr.server([]byte(turn[2:]))
			}
		}
		if strings.Contains(out.String(), "sec") || strings.Contains(out.String(), "ret") && !strings.Contains(out.String(), "secret") {
			t.Errorf("%s: the trace shows it:\n%s", tc.name, out.String())
		}
		for _, want := range tc.expect {
			if !strings.Contains(strings.ReplaceAll(out.String(), `\\`, `\`), want) {
				t.Errorf("%s: %q is missing in\n%s", tc.name, want, out.String())
			}
		}
	}
}

func FuzzTrace(f *testing.F) {
	f.Add("a1 LOGIN {3}\r\nabc {3}\r\nxyz\r\n", "* OK\r\n+ go\r\na1 OK\r\n")
	f.Fuzz(func(t *testing.T, in, out string) {
		var log strings.Builder
		tr := &tracer{w: &log, id: "x"}
		tr.server([]byte(out))
		tr.client([]byte(in))
		if len(tr.in.line) > traceLine || len(tr.in.tail) > traceTail || len(tr.waiting) > traceQueue {
			t.Error("the trace keeps too much")
		}
	})
}
