package pop3

import (
	"context"
	"slices"
	"unicode/utf8"

	"bascule/internal/gate"
)

// user is USER (RFC 1939 §7). It says +OK to every name: which exist is not told before the password.
func (c *conn) user(ctx context.Context, r request) error {
	if !c.plainAllowed() {
		return errClear
	}
	if !utf8.ValidString(r.rest) {
		return bad("Name is not UTF-8") // RFC 6856 §2.2
	}
	c.name = r.rest
	return c.ok("Name noted, the password please")
}

// pass is PASS. Everything after the first blank is the password, blanks too.
func (c *conn) pass(ctx context.Context, r request) error {
	if !c.plainAllowed() {
		return errClear
	}
	if c.name == "" {
		return bad("USER comes first")
	}
	name := c.name
	c.name = ""
	if !utf8.ValidString(r.rest) {
		return bad("Password is not UTF-8")
	}
	session, err := c.srv.opt.Gate.Password(ctx, c.door, name, r.rest)
	if err != nil {
		return err
	}
	return c.enter(ctx, session)
}

// errClear refuses a password that anybody on the way could read.
var errClear = &gate.Refusal{Code: gate.Privacy, Text: "No passwords in clear text here; use STLS first, or the port with TLS"}

// plainAllowed tells whether the connection may carry a password as it is: exactly when the door offers PLAIN.
func (c *conn) plainAllowed() bool {
	return slices.Contains(c.srv.opt.Gate.Mechanisms(c.door), "PLAIN")
}
