package dialogue

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// maxLine bounds what one logical line from a server may hold, literals included.
const maxLine = 64 << 20

// conn is one client of the script.
type conn struct {
	name, kind string
	net        net.Conn
	in         *bufio.Reader
	partial    []byte   // of a logical line cut short by a deadline
	pending    []string // lines looked at and put back
	log        *transcript
}

var reLiteral = regexp.MustCompile(`\{([0-9]+)\}$`)

var errTimeout = errors.New("nothing came in time")

// readLine returns the next line without its CRLF; for IMAP a line goes on over its literals. The error is
// errTimeout, io.EOF or what the network said.
func (c *conn) readLine(deadline time.Time) (string, error) {
	if len(c.pending) > 0 {
		line := c.pending[0]
		c.pending = c.pending[1:]
		return line, nil
	}
	if err := c.net.SetReadDeadline(deadline); err != nil {
		return "", err
	}
	for {
		chunk, err := c.in.ReadBytes('\n')
		c.partial = append(c.partial, chunk...)
		if err != nil {
			var ne net.Error
			switch {
			case errors.As(err, &ne) && ne.Timeout():
				return "", errTimeout
			case len(c.partial) > 0:
				return "", fmt.Errorf("%w after half a line: %q", err, c.partial)
			}
			return "", err
		}
		line, ok := strings.CutSuffix(string(c.partial), "\r\n")
		if !ok {
			return "", fmt.Errorf("line ends with a bare LF: %q", c.partial)
		}
		if m := reLiteral.FindStringSubmatch(line); m != nil && strings.HasPrefix(c.kind, "imap") {
			if err := c.readLiteral(m[1]); err != nil {
				return "", err
			}
			continue
		}
		c.partial = c.partial[:0]
		c.log.add(c.name, "S", line)
		return line, nil
	}
}

func (c *conn) readLiteral(size string) error {
	n, err := strconv.ParseInt(size, 10, 64)
	if err != nil || n > maxLine {
		return fmt.Errorf("literal of %s octets", size)
	}
	data := make([]byte, n)
	if _, err := io.ReadFull(c.in, data); err != nil {
		return fmt.Errorf("literal of %d octets: %w", n, err)
	}
	c.partial = append(c.partial, data...)
	return nil
}

func (c *conn) unread(line string) { c.pending = append([]string{line}, c.pending...) }

func (c *conn) write(data string, deadline time.Time) error {
	c.log.add(c.name, "C", strings.TrimSuffix(data, "\r\n"))
	if err := c.net.SetWriteDeadline(deadline); err != nil {
		return err
	}
	_, err := io.WriteString(c.net, data)
	return err
}

// startTLS does the client's side of the handshake.
func (c *conn) startTLS(cfg *tls.Config, deadline time.Time) error {
	if c.in.Buffered() > 0 || len(c.partial) > 0 || len(c.pending) > 0 {
		return errors.New("clear text from the server is still unread")
	}
	if err := c.net.SetDeadline(deadline); err != nil {
		return err
	}
	t := tls.Client(c.net, cfg)
	if err := t.Handshake(); err != nil {
		return err
	}
	c.net, c.in = t, bufio.NewReaderSize(t, 64<<10)
	c.log.add(c.name, "-", "TLS started")
	return nil
}

func (c *conn) closeWrite() error {
	if cw, ok := c.net.(interface{ CloseWrite() error }); ok {
		return cw.CloseWrite()
	}
	return fmt.Errorf("%T cannot be half closed", c.net)
}
