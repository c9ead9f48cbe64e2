package pop3

import (
	"context"
	"fmt"

	"bascule/maildir"
)

// dele is DELE: a mark that lives in this session only.
func (c *conn) dele(ctx context.Context, r request) error {
	c.drop.mark(r.index)
	return c.ok("Marked as deleted")
}

// rset is RSET: all marks are taken off. What was read stays read.
func (c *conn) rset(ctx context.Context, r request) error {
	c.drop.unmarkAll()
	return c.ok(c.welcome())
}

func (c *conn) noop(ctx context.Context, r request) error { return c.ok("Still here") }

// quit is QUIT. In the TRANSACTION state it is the UPDATE state of RFC 1939 §6: the marked messages go, all of them or none, before the
// client hears of it. Neither a stopping server nor an eviction interrupts it.
func (c *conn) quit(ctx context.Context, r request) error {
	if c.state == authorization {
		c.ok("Goodbye")
		return errOver
	}
	select {
	case <-c.drop.mail.Lost():
		// The watcher may be about to say so; who is not the holder any more must not delete.
		return (*stopError)(errLost)
	default:
	}
	deleted, seen := c.drop.marks(c.srv.opt.MarkSeen)
	err := c.drop.mail.Quit(context.WithoutCancel(ctx), deleted, seen)
	c.drop.written = true
	if err != nil {
		refused := c.refusalFor(err)
		c.sum.reason = "quit failed"
		c.refuse(&refusal{code: refused.code, text: "Nothing was deleted. " + refused.text})
		return errOver
	}
	c.sum.marked = len(deleted)
	c.sum.deleted = len(c.drop.mail.Removed())
	c.session.Removed(c.session.Account, maildir.Inbox, "quit", c.drop.mail.Removed())
	c.sum.reason = "logged out"
	c.leave() // before the reply: who reads +OK may log in again at once
	c.ok(fmt.Sprintf("Goodbye, %d deleted", len(deleted)))
	return errOver
}
