package imap

import (
	"bascule/maildir"
)

// cmdSelect is SELECT and EXAMINE (RFC 9051 §6.3.2, §6.3.3; CONDSTORE, QRESYNC: RFC 7162 §3.1.8, §3.2.5).
//
//	select = "SELECT" SP mailbox [select-params]
//	examine = "EXAMINE" SP mailbox [select-params]
//	select-params = SP "(" select-param *(SP select-param) ")"
func (c *conn) cmdSelect(r *request) error {
	var name string
	var rs *resync
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
			switch {
			case p == "CONDSTORE":
				condstore = true
			case p == "QRESYNC" && !c.on.qresync:
				return c.dec.Fail("QRESYNC must be enabled first")
			case p == "QRESYNC" && rs == nil:
				rs = &resync{}
				return rs.parse(c.dec)
			default:
				return c.dec.Fail("unknown SELECT parameter")
			}
			return true
		}
		if !c.dec.ExpectList(param) {
			return c.dec.Err()
		}
	}
	if !c.dec.ExpectCRLF() {
		return c.dec.Err()
	}
	if rs != nil && rs.seqs != nil && c.on.uidOnly {
		return errUIDRequired
	}
	// Even a SELECT that fails leaves no mailbox selected (RFC 9051 §6.3.2).
	if c.box != nil {
		c.unselect()
		c.status("*", kindOK, "CLOSED", "The previous mailbox is closed")
	}
	p, err := c.findMailbox(name, maildir.RightRead)
	if err != nil {
		return err
	}
	m, err := p.acct.Attach(c.ctx, p.folder)
	if err != nil {
		return err
	}
	box, err := c.openBox(r, p, m, r.row.verb == "EXAMINE", rs)
	if err != nil {
		m.Close()
		return err
	}
	c.box, c.state = box, stateSelected
	c.listen()
	if condstore {
		c.on.condstore = true // HIGHESTMODSEQ is told below anyway
	}
	c.sess.SetMailbox(p.client())
	c.writeSelected(p)
	if rs != nil {
		c.writeResync(rs)
	}
	r.code, r.text = "READ-WRITE", "Selected"
	if box.readOnly {
		r.code = "READ-ONLY"
	}
	return nil
}

// openBox takes the first look at a mailbox, and finds out what went since the state in rs, if that is not nil.
func (c *conn) openBox(r *request, p place, m *maildir.Mailbox, examine bool, rs *resync) (*selected, error) {
	leave, err := c.enterMailbox(r, p.mount, m, r.row.touch, maildir.RightRead)
	if err != nil {
		return nil, err
	}
	defer leave()
	if p, err = c.permitted(p, maildir.RightRead); err != nil { // what they are now
		return nil, err
	}
	snap, err := m.Look(c.ctx)
	if err != nil {
		return nil, err
	}
	eyes, err := m.Eyes(c.ctx, c.user())
	if err != nil {
		return nil, err
	}
	snap = eyes.See(snap)
	b := &selected{m: m, mount: p.mount, eyes: eyes, view: view{snap: snap}, examined: examine, urlKey: m.URLKeyID()}
	b.permit(p.rights)
	if !c.on.rev2 {
		if err := b.claimRecent(c.ctx, snap); err != nil {
			return nil, err
		}
	}
	if rs != nil {
		if err := rs.compare(c.ctx, b); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// writeSelected writes what SELECT tells about the mailbox.
func (c *conn) writeSelected(p place) {
	snap := c.box.view.snap
	c.writeFlagLists(snap)
	c.enc.Untagged().Number(uint32(snap.Len())).Atom(" EXISTS").CRLF()
	if !c.on.rev2 {
		c.enc.Untagged().Number(uint32(c.box.recentCount())).Atom(" RECENT").CRLF()
		if i := snap.FirstUnseen(); i >= 0 && !c.on.uidOnly {
			c.enc.Untagged().Atom("OK [UNSEEN ").Number(uint32(i + 1)).Atom("] ").Text(c.words("First unseen message")).CRLF()
		}
	}
	c.enc.Untagged().Atom("OK [UIDVALIDITY ").Number(snap.UIDValidity()).Atom("] ").Text(c.words("UIDs are valid")).CRLF()
	c.enc.Untagged().Atom("OK [UIDNEXT ").Number(uint32(snap.UIDNext())).Atom("] ").Text(c.words("Predicted next UID")).CRLF()
	c.enc.Untagged().Atom("OK [MAILBOXID (").Atom(c.box.m.ID()).Atom(")] ").Text(c.words("Mailbox id")).CRLF()
	if p.mount == c.home {
		c.status("*", kindOK, urlMechCode, "URLs can be authorized")
	}
	c.tellWhole("Highest modification sequence")
	if c.on.rev2 {
		// RFC 9051 §6.3.2: a LIST response with the name as the server writes it.
		c.enc.Untagged().Atom("LIST () ").Quoted(string(c.ns.sep)).SP().Mailbox(p.client()).CRLF()
	}
}
