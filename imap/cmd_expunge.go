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
	if c.box.readOnly {
		return errReadOnly
	}
	leave, err := c.enter(r)
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
	if c.on.condstore && len(res.UIDs) > 0 && res.ModSeq > 0 {
		r.code = highestModSeq(res.ModSeq)
	}
	return nil
}
