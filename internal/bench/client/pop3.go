package client

import (
	"bytes"
	"context"
	"fmt"
	"hash/crc32"
)

// POP3 is a connection to a POP3 server.
type POP3 struct {
	*Conn
	spare []byte
}

// POP3 connects and reads the greeting.
func (d Dialer) POP3(ctx context.Context) (*POP3, error) {
	conn, err := d.dial(ctx)
	if err != nil {
		return nil, err
	}
	c := &POP3{Conn: conn}
	if _, err := c.ok(); err != nil {
		c.Close()
		return nil, fmt.Errorf("greeting: %w", err)
	}
	return c, nil
}

func (c *POP3) ok() ([]byte, error) {
	b, err := c.line(&c.spare)
	if err != nil {
		return nil, gone(err)
	}
	if !bytes.HasPrefix(b, []byte("+OK")) {
		return nil, fmt.Errorf("answer %.200q", b)
	}
	return b, nil
}

// Do sends a command whose answer is one line.
func (c *POP3) Do(command string) (string, error) {
	if err := c.send([]byte(command + "\r\n")); err != nil {
		return "", fmt.Errorf("%s: %w", command, err)
	}
	b, err := c.ok()
	if err != nil {
		return "", fmt.Errorf("%.20s: %w", command, err)
	}
	return string(b), nil
}

// Login sends USER and PASS.
func (c *POP3) Login(user, password string) error {
	if _, err := c.Do("USER " + user); err != nil {
		return err
	}
	_, err := c.Do("PASS " + password)
	return err
}

// List sends a command whose answer has many short lines.
func (c *POP3) List(command string, on func(line []byte) error) error {
	if _, err := c.Do(command); err != nil {
		return err
	}
	for {
		b, err := c.line(&c.spare)
		if err != nil {
			return fmt.Errorf("%s: %w", command, gone(err))
		}
		if len(b) == 1 && b[0] == '.' {
			return nil
		}
		if err := on(b); err != nil {
			return fmt.Errorf("%s: %w", command, err)
		}
	}
}

// Retr fetches message n and returns its octets, without dot-stuffing, and their sum.
func (c *POP3) Retr(n int) (octets int64, sum uint32, err error) {
	if _, err := c.Do(fmt.Sprintf("RETR %d", n)); err != nil {
		return 0, 0, err
	}
	octets, sum, err = c.body()
	if err != nil {
		return 0, 0, fmt.Errorf("RETR %d: %w", n, gone(err))
	}
	return octets, sum, nil
}

var lineDot = []byte("\n.")

// body takes whole buffers where it can: looking at each line would cost as much as sending it.
func (c *POP3) body() (octets int64, sum uint32, err error) {
	take := func(n int) {
		b, _ := c.r.Peek(n)
		sum = crc32.Update(sum, Castagnoli, b)
		octets += int64(n)
		c.r.Discard(n)
	}
	for start := true; ; {
		if _, err := c.r.Peek(1); err != nil {
			return 0, 0, err
		}
		b, _ := c.r.Peek(c.r.Buffered())
		if start && b[0] == '.' {
			if b, err = c.r.Peek(3); err != nil {
				return 0, 0, err
			}
			if string(b) == ".\r\n" {
				c.r.Discard(3)
				return octets, sum, nil
			}
			c.r.Discard(1)
			start = false
			continue
		}
		if i := bytes.Index(b, lineDot); i >= 0 {
			take(i + 1)
			start = true
			continue
		}
		start = b[len(b)-1] == '\n'
		take(len(b))
	}
}

// Quit ends the session properly.
func (c *POP3) Quit() error {
	defer c.Close()
	_, err := c.Do("QUIT")
	return err
}
