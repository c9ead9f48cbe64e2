package imap

import (
	"errors"

	"bascule/maildir"
)

// cmdClose is CLOSE (RFC 9051 §6.4.1): it expunges without a word, and unselects. While a POP3 session has the mailbox it
// fails and the mailbox stays selected, for else the expunge would be forgotten.
//
//	close = "CLOSE"
func (c *conn) cmdClose(r *request) error {
	if !c.dec.ExpectCRLF() {
		return c.dec.Err()
	}
	// Without the right CLOSE is good all the same (RFC 4314 §4).
	if err := c.closing(r); err != nil && !errors.Is(err, errReadOnly) && !errors.Is(err, maildir.ErrNoRight) {
		return err
	}
	c.unselect()
	return nil
}

// closing expunges for CLOSE.
func (c *conn) closing(r *request) error {
	leave, err := c.enter(r, r.row.touch, c.mayExpunge)
	if err != nil {
		return err
	}
	res, err := c.box.m.Expunge(c.ctx, nil)
	leave()
	if err != nil {
		return err
	}
	c.expunged("close", res.Removed)
	return nil
}

// cmdUnselect is UNSELECT (RFC 9051 §6.4.2): CLOSE that expunges nothing.
//
//	unselect = "UNSELECT"
func (c *conn) cmdUnselect(r *request) error {
	if !c.dec.ExpectCRLF() {
		return c.dec.Err()
	}
	c.unselect()
	return nil
}
