package imap

import (
	"bascule/maildir"
)

// cmdSelect is SELECT and EXAMINE (RFC 9051 §6.3.2, §6.3.3; CONDSTORE: RFC 7162 §3.1.8).
//
//	select = "SELECT" SP mailbox [select-params]
//	examine = "EXAMINE" SP mailbox [select-params]
//	select-params = SP "(" select-param *(SP select-param) ")"
func (c *conn) cmdSelect(r *request) error {
	var name string
	condstore := false
	if !c.dec.ExpectSP() || !c.dec.ExpectMailbox(&name) {
		return c.dec.Err()
	}
	if c.dec.SP() {
		param := func() bool {
			var p string
			if !c.dec.ExpectKeyword(&p) {
				return false
			}
			if p != "CONDSTORE" {
				return c.dec.Fail("unknown SELECT parameter")
			}
			condstore = true
			return true
		}
		if !c.dec.ExpectList(param) {
			return c.dec.Err()
		}
	}
	if !c.dec.ExpectCRLF() {
		return c.dec.Err()
	}
	// Even a SELECT that fails leaves no mailbox selected (RFC 9051 §6.3.2).
	if c.box != nil {
		c.unselect()
		c.status("*", kindOK, "CLOSED", "The previous mailbox is closed")
	}
	canonical, err := c.ns.Canonical(name)
	if err != nil {
		return maildir.ErrNoMailbox
	}
	m, err := c.acct.Mailbox(c.ctx, canonical)
	if err != nil {
		return err
	}
	box, err := c.openBox(r, m, r.row.verb == "EXAMINE")
	if err != nil {
		m.Close()
		return err
	}
	c.box, c.state = box, stateSelected
	if condstore {
		c.on.condstore = true // HIGHESTMODSEQ is told below anyway
	}
	c.sess.SetMailbox(canonical)
	c.writeSelected(canonical)
	r.code, r.text = "READ-WRITE", "Selected"
	if box.readOnly {
		r.code = "READ-ONLY"
	}
	return nil
}

// openBox takes the first look at a mailbox.
func (c *conn) openBox(r *request, m *maildir.Mailbox, readOnly bool) (*selected, error) {
	leave, err := c.enterMailbox(r, m, r.row.touch)
	if err != nil {
		return nil, err
	}
	defer leave()
	snap, err := m.Refresh(c.ctx)
	if err != nil {
		return nil, err
	}
	b := &selected{m: m, view: view{snap: snap}, readOnly: readOnly}
	if !c.on.rev2 {
		if err := b.claimRecent(c.ctx, snap); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// writeSelected writes what SELECT tells about the mailbox.
func (c *conn) writeSelected(canonical string) {
	snap := c.box.view.snap
	c.writeFlagLists(snap)
	c.enc.Untagged().Number(uint32(snap.Len())).Atom(" EXISTS").CRLF()
	if !c.on.rev2 {
		c.enc.Untagged().Number(uint32(c.box.recentCount())).Atom(" RECENT").CRLF()
		if i := snap.FirstUnseen(); i >= 0 {
			c.enc.Untagged().Atom("OK [UNSEEN ").Number(uint32(i + 1)).Atom("] First unseen message").CRLF()
		}
	}
	c.enc.Untagged().Atom("OK [UIDVALIDITY ").Number(snap.UIDValidity()).Atom("] UIDs are valid").CRLF()
	c.enc.Untagged().Atom("OK [UIDNEXT ").Number(uint32(snap.UIDNext())).Atom("] Predicted next UID").CRLF()
	c.enc.Untagged().Atom("OK [HIGHESTMODSEQ ").Number64(uint64(snap.HighestModSeq())).Atom("] Highest modification sequence").CRLF()
	if c.on.rev2 {
		// RFC 9051 §6.3.2: a LIST response with the name as the server writes it.
		c.enc.Untagged().Atom("LIST () ").Quoted(string(c.ns.sep)).SP().Mailbox(c.ns.Client(canonical)).CRLF()
	}
}
