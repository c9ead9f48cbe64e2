package imap

import (
	"fmt"
	"runtime/debug"
)

// A thousand sessions may idle on one mailbox, and the news are the same few octets for each. What is usual of them, an EXISTS or a few lines, is
// told by the mailbox's own goroutine while the connections go on resting. All else is done as if there were no such thing: the connection
// wakes up, and its goroutine looks.

// hear tells the client what is new in the selected mailbox. Any goroutine may call it.
func (c *conn) hear() {
	if !c.nc.Visit(c.tellVisiting) {
		c.nc.Wake()
	}
}

const (
	// visitLines bounds the lines of a visit, about.
	visitLines = 16
	// visitOctets bounds what is written in a visit, as netserve does.
	visitOctets = 1 << 10
)

// tellVisiting tells the news within a visit. It says whether that is all there was to do; what it could not do, or not
// send, is done when the connection wakes up, errors included: those come again.
func (c *conn) tellVisiting() (done bool) {
	defer func() {
		if p := recover(); p != nil {
			c.idling.panicked = fmt.Sprintf("%v\n%s", p, debug.Stack()) // to end the connection, as any other would
			done = false
		}
		c.detach()
	}()
	if c.leaving.Load() != nil || !c.visitable() {
		return false
	}
	c.enc.SetWriter(c.nc.Writer())
	r := c.idling.r
	r.visiting = true
	defer func() { r.visiting = false }()
	if c.sync(r, nil) != nil || c.enc.Buffered() > visitOctets || c.flush() != nil {
		return false
	}
	return !c.heldBack()
}

// visitable tells whether the news are few, and of the selected mailbox alone, which is the user's own.
func (c *conn) visitable() bool {
	b := c.box
	if b == nil || b.mount != c.home || c.notify != nil || len(b.contexts) > 0 || c.entries.on {
		return false
	}
	d := b.m.Diff(b.view.snap, b.snapshot())
	return len(d.Gone)+len(d.Changed) <= visitLines
}
