package proctest

import (
	"strings"
	"testing"

	"bascule/internal/testkit/site"
)

// wires are the lines of traces.
func wires(p *site.Process) string {
	var b strings.Builder
	for line := range strings.Lines(p.Log()) {
		if strings.Contains(line, "level=WARN msg=wire ") {
			b.WriteString(line)
		}
	}
	return b.String()
}

// TestTraceOfAnAccount switches a trace on while sessions are open in two processes, in the middle of a message even, and off again.
func TestTraceOfAnAccount(t *testing.T) {
	const other = "other@example.org"
	s := site.New(t, site.Options{Users: []string{user, other}})
	pop, rest := s.Serve("pop3"), s.Serve("imap", "lmtp")
	s.Deliver(user, mail(1)+"Secret body.\r\n")
	open, stranger := selectBox(t, s, "INBOX"), s.IMAP(other)
	if out := s.CLI("trace", "on", user, "--for", "1h"); !strings.Contains(out, "on for 1h0m0s in 2 processes; 1 session is open") {
		t.Error(out)
	}
	if out := s.CLI("trace", "list"); strings.Count(out, user) != 2 {
		t.Error(out)
	}
	must(t, open.OK("UID FETCH 1 (FLAGS BODY.PEEK[])"))
	must(t, open.OK("LOGOUT"))
	must(t, stranger.OK("NOOP"))
	p := s.POP3(user)
	_, err := p.Lines("RETR 1")
	must(t, err)
	s.CLI("trace", "off", user)
	_, err = p.Do("STAT")
	must(t, err)
	for _, want := range []struct {
		p    *site.Process
		line string
	}{{rest, `UID FETCH 1`}, {rest, `LOGOUT`}, {pop, `line="RETR 1"`}} {
		if !want.p.Until(func(log string) bool { return strings.Contains(log, want.line) }) {
			t.Errorf("%q is not traced:\n%s", want.line, want.p.Log())
		}
	}
	for _, log := range []string{wires(pop), wires(rest)} {
		for _, secret := range []string{"Secret", "Body of", site.Password, "Subject", other, "STAT"} {
			if strings.Contains(log, secret) {
				t.Errorf("the trace shows %q:\n%s", secret, log)
			}
		}
	}
	if out := s.CLI("trace", "list"); strings.Contains(out, user) {
		t.Error(out)
	}
	if out := s.CLI("audit", "--subject", user); !strings.Contains(out, "trace.on") || !strings.Contains(out, "trace.off") || !strings.Contains(out, "account.add") {
		t.Error(out)
	}
	if out, code := s.Run("", "trace", "on", user, "--for", "48h"); code != 2 {
		t.Errorf("two days: exit code %d, %s", code, out)
	}
}
