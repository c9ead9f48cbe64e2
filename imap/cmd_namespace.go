package imap

import "bascule/internal/utf7"

// cmdNamespace is NAMESPACE (RFC 9051 §6.3.10): the user's own mailboxes, other users', shared ones.
//
//	namespace = "NAMESPACE"
func (c *conn) cmdNamespace(r *request) error {
	if !c.dec.ExpectCRLF() {
		return c.dec.Err()
	}
	c.writeNamespace()
	return nil
}

// writeNamespace tells the names' beginnings, and what they are called in the client's language if that is another name (RFC 5255 §3.4).
func (c *conn) writeNamespace() {
	sep := string(c.ns.sep)
	c.enc.Untagged().Atom("NAMESPACE ((").String(c.ns.prefix).SP().String(sep).Atom("))")
	for _, root := range []string{othersRoot, sharedRoot} {
		c.enc.Atom(" ((").String(root + sep).SP().String(sep)
		if name := c.lang.Text(root); name != root {
			c.enc.Atom(` "TRANSLATION" (`).String(utf7.Encode(name) + sep).Special(')')
		}
		c.enc.Atom("))")
	}
	c.enc.CRLF()
}
