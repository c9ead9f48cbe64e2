package imap

// cmdNamespace is NAMESPACE (RFC 9051 §6.3.10): personal mailboxes only.
//
//	namespace = "NAMESPACE"
func (c *conn) cmdNamespace(r *request) error {
	if !c.dec.ExpectCRLF() {
		return c.dec.Err()
	}
	c.enc.Untagged().Atom("NAMESPACE ((").String(c.ns.prefix).SP().String(string(c.ns.sep)).Atom(")) NIL NIL").CRLF()
	return nil
}
