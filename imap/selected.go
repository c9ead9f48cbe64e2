package imap

import (
	"context"
	"errors"

	"bascule/imap/wire"
	"bascule/maildir"
)

// selected is a session's open mailbox.
type selected struct {
	m        *maildir.Mailbox
	mount    *mount
	eyes     *maildir.Eyes // if the user has a \Seen of his own there; else nil
	view     view
	examined bool           // by EXAMINE
	rights   maildir.Rights // as the client was last told of them
	readOnly bool           // EXAMINE, or no right to change anything
	looks    bool           // likewise, a \Seen of the user's own aside: nothing that others see is changed
	saved    wire.Ranges    // UIDs of the saved search result, "$" (RFC 9051 §6.4.4.1)
	recent   wire.Ranges    // UIDs that this session calls \Recent (RFC 3501 §2.3.2)
	next     maildir.UID    // UIDs below have been claimed, by us or by somebody else

	contexts []*searchContext // searches whose results are kept up to date
	unwatch  func()           // under NOTIFY: ends the watch of the mailbox

	urlKey string // which key its URLs have, as the client knows; see tellURLKey

	told maildir.ModSeq // HIGHESTMODSEQ as the client was last told
	sent maildir.ModSeq // the highest MODSEQ in a FETCH response since
}

// unselect closes the selected mailbox, if there is one. Nothing is expunged.
func (c *conn) unselect() {
	if c.box == nil {
		return
	}
	if c.box.unwatch != nil {
		c.box.unwatch()
	}
	c.box.m.Close()
	c.box = nil
	c.state = stateAuth
	c.sess.SetMailbox("")
}

// snapshot is the newest state of the mailbox, as the user sees it.
func (b *selected) snapshot() *maildir.Snapshot { return b.eyes.See(b.m.Snapshot()) }

// permit makes r what the user may do in the mailbox. It says whether that is something new.
func (b *selected) permit(r maildir.Rights) (news bool) {
	b.looks = b.examined || r&changing == 0
	r = withOwnSeen(r, b.eyes)
	news = r != b.rights
	b.rights = r
	b.readOnly = b.examined || r&changing == 0
	return news
}

// withOwnSeen adds that who may read may also say what he has read, where nobody else sees it.
func withOwnSeen(r maildir.Rights, eyes *maildir.Eyes) maildir.Rights {
	if eyes != nil && r.Has(maildir.RightRead) {
		r |= maildir.RightSeen
	}
	return r
}

// changing are the rights of which one makes a mailbox READ-WRITE (RFC 4314 §5.2).
const changing = maildir.RightInsert | maildir.RightExpunge | maildir.RightSeen | maildir.RightWrite | maildir.RightDeleteMark

// may fails unless the user has rights in the selected mailbox.
func (b *selected) may(need maildir.Rights) error { return b.rights.Need(need) }

// standing looks whether the user still has his rights in the selected mailbox, if it is somebody else's. Who may not read it any more is
// sent away (RFC 4314 §5.1.1): he finds out what is left to him when he comes back.
func (c *conn) standing() error {
	b := c.box
	if b == nil || b.mount == c.home {
		return nil
	}
	rights, err := b.m.Rights(c.ctx, c.user())
	switch {
	case errors.Is(err, maildir.ErrGone), c.leaving.Load() != nil:
		return nil // the end comes by another way
	case err != nil:
		return err
	case b.mount.visit.Over() || !rights.Has(maildir.RightRead):
		return bye("", "The selected mailbox is not shared with you any more")
	}
	eyes, err := b.m.Eyes(c.ctx, c.user())
	if err != nil && !errors.Is(err, maildir.ErrGone) {
		return err
	}
	if err == nil && eyes != b.eyes {
		return bye("", "What is read is kept in another way now; select the mailbox again")
	}
	if was := b.readOnly; b.permit(rights) {
		c.writeFlagLists(b.view.snap)
		if b.readOnly != was {
			c.writeAccess(b.readOnly)
		}
	}
	return nil
}

// writeAccess tells that the access to the selected mailbox has changed (RFC 3501 §7.1).
func (c *conn) writeAccess(readOnly bool) {
	code := "READ-WRITE"
	if readOnly {
		code = "READ-ONLY"
	}
	c.status("*", kindOK, code, "Your rights in this mailbox have changed")
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
// another session was quicker. A session that changes nothing for others just looks.
func (b *selected) claimRecent(ctx context.Context, snap *maildir.Snapshot) error {
	if snap.UIDNext() <= b.next {
		return nil
	}
	claim := b.m.ClaimRecent
	if b.looks {
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
// and says so to the client. may says whether the user has the rights for what the command does. It is asked before, and once more
// inside: they may have been taken away while the command came or waited. leave must be called before anything long is written.
func (c *conn) enter(r *request, touch maildir.Touch, may func() error) (leave func(), err error) {
	if err := may(); err != nil {
		return nil, err
	}
	leave, err = c.pass(r, c.box.mount, c.box.m, touch)
	if err != nil || c.box.mount == c.home {
		return leave, err
	}
	if err = c.standing(); err == nil {
		err = may()
	}
	if err != nil {
		leave()
		return nil, err
	}
	return leave, nil
}

// enterMailbox is enter for any mailbox, and the rights that the command needs there.
func (c *conn) enterMailbox(r *request, mt *mount, m *maildir.Mailbox, touch maildir.Touch, need maildir.Rights) (leave func(), err error) {
	leave, err = c.pass(r, mt, m, touch)
	if err != nil || mt == c.home {
		return leave, err
	}
	if err := c.stillMay(mt, m, need); err != nil {
		leave()
		return nil, err
	}
	return leave, nil
}

// pass is enter without a look at rights.
func (c *conn) pass(r *request, mt *mount, m *maildir.Mailbox, touch maildir.Touch) (leave func(), err error) {
	release, err := mt.door.Enter(c.ctx, m.Name(), touch, func() { c.sayWaiting(r) })
	if err != nil || c.box == nil || m != c.box.m {
		return release, err
	}
	return func() {
		r.inside = c.box.snapshot()
		release()
	}, nil
}

// stillMay fails unless the user has, as of now, rights in an open mailbox. One that was deleted is the store's to speak of.
func (c *conn) stillMay(mt *mount, m *maildir.Mailbox, need maildir.Rights) error {
	if mt.visit != nil && mt.visit.Over() {
		return maildir.ErrNoMailbox
	}
	if mt.lent {
		return nil
	}
	rights, err := m.Rights(c.ctx, c.user())
	if errors.Is(err, maildir.ErrGone) {
		return nil
	}
	if err != nil {
		return err
	}
	return rights.Need(need)
}

// sayWaiting tells the client that its command waits, so that it does not give up (RFC 9585 §3).
func (c *conn) sayWaiting(r *request) {
	c.status("*", kindOK, "INPROGRESS", "A POP3 session has the mailbox; waiting for it to end")
	c.flush()
}
