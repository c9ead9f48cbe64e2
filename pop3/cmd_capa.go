package pop3

import (
	"context"
	"slices"
	"strconv"
	"strings"
)

// capa is CAPA (RFC 2449 §5). It tells what is so now: in clear text, where no password may pass, neither USER nor SASL PLAIN.
func (c *conn) capa(ctx context.Context, r request) error {
	c.ok("Capabilities follow")
	c.line("TOP")
	c.line("UIDL")
	mechanisms := c.srv.opt.Gate.Mechanisms(c.door)
	if slices.Contains(mechanisms, "PLAIN") {
		c.line("USER")
	}
	if len(mechanisms) > 0 {
		c.line("SASL " + strings.Join(mechanisms, " "))
	}
	// RFC 2595 §4: announced in the AUTHORIZATION state only.
	if c.state == authorization && c.net.HasTLS() {
		c.line("STLS")
	}
	c.line("PIPELINING")
	c.line("RESP-CODES")
	c.line("AUTH-RESP-CODE")
	c.line("EXPIRE NEVER")
	c.line("LOGIN-DELAY " + strconv.Itoa(int(c.srv.opt.LoginDelay.Seconds())))
	c.line("UTF8 USER")
	c.line("LANG")
	c.line("IMPLEMENTATION " + c.srv.opt.Implementation)
	return c.done()
}
