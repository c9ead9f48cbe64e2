package client

import (
	"bytes"
	"context"
	"fmt"
)

// LMTP is a connection to an LMTP server.
type LMTP struct {
	*Conn
	spare []byte
	cmd   []byte
}

// LMTP connects and says LHLO.
func (d Dialer) LMTP(ctx context.Context) (*LMTP, error) {
	conn, err := d.dial(ctx)
	if err != nil {
		return nil, err
	}
	c := &LMTP{Conn: conn}
	if err = c.reply("220"); err == nil {
		if err = c.send([]byte("LHLO bench.test\r\n")); err == nil {
			err = c.reply("250")
		}
	}
	if err != nil {
		c.Close()
		return nil, fmt.Errorf("LHLO: %w", err)
	}
	return c, nil
}

// reply reads one reply of however many lines.
func (c *LMTP) reply(code string) error {
	for {
		b, err := c.line(&c.spare)
		if err != nil {
			return gone(err)
		}
		if !bytes.HasPrefix(b, []byte(code)) || len(b) < 4 {
			return fmt.Errorf("answer %.200q", b)
		}
		if b[3] != '-' {
			return nil
		}
	}
}

// Deliver delivers a message, dot-stuffed and with its final dot, to one recipient.
func (c *LMTP) Deliver(to string, stuffed []byte) error {
	// Both servers offer PIPELINING (RFC 2920): one round trip instead of three.
	c.cmd = fmt.Appendf(c.cmd[:0], "MAIL FROM:<sender@bench.test>\r\nRCPT TO:<%s>\r\nDATA\r\n", to)
	if err := c.send(c.cmd); err != nil {
		return err
	}
	for _, code := range []string{"250", "250", "354"} {
		if err := c.reply(code); err != nil {
			return fmt.Errorf("deliver to %s: %w", to, err)
		}
	}
	if err := c.send(stuffed); err != nil {
		return err
	}
	if err := c.reply("250"); err != nil {
		return fmt.Errorf("deliver to %s: %w", to, err)
	}
	return nil
}

// Stuff dot-stuffs a message of CRLF lines and adds the final dot.
func Stuff(message []byte) []byte {
	b := bytes.ReplaceAll(message, []byte("\r\n."), []byte("\r\n.."))
	if bytes.HasPrefix(b, []byte(".")) {
		b = append([]byte("."), b...)
	}
	if !bytes.HasSuffix(b, []byte("\r\n")) {
		b = append(b, "\r\n"...)
	}
	return append(b, ".\r\n"...)
}

// Quit ends the session properly.
func (c *LMTP) Quit() error {
	defer c.Close()
	if err := c.send([]byte("QUIT\r\n")); err != nil {
		return err
	}
	return c.reply("221")
}
