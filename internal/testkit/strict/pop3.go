package strict

import (
	"fmt"
	"strconv"
	"strings"
)

// POP3 is a client.
type POP3 struct{ *wire }

// Denied is the error of a -ERR.
type Denied struct{ Command, Code, Text string }

func (e *Denied) Error() string {
	return fmt.Sprintf("strict: %s: -ERR [%s] %s", e.Command, e.Code, e.Text)
}

// DialPOP3 connects and reads the greeting.
func DialPOP3(addr string) (*POP3, error) {
	w, err := dial(addr)
	if err != nil {
		return nil, err
	}
	c := &POP3{w}
	if _, err := c.reply("greeting"); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// LoginPOP3 connects and logs in.
func LoginPOP3(addr, user, password string) (*POP3, error) {
	c, err := DialPOP3(addr)
	if err != nil {
		return nil, err
	}
	if err = c.Login(user, password); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// Login is USER and PASS. The error may be a *Denied.
func (c *POP3) Login(user, password string) error {
	if _, err := c.Do("USER %s", user); err != nil {
		return err
	}
	_, err := c.Do("PASS %s", password)
	return err
}

// Do sends a command and gives the text of its +OK; the error may be a *Denied.
func (c *POP3) Do(format string, args ...any) (string, error) {
	command := fmt.Sprintf(format, args...)
	if err := c.send(command + "\r\n"); err != nil {
		return "", err
	}
	return c.reply(command)
}

func (c *POP3) reply(command string) (string, error) {
	line, err := c.line()
	if err != nil {
		return "", err
	}
	if text, ok := strings.CutPrefix(line, "+OK"); ok {
		return strings.TrimPrefix(text, " "), nil
	}
	text, ok := strings.CutPrefix(line, "-ERR")
	if !ok {
		return "", c.fail("%q answers %s", line, command)
	}
	d := &Denied{Command: command, Text: strings.TrimPrefix(text, " ")}
	if inner, ok := strings.CutPrefix(d.Text, "["); ok {
		d.Code, d.Text, _ = strings.Cut(inner, "] ")
	}
	return "", d
}

// Lines sends a command with a multi-line reply and gives its lines without dot-stuffing.
func (c *POP3) Lines(format string, args ...any) ([]string, error) {
	if _, err := c.Do(format, args...); err != nil {
		return nil, err
	}
	var out []string
	for {
		line, err := c.line()
		if err != nil {
			return nil, err
		}
		if line == "." {
			return out, nil
		}
		out = append(out, strings.TrimPrefix(line, "."))
	}
}

// UIDL lists the unique-ids in order; the numbers must be 1, 2, 3 ….
func (c *POP3) UIDL() ([]string, error) {
	lines, err := c.Lines("UIDL")
	if err != nil {
		return nil, err
	}
	for i, line := range lines {
		n, id, _ := strings.Cut(line, " ")
		if n != strconv.Itoa(i+1) || id == "" {
			return nil, c.fail("line %d of UIDL is %q", i+1, line)
		}
		lines[i] = id
	}
	return lines, nil
}

// Goodbye is the last line of a server that ends the session; EOF must follow.
func (c *POP3) Goodbye() (*Denied, error) {
	_, err := c.reply("")
	d, ok := err.(*Denied)
	if !ok {
		return nil, fmt.Errorf("strict: no goodbye: %w", err)
	}
	if b, err := c.in.ReadByte(); err == nil {
		return nil, c.fail("%q after the goodbye", b)
	}
	return d, nil
}
