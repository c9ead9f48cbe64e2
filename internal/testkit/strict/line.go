package strict

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Patience is how long a client waits for a line before it calls the server stuck.
const Patience = 60 * time.Second

// remembered is how many lines of the dialogue an error quotes.
const remembered = 60

// maxLiteral bounds what a server may send in one literal, octets.
const maxLiteral = 1 << 20

// ErrSilent is the error of a read that had a deadline of its own, when nothing came.
var ErrSilent = errors.New("strict: nothing came in time")

// wire is a connection that speaks lines.
type wire struct {
	net  net.Conn
	in   *bufio.Reader
	past []string // the last lines of the dialogue
}

// dial connects; an address that begins with tls:// is spoken to in TLS, whoever signed its certificate.
func dial(addr string) (*wire, error) {
	plain, secure := strings.CutPrefix(addr, "tls://")
	c, err := net.DialTimeout("tcp", plain, Patience)
	if err != nil {
		return nil, err
	}
	if secure {
		c = tls.Client(c, &tls.Config{InsecureSkipVerify: true})
	}
	return &wire{net: c, in: bufio.NewReaderSize(c, 16<<10)}, nil
}

// Close drops the connection without a word.
func (w *wire) Close() error { return w.net.Close() }

func (w *wire) note(who, line string) {
	if len(line) > 400 {
		line = line[:400] + "…"
	}
	if len(w.past) >= remembered {
		w.past = append(w.past[:0], w.past[1:]...)
	}
	w.past = append(w.past, who+" "+line)
}

// fail makes an error of a broken rule.
func (w *wire) fail(format string, args ...any) error {
	return fmt.Errorf("strict: %s\nthe dialogue before:\n%s", fmt.Sprintf(format, args...), strings.Join(w.past, "\n"))
}

func (w *wire) send(text string) error {
	w.note("C:", strings.TrimSuffix(text, "\r\n"))
	if err := w.net.SetWriteDeadline(time.Now().Add(Patience)); err != nil {
		return err
	}
	_, err := io.WriteString(w.net, text)
	return err
}

// line reads a line without its CRLF.
func (w *wire) line() (string, error) { return w.lineUntil(time.Now().Add(Patience), false) }

// lineUntil reads a line; with mayBeSilent a deadline that passes before the first octet is ErrSilent, not a failure.
func (w *wire) lineUntil(end time.Time, mayBeSilent bool) (string, error) {
	if err := w.net.SetReadDeadline(end); err != nil {
		return "", err
	}
	text, err := w.in.ReadString('\n')
	if mayBeSilent && text == "" && errors.Is(err, os.ErrDeadlineExceeded) {
		return "", ErrSilent
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return "", w.fail("no line came, only %q", text)
	}
	if err != nil {
		if text != "" {
			err = fmt.Errorf("%w after half a line: %q", io.ErrUnexpectedEOF, text)
		}
		return "", err
	}
	line, ok := strings.CutSuffix(text, "\r\n")
	if !ok {
		return "", w.fail("a line ends without CR: %q", text)
	}
	w.note("S:", line)
	return line, nil
}

var literal = regexp.MustCompile(`~?\{([0-9]+)\}$`)

// response reads a line of IMAP with the literals in it, each behind its announcement and CRLF.
func (w *wire) response(end time.Time, mayBeSilent bool) (string, error) {
	var whole strings.Builder
	for {
		line, err := w.lineUntil(end, mayBeSilent && whole.Len() == 0)
		if err != nil {
			return "", err
		}
		whole.WriteString(line)
		m := literal.FindStringSubmatch(line)
		if m == nil {
			return whole.String(), nil
		}
		n, err := strconv.ParseUint(m[1], 10, 32)
		if err != nil || n > maxLiteral {
			return "", w.fail("a literal of %s octets", m[1])
		}
		data := make([]byte, n)
		if _, err := io.ReadFull(w.in, data); err != nil {
			return "", err
		}
		whole.WriteString("\r\n")
		whole.Write(data)
	}
}

// Dialogue is the last lines, for error messages.
func (w *wire) Dialogue() string { return strings.Join(w.past, "\n") }
