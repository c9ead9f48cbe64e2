package strict

import (
	"fmt"
	"strings"
)

// LMTP is a client.
type LMTP struct{ *wire }

// DialLMTP connects and introduces itself.
func DialLMTP(addr string) (*LMTP, error) {
	w, err := dial(addr)
	if err != nil {
		return nil, err
	}
	c := &LMTP{w}
	if _, err := c.reply("220"); err == nil {
		err = c.do("LHLO test.example", "250")
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// Deliver sends a message, whose lines end in CRLF, to one recipient. nil: the server is responsible for it now.
func (c *LMTP) Deliver(to, message string) error {
	for _, command := range []string{"MAIL FROM:<sender@example.net>", "RCPT TO:<" + to + ">"} {
		if err := c.do(command, "250"); err != nil {
			return err
		}
	}
	if err := c.do("DATA", "354"); err != nil {
		return err
	}
	return c.do(strings.ReplaceAll("\r\n"+message, "\r\n.", "\r\n..")[2:]+".", "250")
}

func (c *LMTP) do(command, want string) error {
	if err := c.send(command + "\r\n"); err != nil {
		return err
	}
	_, err := c.reply(want)
	return err
}

func (c *LMTP) reply(want string) (string, error) {
	for {
		line, err := c.line()
		switch {
		case err != nil:
			return "", err
		case len(line) < 4 || line[:3] != want:
			return "", fmt.Errorf("strict: LMTP said %q, wanted %s", line, want)
		case line[3] == ' ':
			return line[4:], nil
		}
	}
}
