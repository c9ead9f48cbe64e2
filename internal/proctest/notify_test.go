package proctest

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"bascule/internal/testkit/site"
)

// notified is a client that reads whatever comes, whether or not a command runs.
type notified struct {
	t  *testing.T
	nc net.Conn
	r  *bufio.Reader
}

func dialNotified(t *testing.T, s *site.Site, commands ...string) *notified {
	t.Helper()
	nc, err := net.Dial("tcp", s.Addr("imap"))
	must(t, err)
	t.Cleanup(func() { nc.Close() })
	c := &notified{t, nc, bufio.NewReader(nc)}
	c.until("* OK")
	for i, command := range append([]string{"LOGIN " + user + " " + site.Password}, commands...) {
		_, err := fmt.Fprintf(nc, "n%d %s\r\n", i, command)
		must(t, err)
		c.until(fmt.Sprintf("n%d OK", i))
	}
	return c
}

// until reads until lines that begin so have come, in any order.
func (c *notified) until(prefixes ...string) {
	c.t.Helper()
	c.nc.SetReadDeadline(time.Now().Add(20 * time.Second))
	for missing := prefixes; len(missing) > 0; {
		line, err := c.r.ReadString('\n')
		if err != nil {
			c.t.Fatalf("%q never came: %v", missing, err)
		}
		var left []string
		for _, p := range missing {
			if !strings.HasPrefix(line, p) {
				left = append(left, p)
			}
		}
		missing = left
	}
}

// Two clients, one of them in another process, are told by NOTIFY of what a third does to the mailbox that they have selected, to others,
// to their list and to the subscriptions, while no command of theirs runs.
func TestNotifyAcrossProcesses(t *testing.T) {
	for _, other := range []string{"same process", "second IMAP process"} {
		t.Run(other, func(t *testing.T) {
			s := site.New(t, site.Options{Users: []string{user}})
			s.Serve()
			fill(s, 3)
			s.CLI("account", "set", user, "admin=server")
			actor := selectBox(t, s, "INBOX")
			set := "NOTIFY SET (selected (MessageNew (UID) MessageExpunge FlagChange)) " +
				"(personal (MessageNew MessageExpunge FlagChange MailboxName SubscriptionChange MailboxMetadataChange ServerMetadataChange))"
			near := dialNotified(t, s, "SELECT INBOX", set)
			if other != "same process" {
				s.Serve("imap") // the newest serves the next login
			}
			far := dialNotified(t, s, "SELECT INBOX", set)
			act := func(what string, do func(), heard ...string) {
				t.Helper()
				do()
				near.until(heard...)
				far.until(heard...)
			}
			ok := func(format string, args ...any) func() {
				return func() { t.Helper(); must(t, actor.OK(format, args...)) }
			}
			for n := range 3 {
				act("flag", ok(`STORE 1 +FLAGS (\Flagged)`), "* 1 FETCH (FLAGS")
				act("unflag", ok(`STORE 1 -FLAGS (\Flagged)`), "* 1 FETCH (FLAGS")
				act("delivery", func() { s.Deliver(user, mail(100)) }, "* 4 EXISTS", "* 4 FETCH (UID ")
				must(t, actor.OK("NOOP"))
				act("move", ok("MOVE 4 Trash"), "* 4 EXPUNGE", `* STATUS "Trash" (`)
				act("annotate", ok(`SETMETADATA Trash (/private/comment "x" /shared/comment "y")`), `* METADATA "Trash" /private/comment /shared/comment`)
				act("annotate no more", ok(`SETMETADATA Trash (/private/comment NIL /shared/comment NIL)`), `* METADATA "Trash" /private/comment /shared/comment`)
				act("annotate the account", ok(`SETMETADATA "" (/private/vendor/x/y "%d")`, n), `* METADATA "" /private/vendor/x/y`)
				act("annotate the server", ok(`SETMETADATA "" (/shared/comment "%d")`, n), `* METADATA "" /shared/comment`)
				act("create", ok("CREATE Work"), `* LIST (\HasNoChildren) "/" "Work"`)
				act("subscribe", ok("SUBSCRIBE Work"), `* LIST (\HasNoChildren \Subscribed) "/" "Work"`)
				act("append", func() {
					r, err := actor.Append("Work", "", mail(10))
					if err != nil || !r.OK() {
						t.Fatal(r, err)
					}
				}, `* STATUS "Work" (MESSAGES 1 `)
				act("rename", ok("RENAME Work Play"), `* LIST (\HasNoChildren) "/" "Play" ("OLDNAME" ("Work"))`)
				act("unsubscribe", ok("UNSUBSCRIBE Work"), `* LIST (\NonExistent) "/" "Work"`)
				act("delete", ok("DELETE Play"), `* LIST (\NonExistent) "/" "Play"`)
			}
		})
	}
}
