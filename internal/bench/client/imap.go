package client

import (
	"bytes"
	"context"
	"fmt"
	"hash/crc32"
	"strconv"
)

// IMAP is a connection to an IMAP server.
type IMAP struct {
	*Conn
	tag   int
	spare []byte
	text  []byte
	cmd   []byte
}

// Line is one response. It is valid until the next one is read.
type Line struct {
	Text     []byte // without CRLF; of a literal, "{n}" stands and its octets are cut out
	Literals int
	Octets   int64  // of all literals
	Sum      uint32 // CRC-32C of each literal, added up
}

// IMAP connects and reads the greeting.
func (d Dialer) IMAP(ctx context.Context) (*IMAP, error) {
	conn, err := d.dial(ctx)
	if err != nil {
		return nil, err
	}
	c := &IMAP{Conn: conn}
	l, err := c.read()
	if err == nil && !bytes.HasPrefix(l.Text, []byte("* OK")) {
		err = fmt.Errorf("greeting: %.100q", l.Text)
	}
	if err != nil {
		c.Close()
		return nil, gone(err)
	}
	return c, nil
}

// read reads one response.
func (c *IMAP) read() (l Line, err error) {
	text, err := c.line(&c.spare)
	if err != nil {
		return l, gone(err)
	}
	n := literal(text)
	if n < 0 {
		l.Text = text
		return l, nil
	}
	c.text = append(c.text[:0], text...)
	for n >= 0 {
		l.Literals++
		l.Octets += n
		sum, err := c.sum(0, n)
		if err != nil {
			return l, gone(err)
		}
		l.Sum += sum
		if text, err = c.line(&c.spare); err != nil {
			return l, gone(err)
		}
		c.text = append(c.text, text...)
		n = literal(text)
	}
	l.Text = c.text
	return l, nil
}

// literal gives the length of the literal that follows a line, or -1.
func literal(text []byte) int64 {
	if len(text) < 3 || text[len(text)-1] != '}' {
		return -1
	}
	i := bytes.LastIndexByte(text, '{')
	if i < 0 {
		return -1
	}
	n, err := strconv.ParseInt(string(text[i+1:len(text)-1]), 10, 48)
	if err != nil || n < 0 {
		return -1
	}
	return n
}

// Do sends a command and gives its untagged responses to on, which may be nil. Any answer but OK is an error.
func (c *IMAP) Do(command string, on func(Line) error) error {
	_, err := c.DoText(command, on)
	return err
}

// DoText is Do and returns what stands behind the tagged OK.
func (c *IMAP) DoText(command string, on func(Line) error) (string, error) {
	c.tag++
	c.cmd = strconv.AppendInt(append(c.cmd[:0], 'a'), int64(c.tag), 10)
	c.cmd = append(append(append(c.cmd, ' '), command...), '\r', '\n')
	if err := c.send(c.cmd); err != nil {
		return "", fmt.Errorf("%.80s: %w", command, err)
	}
	text, err := c.finish(on)
	if err != nil {
		return "", fmt.Errorf("%.80s: %w", command, err)
	}
	return text, nil
}

// finish reads up to the answer to the last command.
func (c *IMAP) finish(on func(Line) error) (string, error) {
	for {
		l, err := c.read()
		if err != nil {
			return "", err
		}
		if len(l.Text) > 0 && (l.Text[0] == '*' || l.Text[0] == '+') {
			if bytes.HasPrefix(l.Text, []byte("* BYE")) && !c.leaving() {
				return "", fmt.Errorf("%.200s", l.Text)
			}
			if on != nil {
				if err := on(l); err != nil {
					return "", err
				}
			}
			continue
		}
		tag, rest, _ := bytes.Cut(l.Text, []byte(" "))
		if string(tag) != "a"+strconv.Itoa(c.tag) {
			return "", fmt.Errorf("answer to another command: %.100q", l.Text)
		}
		if !bytes.HasPrefix(rest, []byte("OK")) {
			return "", fmt.Errorf("answer %.200q", rest)
		}
		return string(bytes.TrimSpace(rest[2:])), nil
	}
}

func (c *IMAP) leaving() bool { return bytes.HasSuffix(c.cmd, []byte(" LOGOUT\r\n")) }

// Sum is the sum of one octet string as a Line has it of its literals.
func Sum(b []byte) uint32 { return crc32.Checksum(b, Castagnoli) }
