package imap_test

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"testing"

	"bascule/internal/testkit"
)

// rawClient is a connection that keeps nothing of the answers it reads unless asked to, so that what a benchmark counts is the
// server's.
type rawClient struct {
	t  testing.TB
	nc net.Conn
	r  *bufio.Reader
	n  int
}

// dial logs in as imap@example.org.
func dial(t testing.TB, s *testkit.Server) *rawClient {
	return dialAddr(t, s.Target().Addrs["imap"])
}

func dialAddr(t testing.TB, addr string) *rawClient {
	t.Helper()
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	c := &rawClient{t: t, nc: nc, r: bufio.NewReaderSize(nc, 1<<20)}
	c.line()
	c.do("LOGIN imap@example.org " + testkit.Password)
	return c
}

func (c *rawClient) line() []byte {
	l, err := c.r.ReadSlice('\n')
	if err != nil && err != bufio.ErrBufferFull {
		c.t.Fatal(err)
	}
	return l
}

// send sends a command under a new tag. CRLF inside is part of it, as after LITERAL+.
func (c *rawClient) send(command string) (tag string) {
	c.n++
	tag = fmt.Sprintf("t%d ", c.n)
	if _, err := fmt.Fprintf(c.nc, "%s%s\r\n", tag, command); err != nil {
		c.t.Fatal(err)
	}
	return tag
}

// do sends a command and reads to its tagged OK; it returns how many octets came.
func (c *rawClient) do(command string) (octets int) {
	tag := c.send(command)
	for {
		l := c.line()
		octets += len(l)
		if len(l) > len(tag) && string(l[:len(tag)]) == tag {
			if !strings.HasPrefix(string(l[len(tag):]), "OK") {
				c.t.Fatalf("%s: %s", command, l)
			}
			return octets
		}
	}
}

// ask is do, and returns what came before the tagged OK.
func (c *rawClient) ask(command string) string {
	tag := c.send(command)
	var answer strings.Builder
	for {
		l := string(c.line())
		if strings.HasPrefix(l, tag) {
			if !strings.HasPrefix(l[len(tag):], "OK") {
				c.t.Fatalf("%s: %s", command, l)
			}
			return answer.String()
		}
		answer.WriteString(l)
	}
}
