package pop3

import (
	"context"
	"fmt"
	"io"
	"strconv"

	msg "bascule/internal/message"
	"bascule/maildir"
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
		if err := c.sendFile(body); err != nil {
			return fmt.Errorf("%w: %w", errBroken, err)
		}
	} else if err := msg.WritePOP3(c.net.Writer(), alive{body.Section(0, body.Size()), c}, facts); err != nil {
		return fmt.Errorf("%w: %w", errBroken, err)
	}
	c.drop.seen[r.index] = true
	c.sum.retr++
	c.sum.retrOctets += octets
	return c.done()
}

// piece is how much of a file is sent between two signs of life.
const piece = 256 << 10

// sendFile sends a message whose file is what goes on the wire: the kernel may send it without showing it to us. A client that is still
// taking a large message is not silent, so each piece counts.
func (c *conn) sendFile(body *maildir.Body) error {
	for at := int64(0); at < body.Size(); {
		n, err := body.WriteRange(c.net.Writer(), at, piece)
		if err != nil {
			return err
		}
		at += n
		c.touch()
	}
	return nil
}

// alive notes a sign of life for each piece that is read to be sent.
type alive struct {
	io.Reader
	c *conn
}

func (a alive) Read(p []byte) (int, error) {
	a.c.touch()
	return a.Reader.Read(p)
}

// top is TOP (RFC 1939 §7): the header, its empty line, and so many lines of the body. It does not make the message read.
func (c *conn) top(ctx context.Context, r request) error {
	body, err := c.drop.mail.Open(ctx, r.index)
	if err != nil {
		return err
	}
	defer body.Close()
	c.ok("Top follows")
	if err := msg.WritePOP3Top(c.net.Writer(), alive{body.Section(0, body.Size()), c}, r.lines, body.Facts()); err != nil {
		return fmt.Errorf("%w: %w", errBroken, err)
	}
	c.sum.top++
	return c.done()
}
