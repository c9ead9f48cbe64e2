package netserve

import (
	"context"
	"time"
)

// handshakeTimeout bounds a TLS handshake.
const handshakeTimeout = 30 * time.Second

// StartTLS upgrades the connection. Write the protocol's "go ahead" to Writer and do not flush it: StartTLS first throws away
// everything the client has sent in clear text, in our buffers and in the kernel's, then flushes, then does the handshake. (If the
// reply has been flushed already, the kernel's buffer is left alone: a ClientHello may be in it.) What a man in the middle put
// behind the command is thereby never read as a command of the protected session. An error leaves the connection unusable.
func (c *Conn) StartTLS(ctx context.Context) error {
	if !c.HasTLS() {
		return ErrNoTLS
	}
	if c.br != nil {
		c.br.Reset(source{c})
	}
	c.line, c.skipping, c.haveFirst = nil, 0, false
	if c.bw != nil && c.bw.Buffered() > 0 {
		discardPending(c.raw)
	}
	if err := c.Flush(); err != nil {
		return err
	}
	c.freeBuffers()
	return c.handshake(ctx, handshakeTimeout)
}
