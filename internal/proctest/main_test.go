package proctest

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"bascule/internal/testkit/site"
	"bascule/internal/testkit/strict"
)

func TestMain(m *testing.M) { os.Exit(site.Main(m)) }

const user = "both@example.org"

// inBoth runs a test on one process and on one per front end.
func inBoth(t *testing.T, settings string, test func(t *testing.T, s *site.Site)) {
	t.Helper()
	for name, fronts := range map[string][][]string{
		"one process":     {nil},
		"three processes": {{"pop3"}, {"imap"}, {"lmtp"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := site.New(t, site.Options{Users: []string{user}, Settings: settings})
			for _, only := range fronts {
				s.Serve(only...)
			}
			test(t, s)
		})
	}
}

func mail(n int) string {
	return fmt.Sprintf("From: sender@example.net\r\nTo: %s\r\nSubject: number %d\r\n\r\nBody of %d.\r\n", user, n, n)
}

// fill delivers messages 1 to n by LMTP.
func fill(s *site.Site, n int) {
	for i := 1; i <= n; i++ {
		s.Deliver(user, mail(i))
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// selectBox logs in and selects.
func selectBox(t *testing.T, s *site.Site, mailbox string) *strict.IMAP {
	t.Helper()
	c := s.IMAP(user)
	must(t, c.Select(mailbox))
	return c
}

// refused says whether err is a NO with this code.
func refused(err error, code string) bool {
	var r *strict.Refused
	return errors.As(err, &r) && r.Reply.Kind == "NO" && r.Reply.Code == code
}

// denied says whether err is a -ERR with this code.
func denied(err error, code string) bool {
	var d *strict.Denied
	return errors.As(err, &d) && d.Code == code
}

// within fails a test when something took longer than it may.
func within(t *testing.T, limit time.Duration, what string, do func()) {
	t.Helper()
	began := time.Now()
	do()
	took := time.Since(began)
	t.Logf("%s: %v", what, took.Round(time.Microsecond*100))
	if took > limit {
		t.Errorf("%s took %v, more than %v", what, took, limit)
	}
}

// hears waits in IDLE until all the lines came, in this order; others may come between.
func hears(t *testing.T, c *strict.IMAP, lines ...string) {
	t.Helper()
	var all []string
	for _, want := range lines {
		for {
			line, err := c.Next(strict.Patience)
			if err != nil {
				t.Fatalf("waiting for %q: %v; heard %q", want, err, all)
			}
			all = append(all, line)
			if strings.Contains(line, want) {
				break
			}
		}
	}
}

// count selects INBOX in a new session and gives the number of messages.
func count(t *testing.T, s *site.Site, mailbox string) int {
	t.Helper()
	c := selectBox(t, s, mailbox)
	defer c.Close()
	return len(c.View.Messages)
}
