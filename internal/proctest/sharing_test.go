package proctest

import (
	"errors"
	"testing"

	"bascule/internal/testkit/site"
	"bascule/internal/testkit/strict"
)

const visitor = "bob@example.org"

// Rights that are given and taken away in one process, or by the command line, act on sessions of another at once; the POP3 lock and the
// switch of the owner reach visitors there too.
func TestSharingAcrossProcesses(t *testing.T) {
	s := site.New(t, site.Options{Users: []string{user, visitor}})
	s.Serve()
	fill(s, 2)
	theirs := `"Other Users/` + user + `"`
	s.CLI("mailbox", "share", user, "INBOX", "--with", visitor, "--rights", "lrswite")
	bob := s.IMAP(visitor)
	must(t, bob.OK("SELECT %s", theirs))
	s.Serve("imap") // the newest serves the next login
	owner := selectBox(t, s, "INBOX")
	must(t, owner.OK(`STORE 1 +FLAGS (\Flagged)`))
	must(t, bob.OK("NOOP"))
	must(t, bob.Idle())
	must(t, owner.OK(`STORE 2 +FLAGS (\Flagged)`))
	hears(t, bob, "2 FETCH (FLAGS")
	must(t, owner.OK("SETACL INBOX %s lr", visitor))
	hears(t, bob, "OK [PERMANENTFLAGS ()]", "OK [READ-ONLY]")
	s.CLI("mailbox", "share", user, "INBOX", "--with", visitor, "--rights", "+s")
	hears(t, bob, `OK [PERMANENTFLAGS (\Seen)]`, "OK [READ-WRITE]")
	if r, err := bob.Done(); err != nil || !r.OK() {
		t.Fatal(r, err)
	}
	must(t, bob.OK(`STORE 1 +FLAGS (\Seen)`))
	s.CLI("mailbox", "unshare", user, "INBOX", "--with", visitor)
	if err := bob.OK("NOOP"); err == nil {
		t.Error("the session goes on without rights")
	}

	must(t, owner.OK("SETACL INBOX %s lrs", visitor))
	again := s.IMAP(visitor)
	must(t, again.OK("SELECT %s", theirs))
	must(t, again.Idle())
	s.CLI("switch", user, "none")
	leaves(t, again)
	late := s.IMAP(visitor)
	if err := late.OK("SELECT %s", theirs); !refused(err, "NONEXISTENT") {
		t.Errorf("a closed account: %v", err)
	}
}

// leaves waits until the server has ended a session that is in IDLE.
func leaves(t *testing.T, c *strict.IMAP) {
	t.Helper()
	for {
		if _, err := c.Next(strict.Patience); errors.Is(err, strict.ErrSilent) {
			t.Fatal("the session goes on")
		} else if err != nil {
			return
		}
	}
}
