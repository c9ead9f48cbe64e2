package pop3

import (
	"context"
	"strconv"
)

// stat is STAT (RFC 1939 §5): what is not marked as deleted.
func (c *conn) stat(ctx context.Context, r request) error {
	return c.data(string(c.appendNumbers(int64(c.drop.left), c.drop.leftOctets)))
}

// list is LIST: numbers stay, deleted messages are left out.
func (c *conn) list(ctx context.Context, r request) error {
	if r.index >= 0 {
		return c.data(string(c.appendNumbers(int64(r.index+1), c.drop.octets(r.index))))
	}
	c.ok(c.welcome())
	w := c.net.Writer()
	for i := range c.drop.each() {
		w.Write(append(c.appendNumbers(int64(i+1), c.drop.octets(i)), "\r\n"...))
	}
	return c.done()
}

// uidl is UIDL (RFC 1939 §7), in the same order as LIST and with the same gaps.
func (c *conn) uidl(ctx context.Context, r request) error {
	if r.index >= 0 {
		return c.data(strconv.Itoa(r.index+1) + " " + c.drop.mail.UIDL(r.index))
	}
	c.ok("Unique-ids follow")
	w := c.net.Writer()
	for i := range c.drop.each() {
		c.scratch = strconv.AppendInt(c.scratch[:0], int64(i+1), 10)
		c.scratch = append(c.scratch, ' ')
		c.scratch = append(c.scratch, c.drop.mail.UIDL(i)...)
		w.Write(append(c.scratch, "\r\n"...))
	}
	return c.done()
}
