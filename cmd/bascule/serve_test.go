package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"bascule/internal/server"
)

func sessions(s *store) []server.SessionInfo {
	s.t.Helper()
	var list []server.SessionInfo
	if err := json.Unmarshal([]byte(s.ok("session", "list", "--json")), &list); err != nil {
		s.t.Fatal(err)
	}
	return list
}

// TestTwoProcesses runs the front ends apart and looks at them with the command line.
func TestTwoProcesses(t *testing.T) {
	s := newStore(t, "pop3: {lock_wait: 200ms}\nimap: {lock_wait: 200ms}\nswitch: {grace: 30s}\n")
	s.account("anna@example.org", "both")
	pop := s.serve("--only", "pop3")
	rest := s.serve("--only", "imap,lmtp")
	s.run("Subject: one\n\n1\n", "deliver", "anna@example.org")

	i := rest.imap("anna@example.org")
	p := pop.pop3("anna@example.org")
	list := sessions(s)
	if len(list) != 2 || list[0].Process == list[1].Process {
		t.Fatalf("sessions: %+v", list)
	}
	if out := s.ok("lock", "list"); !strings.Contains(out, "anna@example.org") || !strings.Contains(out, "pop3") || !strings.Contains(out, "exclusive") {
		t.Errorf("the lock is not shown:\n%s", out)
	}
	i.send("b SELECT INBOX")
	i.expect("b NO [INUSE]")
	i.send("c SELECT Sent")
	i.expect("c OK")

	// The switch ends the POP3 session at once with --now; IMAP stays.
	if out := s.ok("switch", "anna@example.org", "imap", "--now"); !strings.Contains(out, "both → imap; 1 session told to end") {
		t.Errorf("switch says %q", out)
	}
	p.eof()
	i.send("d SELECT INBOX")
	i.expect("d OK")
	i.send("e IDLE")
	i.expect("+ ")

	s.ok("switch", "anna@example.org", "both")
	p = pop.pop3("anna@example.org")
	s.ok("lock", "break", "anna@example.org")
	p.eof()
	s.fails(exitNotFound, "nobody has the mailbox", "lock", "break", "anna@example.org")

	if out := s.ok("session", "kick", "anna@example.org"); !strings.Contains(out, "1 session") {
		t.Errorf("kick says %q", out)
	}
	i.eof()
	s.fails(exitNotFound, "no such session", "session", "kick", "anna@example.org")

	// A killed process frees the mailbox and is not missed.
	p = pop.pop3("anna@example.org")
	p.send("DELE 1")
	p.expect("+OK")
	pop.cmd.Process.Kill()
	pop.end()
	i = rest.imap("anna@example.org")
	i.send("b STATUS INBOX (MESSAGES)")
	if got := i.expect("* STATUS"); !strings.Contains(got, "MESSAGES 1") {
		t.Errorf("after the kill: %s", got)
	}
	if n := len(sessions(s)); n != 1 {
		t.Errorf("%d sessions after the kill", n)
	}
	s.ok("mailbox", "check", "--all")
}

// TestSwitchNamesTheSilent: a process that does not answer is named, and the exit code says so.
func TestSwitchNamesTheSilent(t *testing.T) {
	s := newStore(t, "")
	s.account("anna@example.org", "both")
	p := s.serve("--only", "imap")
	p.cmd.Process.Signal(syscall.SIGSTOP)
	r := s.run("", "switch", "anna@example.org", "pop3")
	if r.code != exitSilent || !strings.Contains(r.err, "no answer from imap/") || !strings.Contains(r.out, "both → pop3") {
		t.Errorf("exit %d\n%s%s", r.code, r.out, r.err)
	}
	p.cmd.Process.Signal(syscall.SIGCONT)
	s.ok("switch", "anna@example.org", "pop3")
}

// TestStop: SIGTERM says goodbye to IMAP, lets POP3 be heard, and ends in time.
func TestStop(t *testing.T) {
	s := newStore(t, "stop_timeout: 5s\n")
	s.account("anna@example.org", "both")
	s.account("bob@example.org", "both")
	p := s.serve()
	i := p.imap("anna@example.org")
	i.send("b SELECT INBOX")
	i.expect("b OK")
	i.send("c IDLE")
	i.expect("+ ")
	c := p.pop3("bob@example.org")
	began := time.Now()
	p.cmd.Process.Signal(syscall.SIGTERM)
	for got := i.line(); !strings.HasPrefix(got, "* BYE"); got = i.line() {
		if !strings.HasPrefix(got, "c ") { // the end of IDLE may come first
			t.Errorf("IMAP was told %q", got)
		}
	}
	i.eof()
	c.eof()
	if code := p.end(); code != 0 {
		t.Errorf("exit %d", code)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("stopping took %v", took)
	}
	// Sockets and locks of a server that ended leave nothing behind.
	if out := s.ok("session", "list"); !strings.Contains(out, "none") {
		t.Errorf("sessions of a dead server:\n%s", out)
	}
	if names, _ := os.ReadDir(filepath.Join(s.dir, "data/run/processes")); len(names) != 0 {
		t.Errorf("%d processes are still on the roll", len(names))
	}
}

// TestReload: SIGHUP takes up what can change, and acts on open sessions.
func TestReload(t *testing.T) {
	s := newStore(t, "")
	s.account("anna@example.org", "inherit")
	p := s.serve()
	i := p.imap("anna@example.org")
	s.configure("accounts: {protocols: pop3, refusal_text: 'ask help@example.org'}\nlimits: {connections: 5}\n")
	p.cmd.Process.Signal(syscall.SIGHUP)
	if got := i.line(); !strings.HasPrefix(got, "* BYE") || !strings.Contains(got, "help@example.org") {
		t.Errorf("the session was told %q", got)
	}
	p.wait("limits.connections")
	s.configure("accounts: {protocols: x400}\n")
	p.cmd.Process.Signal(syscall.SIGHUP)
	p.wait("not everything was reloaded")
	p.pop3("anna@example.org")
}

func TestDemo(t *testing.T) {
	s := &store{t: t, dir: t.TempDir()}
	s.config = filepath.Join(s.dir, "demo", "bascule.yaml")
	t.Setenv("BASCULE_LOG_LEVEL", "debug")
	args := []string{"demo", "--dir", filepath.Join(s.dir, "demo")}
	for _, l := range []string{"imap", "imaps", "pop3", "pop3s", "lmtp"} {
		args = append(args, "--"+l, "127.0.0.1:0")
	}
	uidls := ""
	for run := range 2 {
		p := s.start(args...)
		p.wait("ready; Ctrl-C ends it")
		for _, l := range []string{"imap", "imaps", "pop3", "pop3s", "lmtp"} {
			if p.at[l] == "" {
				t.Errorf("no %s listener", l)
			}
		}
		c := p.dial("pop3")
		c.expect("+OK")
		c.send("USER both@example.org")
		c.expect("+OK")
		c.send("PASS demo")
		c.expect("+OK")
		c.send("UIDL")
		c.expect("+OK")
		all := ""
		for line := c.line(); line != "."; line = c.line() {
			all += line + "\n"
		}
		if n := strings.Count(all, "\n"); n < 30 {
			t.Errorf("%d messages are not a few dozen", n)
		}
		if run == 1 && all != uidls {
			t.Errorf("the second start shows other UIDLs:\n%s\nbefore:\n%s", all, uidls)
		}
		uidls = all
		c.send("QUIT")
		c.expect("+OK")
		if out := s.ok("account", "list"); strings.Count(out, "@example.org") != 3 {
			t.Errorf("accounts:\n%s", out)
		}
		s.ok("mailbox", "check", "--all")
		p.cmd.Process.Signal(os.Interrupt)
		if code := p.end(); code != 0 {
			t.Errorf("exit %d", code)
		}
	}
}

// A server that has as many connections as it may is full, not ill.
func TestHealthcheckOfAFullServer(t *testing.T) {
	s := newStore(t, "limits: {connections: 2}\ntls: {self_signed: true}\n")
	text, _ := os.ReadFile(s.config)
	tls := strings.Replace(string(text), "listeners: {", "listeners: {imaps: '127.0.0.1:0', ", 1)
	if err := os.WriteFile(s.config, []byte(tls), 0o600); err != nil {
		t.Fatal(err)
	}
	p := s.serve()
	for range 2 {
		p.dial("imap").expect("* OK")
	}
	p.dial("imap").expect("* BYE [LIMIT]")
	if out := s.ok("healthcheck"); strings.Count(out, "is full") != 2 {
		t.Errorf("said:\n%s", out)
	}
}

// TestHealthcheck: it follows what is served on this host, whatever the configuration lists, and names what is wrong.
func TestHealthcheck(t *testing.T) {
	s := newStore(t, "tls: {self_signed: true}\n")
	text, _ := os.ReadFile(s.config)
	tls := strings.Replace(string(text), "listeners: {", "listeners: {pop3s: '127.0.0.1:0', imaps: '[::]:0', http: '127.0.0.1:0', ", 1)
	if err := os.WriteFile(s.config, []byte(tls), 0o600); err != nil {
		t.Fatal(err)
	}
	s.fails(exitFailed, "no process serves", "healthcheck")
	pop := s.serve("--only", "pop3")
	s.fails(exitFailed, "nothing here listens for imap", "healthcheck", "--only", "imap")
	rest := s.serve("--only", "imap,lmtp")
	out := s.ok("healthcheck", "--only", "imap,pop3,lmtp")
	for _, l := range []string{"pop3", "pop3s", "imap", "imaps", "lmtp", "http"} {
		if !strings.Contains(out, l+" ") {
			t.Errorf("%s was not visited:\n%s", l, out)
		}
	}
	rest.cmd.Process.Signal(syscall.SIGSTOP)
	if r := s.run("", "healthcheck"); r.code != exitFailed || !strings.Contains(r.err, "imap+lmtp/") {
		t.Errorf("a process that stands still: exit %d\n%s%s", r.code, r.out, r.err)
	}
	rest.cmd.Process.Signal(syscall.SIGCONT)
	pop.cmd.Process.Kill()
	pop.end()
	s.ok("healthcheck")
	if err := os.Rename(filepath.Join(s.dir, "data", "bascule-store"), filepath.Join(s.dir, "marker")); err != nil {
		t.Fatal(err)
	}
	s.fails(exitFailed, "marker", "healthcheck")
}
