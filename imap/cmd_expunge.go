package imap

import (
	"bascule/imap/wire"
	"bascule/maildir"
)

// cmdExpunge is EXPUNGE and UID EXPUNGE (RFC 9051 §6.4.3, §6.4.9). The EXPUNGE responses are sync's.
//
//	expunge = "EXPUNGE"
//	uid-expunge = "UID" SP "EXPUNGE" SP sequence-set
func (c *conn) cmdExpunge(r *request) error {
	var set wire.NumSet
	if r.row.uid && (!c.dec.ExpectSP() || !c.dec.ExpectNumSet(&set)) || !c.dec.ExpectCRLF() {
		return c.dec.Err()
	}
	leave, err := c.enter(r, r.row.touch, c.mayExpunge)
	if err != nil {
		return err
	}
	defer leave()
	var uids []maildir.UID // nil stands for all that are \Deleted
	if r.row.uid {
		spans, err := c.box.resolve(set, true)
		if err != nil {
			return err
		}
		if uids, _ = c.box.view.uids(spans); len(uids) == 0 {
			return nil
		}
	}
	res, err := c.box.m.Expunge(c.ctx, uids)
	if err != nil {
		return err
	}
	c.expunged("expunge", res.Removed)
	r.expunged = len(res.UIDs) > 0
	return nil
}

// mayExpunge makes sure that messages of the selected mailbox may be removed.
func (c *conn) mayExpunge() error {
	if c.box.readOnly {
		return errReadOnly
	}
	return c.box.may(maildir.RightExpunge)
}

// expunged notes what the session removed from the selected mailbox.
func (c *conn) expunged(cause string, list []maildir.Removed) {
	c.sum.expunged += len(list)
	c.sess.Removed(c.box.m.Account(), c.box.m.Name(), cause, list)
}
