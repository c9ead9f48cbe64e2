package imap

// cmdLogout is LOGOUT (RFC 9051 §6.1.3).
//
//	logout = "LOGOUT"
func (c *conn) cmdLogout(r *request) error {
	if !c.dec.ExpectCRLF() {
		return c.dec.Err()
	}
	c.status("*", kindBye, "", "Logging out")
	c.unselect()
	c.sum.reason = "logged out"
	c.state = stateLogout
	return nil
}
