package imap_test

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"bascule/imap"
	"bascule/internal/gate"
	"bascule/internal/netserve"
	"bascule/internal/testkit"
)

// The list of sessions tells the truth: which mailbox is open, how the client calls itself, when it last said something.
func TestSessionListIsTrue(t *testing.T) {
	s := testkit.Start(t, testkit.Options{})
	c, err := dialWire(s.Target().Addrs["imap"])
	if err != nil {
		t.Fatal(err)
	}
	defer c.net.Close()
	for _, step := range []struct{ command, reply, mailbox, client string }{
		{`ID ("name" "Mailer" "version" "1.0")`, "OK", "", ""},
		{"LOGIN imap@example.org demo", "OK", "", "Mailer 1.0"},
		{"SELECT INBOX", "OK", "INBOX", "Mailer 1.0"},
		{"SELECT Nowhere", "NO", "", "Mailer 1.0"},
		{"CREATE Work", "OK", "", "Mailer 1.0"},
		{"EXAMINE Work", "OK", "Work", "Mailer 1.0"},
		{"CLOSE", "OK", "", "Mailer 1.0"},
		{"SELECT Work", "OK", "Work", "Mailer 1.0"},
		{"UNSELECT", "OK", "", "Mailer 1.0"},
		{"SELECT Work", "OK", "Work", "Mailer 1.0"},
		{"DELETE Work", "OK", "", "Mailer 1.0"},
		{`ID ("name" "Other")`, "OK", "", "Other"},
	} {
		before := time.Now()
		if reply, err := c.finish("a", step.command); err != nil || !strings.HasPrefix(reply, step.reply) {
			t.Fatalf("%s: %s, %v", step.command, reply, err)
		}
		list := s.Gate.Sessions(gate.Filter{})
		if strings.HasPrefix(step.command, "ID") && step.client == "" {
			if len(list) != 0 {
				t.Fatalf("somebody is inside before the login: %+v", list)
			}
			continue
		}
		if len(list) != 1 {
			t.Fatalf("%s: %d sessions", step.command, len(list))
		}
		if got := list[0]; got.Mailbox != step.mailbox || got.ClientName != step.client || got.Active.Before(before.Add(-time.Second)) {
			t.Errorf("%s: the list says mailbox %q, client %q, active %v", step.command, got.Mailbox, got.ClientName, got.Active)
		}
	}
	if reply, err := c.finish("a", "UNAUTHENTICATE"); err != nil || !strings.HasPrefix(reply, "OK") {
		t.Fatalf("UNAUTHENTICATE: %s, %v", reply, err)
	}
	if n := len(s.Gate.Sessions(gate.Filter{})); n != 0 {
		t.Errorf("%d sessions after UNAUTHENTICATE", n)
	}
}

// A trace is of one account. It ends with the session and not with the connection, over which somebody else may log in next.
func TestTraceEndsWithUnauthenticate(t *testing.T) {
	s := testkit.Start(t, testkit.Options{})
	var log strings.Builder
	g := gate.New(gate.Options{Directory: s.Accounts, Store: s.Store, AllowClear: true, Log: slog.New(slog.NewTextHandler(&log, nil))})
	defer g.Close()
	if _, err := g.Trace("imap@example.org", time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	client, srv := net.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		nc := netserve.NewConn(srv, "test", nil)
		defer nc.Close()
		imap.New(imap.Options{Gate: g}).Handle(t.Context(), nc)
	}()
	client.SetDeadline(time.Now().Add(patience))
	replies := bufio.NewScanner(client)
	for _, command := range []string{"", "LOGIN imap@example.org demo", "NOOP", "UNAUTHENTICATE", "LOGIN both@example.org demo", "LIST \"\" anothers", "LOGOUT"} {
		want := "* OK"
		if command != "" {
			fmt.Fprintf(client, "a %s\r\n", command)
			want = "a OK"
		}
		for replies.Scan() && !strings.HasPrefix(replies.Text(), want) {
		}
		if err := replies.Err(); err != nil {
			t.Fatalf("%s: %v", command, err)
		}
	}
	client.Close()
	<-done
	if got := log.String(); !strings.Contains(got, "NOOP") || strings.Contains(got, "anothers") {
		t.Errorf("traced:\n%s", got)
	}
}

// countingContext counts who waits for its end.
type countingContext struct {
	context.Context
	waiting atomic.Int64
}

// Value hides the context within, to which package context would turn directly.
func (c *countingContext) Value(any) any { return nil }

// AfterFunc is what package context calls for everybody who waits.
func (c *countingContext) AfterFunc(f func()) func() bool {
	c.waiting.Add(1)
	stop := context.AfterFunc(c.Context, f)
	return func() bool {
		c.waiting.Add(-1)
		return stop()
	}
}

// However a connection ends, nothing of it stays behind: no session, no mailbox, and no hold on the server's context, which lives
// as long as the server. (testkit checks leases, goroutines and sessions when the test ends.)
func TestNothingOfAConnectionStays(t *testing.T) {
	s := testkit.Start(t, testkit.Options{})
	running, stop := context.WithCancel(context.Background())
	defer stop()
	ctx := &countingContext{Context: running}
	server := imap.New(imap.Options{Gate: s.Gate})
	for _, last := range []string{
		"",
		"a LOGOUT\r\n",
		"a LOGIN imap@example.org demo\r\n",
		"a LOGIN imap@example.org demo\r\nb LOGOUT\r\n",
		"a LOGIN imap@example.org demo\r\nb SELECT INBOX\r\n",
		"a LOGIN imap@example.org demo\r\nb SELECT INBOX\r\nc IDLE\r\n",
		"a LOGIN imap@example.org demo\r\nb SELECT INBOX\r\nc IDLE\r\nDO",
		"a LOGIN imap@example.org demo\r\nb SELECT INBOX\r\nc APPEND INBOX {100+}\r\nabc",
		"a LOGIN imap@example.org demo\r\nb SELECT INBOX\r\nc FETCH 1",
		"a AUTHENTICATE PLAIN\r\nAG",
		"a LOGIN imap@example.org demo\r\nb UNAUTHENTICATE\r\nc LOGIN both@example.org demo\r\n",
	} {
		client, srv := net.Pipe()
		done := make(chan struct{})
		go func() {
			defer close(done)
			nc := netserve.NewConn(srv, "test", nil)
			defer nc.Close()
			server.Handle(ctx, nc)
		}()
		drained := make(chan struct{})
		go func() {
			defer close(drained)
			buf := make([]byte, 4096)
			for {
				if _, err := client.Read(buf); err != nil {
					return
				}
			}
		}()
		client.SetWriteDeadline(time.Now().Add(patience))
		client.Write([]byte(last))
		client.Close()
		<-drained
		select {
		case <-done:
		case <-time.After(patience):
			t.Fatalf("%q: the connection does not end", last)
		}
		if n := ctx.waiting.Load(); n != 0 {
			t.Errorf("%q: %d still wait for the server's end", last, n)
		}
		if n := s.Gate.Count(); n != 0 {
			t.Errorf("%q: %d sessions are left", last, n)
		}
		if n := server.Sessions(); n != 0 {
			t.Errorf("%q: %d connections are counted", last, n)
		}
	}
}
