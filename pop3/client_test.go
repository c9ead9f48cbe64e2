package pop3_test

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"bascule/internal/testkit"
)

// client is a POP3 client for tests that no script can express.
type client struct {
	t    testing.TB
	conn net.Conn
	in   *bufio.Reader
}

// dial connects to a server and reads the greeting; kind is "pop3" or "pop3s".
func dial(t testing.TB, s *testkit.Server, kind string) *client {
	t.Helper()
	conn, err := net.Dial("tcp", s.Target().Addrs[kind])
	if err != nil {
		t.Fatal(err)
	}
	if kind == "pop3s" {
		conn = tls.Client(conn, &tls.Config{InsecureSkipVerify: true})
	}
	c := newClient(t, conn)
	c.want("+OK")
	return c
}

func newClient(t testing.TB, conn net.Conn) *client {
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(time.Minute))
	return &client{t, conn, bufio.NewReaderSize(conn, 64<<10)}
}

// login connects and logs in to an account of the test kit.
func login(t testing.TB, s *testkit.Server, account string) *client {
	t.Helper()
	c := dial(t, s, "pop3")
	c.do("+OK", "USER %s", account)
	c.do("+OK", "PASS %s", testkit.Password)
	return c
}

func (c *client) send(format string, args ...any) {
	c.t.Helper()
	if _, err := fmt.Fprintf(c.conn, format+"\r\n", args...); err != nil {
		c.t.Fatal(err)
	}
}

func (c *client) line() string {
	c.t.Helper()
	line, err := c.in.ReadString('\n')
	if err != nil {
		c.t.Fatalf("%v after %q", err, line)
	}
	text, ok := strings.CutSuffix(line, "\r\n")
	if !ok {
		c.t.Fatalf("bare LF: %q", line)
	}
	return text
}

// want reads a line that must begin like this.
func (c *client) want(prefix string) string {
	c.t.Helper()
	line := c.line()
	if !strings.HasPrefix(line, prefix) {
		c.t.Fatalf("got %q, want %q", line, prefix)
	}
	return line
}

// do sends a command and reads the first line of its reply.
func (c *client) do(prefix, format string, args ...any) string {
	c.t.Helper()
	c.send(format, args...)
	return c.want(prefix)
}

// rest reads the lines of a multi-line reply, dots taken off.
func (c *client) rest() (lines []string) {
	c.t.Helper()
	for {
		line := c.line()
		if line == "." {
			return lines
		}
		lines = append(lines, strings.TrimPrefix(line, "."))
	}
}
