package imap

// cmdCapability is CAPABILITY (RFC 9051 §6.1.1).
//
//	capability = "CAPABILITY"
func (c *conn) cmdCapability(r *request) error {
	if !c.dec.ExpectCRLF() {
		return c.dec.Err()
	}
	c.enc.Untagged().Atom("CAPABILITY ").Atom(c.capabilities()).CRLF()
	return nil
}
