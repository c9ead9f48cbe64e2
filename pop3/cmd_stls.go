package pop3

import (
	"context"
	"fmt"

	"bascule/internal/language"
)

// stls is STLS (RFC 2595 §4). What the client said before in clear text is forgotten, its name too; what was buffered behind the
// command is thrown away by the connection, so nobody on the way can slip commands into the protected session.
func (c *conn) stls(ctx context.Context, r request) error {
	if c.net.TLS() != nil || c.net.ProxyTLS() != "" {
		return bad("TLS is active already")
	}
	if !c.net.HasTLS() {
		return &refusal{code: "SYS/PERM", text: "No TLS here"}
	}
	c.ok("Begin TLS")
	if err := c.net.StartTLS(ctx); err != nil {
		c.log.Debug("pop3 tls handshake failed", "err", err)
		return fmt.Errorf("%w: %w", errBroken, err)
	}
	c.name, c.speaks = "", language.Default
	c.door.TLS = c.net.TLS()
	return nil
}
