package imap

// cmdClose is CLOSE (RFC 9051 §6.4.1): it expunges without a word, and unselects. While a POP3 session has the mailbox it
// fails and the mailbox stays selected, for else the expunge would be forgotten.
//
//	close = "CLOSE"
func (c *conn) cmdClose(r *request) error {
	if !c.dec.ExpectCRLF() {
		return c.dec.Err()
	}
	if !c.box.readOnly {
		leave, err := c.enter(r)
		if err != nil {
			return err
		}
		_, err = c.box.m.Expunge(c.ctx, nil)
		leave()
		if err != nil {
			return err
		}
	}
	c.unselect()
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
