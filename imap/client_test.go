package imap_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"regexp"
	"strconv"
	"strings"
	"time"

	"bascule/internal/testkit/dialogue"
)

// wireClient speaks to a server octet by octet and trusts nothing that comes back.
type wireClient struct {
	net net.Conn
	in  *bufio.Reader

	compressed bool
}

// compress is what follows the OK of a COMPRESS.
func (c *wireClient) compress() {
	c.net = dialogue.Deflated(c.net)
	c.in = bufio.NewReader(c.net)
	c.compressed = true
}

// patience is how long an answer may take; only a hang takes as long.
const patience = 20 * time.Second

func dialWire(addr string) (*wireClient, error) {
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	c := &wireClient{net: nc, in: bufio.NewReader(nc)}
	_, err = c.line()
	return c, err
}

func (c *wireClient) send(s string) error {
	c.net.SetWriteDeadline(time.Now().Add(patience))
	_, err := io.WriteString(c.net, s)
	return err
}

var (
	announced = regexp.MustCompile(`\{(\d+)\}$`)
	errForm   = errors.New("malformed response")
)

// line reads one response, its literals included, and checks its form (RFC 9051 §9 response).
func (c *wireClient) line() (string, error) {
	var b strings.Builder
	for {
		c.net.SetReadDeadline(time.Now().Add(patience))
		s, err := c.in.ReadString('\n')
		if err != nil {
			if s != "" {
				err = fmt.Errorf("%w: ends in the middle: %q", errForm, s)
			}
			return "", err
		}
		s, ok := strings.CutSuffix(s, "\r\n")
		if !ok {
			return "", fmt.Errorf("%w: bare LF: %q", errForm, s)
		}
		if i := strings.IndexFunc(s, func(r rune) bool { return r < ' ' && r != '\t' }); i >= 0 {
			return "", fmt.Errorf("%w: control character: %q", errForm, s)
		}
		b.WriteString(s)
		m := announced.FindStringSubmatch(s)
		if m == nil {
			return b.String(), nil
		}
		n, err := strconv.Atoi(m[1])
		if err != nil || n > 64<<20 {
			return "", fmt.Errorf("%w: literal of %s octets", errForm, m[1])
		}
		data := make([]byte, n)
		if _, err := io.ReadFull(c.in, data); err != nil {
			return "", fmt.Errorf("%w: in a literal: %v", errForm, err)
		}
		b.Write(data)
	}
}

// response says what a line is: "*", "+", or the tag it answers.
func response(line string) (tag, rest string, err error) {
	tag, rest, ok := strings.Cut(line, " ")
	if !ok || tag == "" {
		return "", "", fmt.Errorf("%w: %q", errForm, line)
	}
	if tag != "*" && tag != "+" {
		if status, _, _ := strings.Cut(rest, " "); status != "OK" && status != "NO" && status != "BAD" {
			return "", "", fmt.Errorf("%w: %q", errForm, line)
		}
	}
	return tag, rest, nil
}

// finish sends the command tag and reads to its tagged reply, which it returns.
func (c *wireClient) finish(tag, command string) (string, error) {
	if err := c.send(tag + " " + command + "\r\n"); err != nil {
		return "", err
	}
	for {
		line, err := c.line()
		if err != nil {
			return "", err
		}
		if got, rest, err := response(line); err != nil || got == tag {
			return rest, err
		}
	}
}
