package pop3

import (
	"context"
	"fmt"
	"strconv"

	msg "bascule/internal/message"
)

// retr is RETR (RFC 1939 §5). The message counts as read (a setting) once its last octet has been handed to the connection; the flag is
// written when the session ends.
func (c *conn) retr(ctx context.Context, r request) error {
	body, err := c.drop.mail.Open(ctx, r.index)
	if err != nil {
		return err
	}
	defer body.Close()
	octets := c.drop.octets(r.index)
	c.ok(strconv.FormatInt(octets, 10) + " octets")
	if facts := body.Facts(); facts.Kind.DirectPOP3() {
		// The file is what goes on the wire: the kernel may send it without showing it to us.
		if _, err := body.WriteRange(c.net.Writer(), 0, body.Size()); err != nil {
			return fmt.Errorf("%w: %w", errBroken, err)
		}
	} else if err := msg.WritePOP3(c.net.Writer(), body.Section(0, body.Size()), facts); err != nil {
		return fmt.Errorf("%w: %w", errBroken, err)
	}
	c.drop.seen[r.index] = true
	c.sum.retr++
	c.sum.retrOctets += octets
	return c.done()
}

// top is TOP (RFC 1939 §7): the header, its empty line, and so many lines of the body. It does not make the message read.
func (c *conn) top(ctx context.Context, r request) error {
	body, err := c.drop.mail.Open(ctx, r.index)
	if err != nil {
		return err
	}
	defer body.Close()
	c.ok("Top follows")
	if err := msg.WritePOP3Top(c.net.Writer(), body.Section(0, body.Size()), r.lines, body.Facts()); err != nil {
		return fmt.Errorf("%w: %w", errBroken, err)
	}
	c.sum.top++
	return c.done()
}
