package imap

import (
	"bascule/imap/wire"
	"bascule/maildir"
)

// cmdReplace is REPLACE and UID REPLACE (RFC 8508): an APPEND and an EXPUNGE of one message that are one change. APPENDUID
// goes before the EXPUNGE, which is sync's (§4.3).
//
//	replace = "REPLACE" SP seq-number SP mailbox append-message
func (c *conn) cmdReplace(r *request) error {
	var set wire.NumSet
	u := upload{c: c, r: r}
	if !c.dec.ExpectSP() || !c.dec.ExpectNumSet(&set) || !c.dec.ExpectSP() || !c.dec.ExpectMailbox(&u.name) || !c.dec.ExpectSP() {
		return c.dec.Err()
	}
	if set.Saved || len(set.Ranges) != 1 || set.Ranges[0].Start != set.Ranges[0].Stop {
		return bad("REPLACE takes one message")
	}
	u.admit = func() (err error) {
		u.old, err = c.replaceable(r, set)
		return err
	}
	defer u.close()
	if err := u.message(); err != nil {
		return err
	}
	if !c.dec.ExpectCRLF() {
		return c.dec.Err()
	}
	// A POP3 session that came while the client was sending keeps its messages.
	leave, err := c.enter(r, r.row.touch, c.mayReplace)
	if err != nil {
		return err
	}
	defer leave()
	if err := u.stillMay(); err != nil {
		return err
	}
	res, err := u.msgs.Replace(c.ctx, c.box.m, u.old.UID)
	if err != nil {
		return err
	}
	u.keepSeen(res.UIDs)
	c.sum.appended++
	c.addedUIDs(res.UIDValidity, res.UIDs)
	c.expunged("replace", res.Removed)
	c.status("*", kindOK, appendUID(res.AppendResult), "Replacement is there")
	r.expunged = true
	return nil
}

// mayReplace makes sure that messages of the selected mailbox may be replaced (RFC 8508 §4.1).
func (c *conn) mayReplace() error {
	if c.box.readOnly {
		return errReadOnly
	}
	return c.box.may(maildir.RightDeleteMark | maildir.RightExpunge)
}

// replaceable finds the message that is to go, and makes sure that it may.
func (c *conn) replaceable(r *request, set wire.NumSet) (*maildir.Message, error) {
	leave, err := c.enter(r, r.row.touch, c.mayReplace)
	if err != nil {
		return nil, err
	}
	defer leave()
	spans, err := c.box.resolve(set, r.row.uid)
	if err != nil {
		return nil, err
	}
	uids, gone := existing(c.box, spans)
	if len(uids) == 0 && !gone {
		return nil, no("NONEXISTENT", "No message has this UID")
	}
	if len(uids) > 0 {
		if m := c.box.m.Snapshot().Find(uids[0]); m != nil {
			return m, nil
		}
	}
	return nil, maildir.ErrGone
}
