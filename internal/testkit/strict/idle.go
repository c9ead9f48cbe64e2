package strict

import (
	"strings"
	"time"
)

// Idle begins IDLE and returns when the server waits.
func (c *IMAP) Idle() error {
	if err := c.start("IDLE"); err != nil {
		return err
	}
	end := time.Now().Add(Patience)
	for {
		text, err := c.response(end, false)
		if err != nil {
			return err
		}
		if strings.HasPrefix(text, "+") {
			return nil
		}
		if done, err := c.take(text); err != nil {
			return err
		} else if done {
			return c.fail("IDLE was refused")
		}
	}
}

// Next takes up one response during IDLE and returns it without "* "; ErrSilent if none comes in time.
func (c *IMAP) Next(within time.Duration) (string, error) {
	text, err := c.response(time.Now().Add(within), true)
	if err != nil {
		return "", err
	}
	if done, err := c.take(text); err != nil {
		return "", err
	} else if done {
		return "", c.fail("IDLE ended by itself")
	}
	return strings.TrimPrefix(text, "* "), nil
}

// Done ends IDLE.
func (c *IMAP) Done() (*Reply, error) {
	if err := c.send("DONE\r\n"); err != nil {
		return nil, err
	}
	return c.finish()
}
