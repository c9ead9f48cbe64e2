package imap

// cmdNoop is NOOP (RFC 9051 §6.1.2) and CHECK (RFC 3501 §6.4.1): the end of every command tells the
// news, so all they ask for is to look further than this process.
//
//	noop = "NOOP"    check = "CHECK"
func (c *conn) cmdNoop(r *request) error {
	if !c.dec.ExpectCRLF() {
		return c.dec.Err()
	}
	r.refresh = true
	return nil
}
