package pop3_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"bascule/internal/gate"
	"bascule/internal/netserve"
	"bascule/internal/testkit"
	"bascule/maildir"
	"bascule/pop3"
)

// FuzzServer sends whatever it likes before and after the login and checks what a client relies on: one reply per line, multi-line
// replies that end, as many octets as announced, no end but after QUIT or too many bad commands, and no message less without QUIT.
func FuzzServer(f *testing.F) {
	for _, seed := range []string{
		"STAT\r\nLIST\r\nUIDL\r\nRETR 1\r\nTOP 2 1\r\nDELE 1\r\nRSET\r\nQUIT\r\n",
		"USER both@example.org\r\nPASS demo\r\nSTAT\r\nDELE 1\r\nQUIT\r\n",
		"AUTH\r\nAUTH PLAIN\r\n*\r\nAUTH LOGIN\r\nYm90aA==\r\n%%\r\nCAPA\r\n",
		"AUTH PLAIN AGJvdGhAZXhhbXBsZS5vcmcAZGVtbw==\r\nDELE 2\r\nLIST 2\r\nLIST\r\nRETR 3\n",
		"AUTH SCRAM-SHA-256 biwsbj1ib3RoQGV4YW1wbGUub3JnLHI9eA==\r\n\r\nNOOP\n",
		"STLS\r\nLANG\r\nLANG *\r\nUTF8\r\n\r\n \r\nretr 99999999999999999999\r\nTOP 1 -1\r\n",
		strings.Repeat("x\r\n", 25), strings.Repeat("a", 9000) + "\r\nNOOP\r\n", "LIST\x00 1\r\nTOP 1\t2\r\nDELE 1 \r\ndele 1\r\nUIDL 3\r\n",
	} {
		f.Add(false, []byte(seed))
		f.Add(true, []byte(seed))
	}
	s := testkit.Start(f, testkit.Options{Gate: gate.Options{AllowClear: true, Throttle: gate.Throttle{Off: true}}})
	server := pop3.New(pop3.Options{Gate: s.Gate, LockWait: -1, MarkSeen: true, Log: slog.New(slog.DiscardHandler)})
	f.Fuzz(func(t *testing.T, loggedIn bool, data []byte) {
		if len(data) > 64<<10 || bytes.Count(data, []byte("\n")) > 500 {
			t.Skip() // the connection's bound on a line without end is tested there
		}
		fillUp(t, s)
		here, there := net.Pipe()
		done := make(chan struct{})
		go func() {
			defer close(done)
			nc := netserve.NewConn(there, "fuzz", nil)
			server.Handle(context.Background(), nc)
			nc.Close()
		}()
		defer func() {
			here.Close()
			<-done
		}()
		here.SetDeadline(time.Now().Add(20 * time.Second))
		m := &model{client: newClient(t, here)}
		m.want("+OK")
		if loggedIn {
			m.do("+OK", "USER both@example.org")
			m.do("+OK", "PASS %s", testkit.Password)
			m.inside = true
		}
		lines := strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")
		go func() {
			for _, l := range lines {
				if _, err := here.Write([]byte(l + "\n")); err != nil {
					return // the server has ended it
				}
			}
		}()
		for _, l := range lines {
			if !m.reply(strings.TrimSuffix(l, "\r")) {
				break
			}
		}
		here.Close()
		<-done
		if n := count(t, s); n < messagesOfFuzz && !m.quit {
			t.Fatalf("%d messages are left without QUIT", n)
		}
	})
}

const messagesOfFuzz = 3

func count(t testing.TB, s *testkit.Server) int {
	t.Helper()
	a, err := s.Account(context.Background(), "both@example.org")
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	st, err := a.Status(context.Background(), maildir.Inbox, false)
	if err != nil {
		t.Fatal(err)
	}
	return st.Messages
}

func fillUp(t testing.TB, s *testkit.Server) {
	t.Helper()
	for n := count(t, s); n < messagesOfFuzz; n++ {
		text := fmt.Sprintf("Subject: %d\n\n.dot\nline %d", n, n)
		if _, err := s.Act(context.Background(), []string{"mail", "both@example.org"}, text); err != nil {
			t.Fatal(err)
		}
	}
}

// model knows no more than a client does: which reply goes on over several lines.
type model struct {
	*client
	inside bool // logged in
	inAuth bool // the next line answers a challenge
	quit   bool // QUIT has succeeded after the login
	bad    int
}

// reply reads the reply to one line; false: the session is over.
func (m *model) reply(line string) bool {
	m.t.Helper()
	verb, rest, _ := strings.Cut(line, " ")
	verb = strings.ToUpper(strings.TrimRight(verb, " \t"))
	alone := len(strings.Fields(rest)) == 0
	answersChallenge := m.inAuth
	m.inAuth = false
	got := m.line()
	switch {
	case strings.HasPrefix(got, "+ "):
		if !answersChallenge && verb != "AUTH" {
			m.t.Fatalf("%q got a challenge: %q", line, got)
		}
		m.inAuth = true
		return true
	case strings.HasPrefix(got, "-ERR "):
		if verb == "QUIT" && !answersChallenge && alone {
			m.t.Fatalf("QUIT got %q", got)
		}
		for _, fair := range noFault {
			if strings.HasPrefix(got, "-ERR "+fair) {
				return true
			}
		}
		if m.bad++; m.bad < 20 {
			return true
		}
		m.want("-ERR Too many bad commands")
		m.end()
		return false
	case !strings.HasPrefix(got, "+OK "):
		m.t.Fatalf("%q got %q", line, got)
	}
	m.bad = 0
	if answersChallenge || verb == "PASS" || verb == "AUTH" && !alone {
		m.inside = true
		return true
	}
	switch verb {
	case "QUIT":
		m.quit = m.inside
		m.end()
		return false
	case "CAPA", "TOP":
		m.rest()
	case "RETR":
		size, err := strconv.Atoi(strings.Fields(got)[1])
		if err != nil {
			m.t.Fatal(err)
		}
		for _, l := range m.rest() {
			size -= len(l) + 2
		}
		if size != 0 {
			m.t.Fatalf("%q got %q and %d octets less", line, got, size)
		}
	case "LIST", "UIDL", "LANG", "AUTH":
		if alone {
			m.rest()
		}
	}
	return true
}

func (m *model) end() {
	m.t.Helper()
	if next, err := m.in.ReadByte(); err == nil {
		m.t.Fatalf("%q came after the end", next)
	}
}

// noFault are refusals of what a right client may well send; they do not count as bad commands.
var noFault = []string{"[SYS/PERM] No TLS", "No such language", "Authentication cancelled", "[IN-USE]"}
