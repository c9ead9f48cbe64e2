package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// passwd puts a passwd file in place as an operator's program does.
func (s *store) passwd(lines string) {
	s.t.Helper()
	path := filepath.Join(s.dir, "passwd")
	if err := os.WriteFile(path+".new", []byte(lines), 0o600); err != nil {
		s.t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		s.t.Fatal(err)
	}
}

// deliver sends a message by LMTP and gives the answer to its recipient.
func (p *process) deliver(address string) string {
	p.t.Helper()
	c := p.dial("lmtp")
	c.expect("220")
	c.send("LHLO mta")
	c.expect("250 ")
	c.send("MAIL FROM:<>")
	c.expect("250")
	c.send("RCPT TO:<%s>", address)
	answer := c.line()
	if !strings.HasPrefix(answer, "250") {
		return answer
	}
	c.send("DATA")
	c.expect("354")
	c.send("Subject: x\r\n\r\nx\r\n.")
	return c.line()
}

// refused logs in by both protocols and gives the answers.
func (p *process) refused(address string) (imap, pop3 string) {
	p.t.Helper()
	i := p.dial("imap")
	i.expect("* OK")
	i.send(`a LOGIN %s "secret word"`, address)
	for imap = i.line(); !strings.HasPrefix(imap, "a "); imap = i.line() {
	}
	o := p.dial("pop3")
	o.expect("+OK")
	o.send("USER %s", address)
	o.expect("+OK")
	o.send("PASS secret word")
	return imap, o.line()
}

// TestSource is a server whose accounts are in a passwd file: the operator's commands, a source that goes away and comes back, and a
// change there that acts on an open session.
func TestSource(t *testing.T) {
	s := newStore(t, "accounts: {source: passwd}\npasswd: {file: passwd}\n")
	const anna, bert = "anna@example.org:{PLAIN}secret word::::::", "bert@example.org:{PLAIN}secret word::::::"
	s.passwd(anna + "\n" + bert + "protocols=both\n")
	p := s.serve()
	i := p.dial("imap")
	i.expect("* OK")
	i.send("a CAPABILITY")
	if caps := i.expect("* CAPABILITY"); strings.Contains(caps, "SCRAM") || !strings.Contains(caps, "AUTH=PLAIN") {
		t.Errorf("mechanisms without keys: %s", caps)
	}

	s.fails(exitFailed, "kept in the passwd file", "account", "add", "carl@example.org")
	s.fails(exitFailed, "kept in the passwd file", "account", "password", "anna@example.org")
	s.fails(exitFailed, "remove it there first", "account", "remove", "anna@example.org")
	s.fails(exitFailed, "protocols of bert@example.org comes from the passwd file", "switch", "bert@example.org", "imap")
	s.fails(exitFailed, "comes from the passwd file", "switch", "bert@example.org", "imap", "--at", "2099-01-31 04:00")
	s.fails(exitNotFound, "no such account", "switch", "carl@example.org", "imap")
	if out := s.ok("account", "show", "bert@example.org"); !strings.Contains(out, "both (from the passwd file") {
		t.Errorf("show says\n%s", out)
	}

	// What the file leaves to Bascule is switched as always.
	i = p.imap("anna@example.org")
	if out := s.ok("switch", "anna@example.org", "pop3"); !strings.Contains(out, "1 session told to end") {
		t.Errorf("switch says %q", out)
	}
	i.eof()
	s.ok("switch", "anna@example.org", "both")
	// What it owns acts on open sessions when it changes.
	i = p.imap("bert@example.org")
	s.passwd(anna + "\n" + bert + "protocols=pop3\n")
	i.eof()

	// Gone: neither a wrong password nor an unknown recipient, and no failed login, however often it is tried. Mail for those who are
	// known is taken.
	if got := p.deliver("anna@example.org"); !strings.HasPrefix(got, "250") {
		t.Error(got)
	}
	path := filepath.Join(s.dir, "passwd")
	if err := os.Rename(path, path+".away"); err != nil {
		t.Fatal(err)
	}
	for range 10 {
		if imap, pop3 := p.refused("carl@example.org"); !strings.HasPrefix(imap, "a NO [UNAVAILABLE]") || !strings.HasPrefix(pop3, "-ERR [SYS/TEMP]") {
			t.Fatalf("%s, %s", imap, pop3)
		}
	}
	if got := p.deliver("anna@example.org"); !strings.HasPrefix(got, "250") {
		t.Error(got)
	}
	if got := p.deliver("carl@example.org"); !strings.HasPrefix(got, "451") {
		t.Error(got)
	}
	s.passwd(anna + "\n" + bert + "\ncarl@example.org:{PLAIN}secret word\n")
	for end := time.Now().Add(patience); ; time.Sleep(100 * time.Millisecond) {
		if got := p.deliver("carl@example.org"); strings.HasPrefix(got, "250") {
			break
		} else if time.Now().After(end) {
			t.Fatalf("the source is back: %s", got)
		}
	}
	p.imap("carl@example.org")
	if strings.Contains(p.text(), "login failed") {
		t.Error("counted as failed logins")
	}

	s.ok("mailbox", "share", "carl@example.org", "INBOX", "--with", "anna@example.org", "--rights", "lrs")
	s.fails(exitFailed, "remove it there first", "account", "remove", "carl@example.org")
	if out := s.ok("mailbox", "shares", "anna@example.org"); !strings.Contains(out, "carl@example.org") {
		t.Errorf("a removal that was refused took the rights away:\n%s", out)
	}

	// Removed there: out at once, and its row can go.
	c := p.imap("carl@example.org")
	s.passwd(anna + "\n" + bert + "\n")
	c.eof()
	if out := s.ok("account", "list"); !strings.Contains(out, "but it is gone there") {
		t.Errorf("list says\n%s", out)
	}
	s.ok("account", "remove", "carl@example.org", "--purge")
	if out := s.ok("mailbox", "shares", "anna@example.org"); strings.Contains(out, "carl@example.org") {
		t.Errorf("rights in a mailbox of nobody:\n%s", out)
	}
}
