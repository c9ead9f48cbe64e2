package imap

import (
	"context"

	"bascule/imap/wire"
	"bascule/maildir"
)

// selected is a session's open mailbox.
type selected struct {
	m        *maildir.Mailbox
	view     view
	readOnly bool        // EXAMINE
	saved    wire.Ranges // UIDs of the saved search result, "$" (RFC 9051 §6.4.4.1)
	recent   wire.Ranges // UIDs that this session calls \Recent (RFC 3501 §2.3.2)
	next     maildir.UID // UIDs below have been claimed, by us or by somebody else
}

// unselect closes the selected mailbox, if there is one. Nothing is expunged.
func (c *conn) unselect() {
	if c.box == nil {
		return
	}
	c.box.m.Close()
	c.box = nil
	c.state = stateAuth
	c.sess.SetMailbox("")
}

// resolve maps a client's set to runs of the session's numbers.
func (b *selected) resolve(set wire.NumSet, uid bool) ([]span, error) {
	switch {
	case set.Saved:
		return b.view.ofUIDs(b.saved), nil
	case uid:
		return b.view.byUID(set), nil
	}
	return b.view.bySeq(set)
}

// maxRecent bounds the runs of UIDs that a session remembers as recent; the oldest are forgotten.
const maxRecent = 1000

// claimRecent makes what arrived since the last claim this session's to call \Recent, unless
// another session was quicker. A session that reads only just looks.
func (b *selected) claimRecent(ctx context.Context, snap *maildir.Snapshot) error {
	if snap.UIDNext() <= b.next {
		return nil
	}
	claim := b.m.ClaimRecent
	if b.readOnly {
		claim = b.m.RecentFrom
	}
	from, err := claim(ctx)
	if err != nil {
		return err
	}
	if from = max(from, b.next); from < snap.UIDNext() {
		r := wire.Range{Start: uint32(from), Stop: uint32(snap.UIDNext() - 1)}
		if n := len(b.recent); n > 0 && b.recent[n-1].Stop+1 == r.Start {
			b.recent[n-1].Stop = r.Stop
		} else {
			b.recent = append(b.recent, r)
		}
		if len(b.recent) > maxRecent {
			b.recent = b.recent[len(b.recent)-maxRecent:]
		}
	}
	b.next = snap.UIDNext()
	return nil
}

// recentCount is how many messages of the view are recent.
func (b *selected) recentCount() int {
	n := 0
	for _, s := range b.view.ofUIDs(b.recent) {
		n += int(s.hi-s.lo) + 1
	}
	return n
}

// enter lets a command into the selected mailbox: it waits while a POP3 session has it,
// and says so to the client. leave must be called before anything long is written.
func (c *conn) enter(r *request) (leave func(), err error) {
	return c.enterMailbox(r, c.box.m, r.row.touch)
}

func (c *conn) enterMailbox(r *request, m *maildir.Mailbox, touch maildir.Touch) (leave func(), err error) {
	release, err := c.door.Enter(c.ctx, m.Name(), touch, func() { c.sayWaiting(r) })
	if err != nil || c.box == nil || m.ID() != c.box.m.ID() {
		return release, err
	}
	return func() {
		r.inside = m.Snapshot()
		release()
	}, nil
}

// sayWaiting tells the client that its command waits, so that it does not give up (RFC 9585 §3).
func (c *conn) sayWaiting(r *request) {
	c.status("*", kindOK, "INPROGRESS", "A POP3 session has the mailbox; waiting for it to end")
	c.flush()
}
