package client

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Login sends LOGIN.
func (c *IMAP) Login(user, password string) error {
	return c.Do("LOGIN "+user+" "+password, nil)
}

// LoginSCRAM authenticates by SCRAM-SHA-256 without channel binding.
func (c *IMAP) LoginSCRAM(k *SCRAM) error {
	x := k.begin()
	step := 0
	first := base64.StdEncoding.EncodeToString([]byte(x.first()))
	err := c.Do("AUTHENTICATE SCRAM-SHA-256", func(l Line) error {
		if l.Text[0] != '+' {
			return nil
		}
		challenge, err := base64.StdEncoding.DecodeString(string(bytes.TrimSpace(l.Text[1:])))
		if err != nil {
			return err
		}
		step++
		switch step {
		case 1: // the empty challenge: no initial response was sent
			return c.send([]byte(first + "\r\n"))
		case 2:
			final, err := x.final(string(challenge))
			if err != nil {
				return err
			}
			return c.send([]byte(base64.StdEncoding.EncodeToString([]byte(final)) + "\r\n"))
		case 3:
			if err := x.verify(string(challenge)); err != nil {
				return err
			}
			return c.send([]byte("\r\n"))
		}
		return fmt.Errorf("SCRAM: challenge too many")
	})
	if err == nil && step < 3 {
		err = fmt.Errorf("SCRAM: the server did not prove itself")
	}
	return err
}

// Logout ends the session properly.
func (c *IMAP) Logout() error {
	defer c.Close()
	return c.Do("LOGOUT", nil)
}

// Select selects (or by verb examines) a mailbox and returns how many messages it has.
func (c *IMAP) Select(verb, mailbox string) (exists int, err error) {
	exists = -1
	err = c.Do(verb+" "+mailbox, func(l Line) error {
		if n, ok := Numbered(l.Text, "EXISTS"); ok {
			exists = n
		}
		return nil
	})
	if err == nil && exists < 0 {
		err = fmt.Errorf("%s %s: no EXISTS", verb, mailbox)
	}
	return exists, err
}

// Numbered reads "* n WORD…" and returns n.
func Numbered(text []byte, word string) (int, bool) {
	if !bytes.HasPrefix(text, []byte("* ")) {
		return 0, false
	}
	n, i := 0, 2
	for ; i < len(text) && '0' <= text[i] && text[i] <= '9'; i++ {
		n = n*10 + int(text[i]-'0')
	}
	if i == 2 || i >= len(text) || text[i] != ' ' {
		return 0, false
	}
	rest := text[i+1:]
	return n, len(rest) >= len(word) && string(rest[:len(word)]) == word && (len(rest) == len(word) || rest[len(word)] == ' ')
}

// Append appends one message by a non-synchronising literal (both servers offer LITERAL+) and returns the UID it got. flags is a list in
// parentheses, or empty.
func (c *IMAP) Append(mailbox, flags string, message []byte, on func(Line) error) (uid int, err error) {
	c.tag++
	if flags != "" {
		flags += " "
	}
	c.cmd = fmt.Appendf(c.cmd[:0], "a%d APPEND %s %s{%d+}\r\n", c.tag, mailbox, flags, len(message))
	if err := c.send(c.cmd, message, []byte("\r\n")); err != nil {
		return 0, fmt.Errorf("APPEND: %w", err)
	}
	text, err := c.finish(on)
	if err != nil {
		return 0, fmt.Errorf("APPEND: %w", err)
	}
	words := strings.Fields(text)
	if len(words) < 3 || words[0] != "[APPENDUID" {
		return 0, fmt.Errorf("APPEND: no APPENDUID in %.100q", text)
	}
	return strconv.Atoi(strings.TrimSuffix(words[2], "]"))
}

// Idle begins to idle.
func (c *IMAP) Idle() error {
	c.tag++
	c.cmd = fmt.Appendf(c.cmd[:0], "a%d IDLE\r\n", c.tag)
	if err := c.send(c.cmd); err != nil {
		return err
	}
	for {
		l, err := c.read()
		if err != nil {
			return err
		}
		switch {
		case l.Text[0] == '+':
			return nil
		case l.Text[0] != '*':
			return fmt.Errorf("IDLE: %.200q", l.Text)
		}
	}
}

// Wait reads the next response while idling, for as long as d.
func (c *IMAP) Wait(d time.Duration) (Line, error) {
	c.nc.SetReadDeadline(time.Now().Add(d))
	return c.read()
}

// Done ends idling.
func (c *IMAP) Done() error {
	if err := c.send([]byte("DONE\r\n")); err != nil {
		return err
	}
	_, err := c.finish(nil)
	return err
}
