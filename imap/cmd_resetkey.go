package imap

import (
	"strings"
)

// cmdResetKey is RESETKEY (RFC 4467 §7.1): it takes back the URLs into a mailbox, or all of the user's.
//
//	resetkey = "RESETKEY" [SP mailbox *(SP mechanism)]
func (c *conn) cmdResetKey(r *request) error {
	if !c.dec.SP() {
		if !c.dec.ExpectCRLF() {
			return c.dec.Err()
		}
		if err := c.home.acct.ForgetURLKeys(c.ctx); err != nil {
			return err
		}
		c.noteURL("url.reset", "all mailboxes")
		r.text = "All URLs are taken back"
		return nil
	}
	var name string
	if !c.dec.ExpectMailbox(&name) {
		return c.dec.Err()
	}
	known := true
	for c.dec.SP() {
		var mechanism string
		if !c.dec.ExpectAtom(&mechanism) {
			return c.dec.Err()
		}
		known = known && strings.EqualFold(mechanism, urlMechanism)
	}
	if !c.dec.ExpectCRLF() {
		return c.dec.Err()
	}
	if !known {
		return no("CANNOT", "Unknown URL mechanism; INTERNAL is the one there is")
	}
	p, err := c.locate(name)
	if err != nil {
		return err
	}
	if p.mount != c.home {
		return no("NOPERM", "The keys of a mailbox are its owner's")
	}
	if err := p.acct.ResetURLKey(c.ctx, p.folder); err != nil {
		return err
	}
	c.noteURL("url.reset", p.folder)
	if b := c.box; b != nil && b.mount == c.home && b.m.Name() == p.folder {
		b.urlKey = b.m.URLKeyID() // told by this answer
	}
	r.code, r.text = urlMechCode, "The mailbox has a new key"
	return nil
}

// urlMechCode is the response code that tells the mechanisms (RFC 4467 §8).
const urlMechCode = "URLMECH " + urlMechanism

// tellURLKey tells the owner that the key of the selected mailbox was changed by another session (RFC 4467 §7.1). The first key that a
// mailbox gets takes nothing back.
func (c *conn) tellURLKey() {
	b := c.box
	now := b.m.URLKeyID()
	if now == b.urlKey {
		return
	}
	was := b.urlKey
	b.urlKey = now
	if was != "" && b.mount == c.home {
		c.status("*", kindOK, urlMechCode, "URLs into this mailbox were taken back")
	}
}
