package imap_test

import (
	"fmt"
	"strings"
	"testing"

	"bascule/imap"
	"bascule/internal/testkit"
	"bascule/maildir"
)

// Who watches more mailboxes than the server is willing to compare is told so, at NOTIFY or later, and then hears of none.
func TestNotifyOverflow(t *testing.T) {
	s := testkit.Start(t, testkit.Options{IMAP: imap.Options{NotifyMailboxes: 8}})
	c, err := dialWire(s.Target().Addrs["imap"])
	if err != nil {
		t.Fatal(err)
	}
	defer c.net.Close()
	other := dial(t, s)
	command := func(n int, text, want string) {
		t.Helper()
		if reply, err := c.finish(fmt.Sprintf("t%d", n), text); err != nil || !strings.HasPrefix(reply, want) {
			t.Fatalf("%s: %s, %v", text, reply, err)
		}
	}
	command(1, "LOGIN imap@example.org demo", "OK")
	command(2, "NOTIFY SET (personal (MessageNew MessageExpunge))", "OK")
	for i := range 3 {
		other.do(fmt.Sprintf("CREATE box%d", i))
	}
	line, err := c.line()
	if err != nil || !strings.HasPrefix(line, "* OK [NOTIFICATIONOVERFLOW]") {
		t.Fatalf("%q, %v", line, err)
	}
	command(3, "NOTIFY SET (personal (MessageNew MessageExpunge))", "NO [NOTIFICATIONOVERFLOW]")
	command(4, "NOTIFY SET (personal (MailboxName))", "OK")
	command(5, "NOTIFY SET (mailboxes (box0 box1) (MessageNew MessageExpunge))", "OK")
	other.do("APPEND box1 {10+}\r\na: b\r\n\r\nc\r\n")
	if line, err := c.line(); err != nil || !strings.HasPrefix(line, `* STATUS "box1" (MESSAGES 1 `) {
		t.Fatalf("%q, %v", line, err)
	}
}

// Mailboxes of sixteen others can be watched, and no more: that is refused, or ends it later.
func TestNotifyWatchesSixteenOthers(t *testing.T) {
	var users []string
	for i := range 17 {
		users = append(users, fmt.Sprintf("u%d@example.org", i))
	}
	s := testkit.Start(t, testkit.Options{Users: users})
	share := func(owner string, r maildir.Rights) {
		t.Helper()
		account, err := s.Account(t.Context(), owner)
		if err != nil {
			t.Fatal(err)
		}
		defer account.Close()
		if _, _, err := account.Grant(t.Context(), maildir.Inbox, "imap@example.org", false, func(maildir.Rights) maildir.Rights { return r }); err != nil {
			t.Fatal(err)
		}
	}
	reader := maildir.RightLookup | maildir.RightRead
	for _, owner := range users[:16] {
		share(owner, reader)
	}
	c, err := dialWire(s.Target().Addrs["imap"])
	if err != nil {
		t.Fatal(err)
	}
	defer c.net.Close()
	command := func(tag, text, want string) {
		t.Helper()
		if reply, err := c.finish(tag, text); err != nil || !strings.HasPrefix(reply, want) {
			t.Fatalf("%s: %s, %v", text, reply, err)
		}
	}
	const others = `NOTIFY SET (subtree "Other Users" (MessageNew MessageExpunge))`
	command("a", "LOGIN imap@example.org demo", "OK")
	command("b", others, "OK")
	share(users[16], reader)
	if err := c.send("c NOOP\r\n"); err != nil {
		t.Fatal(err)
	}
	if line, err := c.line(); err != nil || !strings.HasPrefix(line, "* OK [NOTIFICATIONOVERFLOW]") {
		t.Fatalf("%q, %v", line, err)
	}
	if line, err := c.line(); err != nil || !strings.HasPrefix(line, "c OK") {
		t.Fatalf("%q, %v", line, err)
	}
	command("d", others, "NO [NOTIFICATIONOVERFLOW]")
	share(users[3], 0)
	command("e", others, "OK")
	command("f", `NOTIFY SET (mailboxes "Other Users/u4@example.org" (MessageNew MessageExpunge))`, "OK")
}
