package imap

// cmdXList is XLIST, which came before SPECIAL-USE (RFC 6154) and which old versions of Outlook and Apple's mail programs ask for: a
// plain LIST that calls INBOX \Inbox and \Junk \Spam.
//
//	xlist = "XLIST" SP mailbox SP list-mailbox
func (c *conn) cmdXList(r *request) error {
	var reference, pattern string
	if !c.dec.ExpectSP() || !c.dec.ExpectMailbox(&reference) || !c.dec.ExpectSP() || !c.dec.ExpectListMailbox(&pattern) ||
		!c.dec.ExpectCRLF() {
		return c.dec.Err()
	}
	if pattern == "" {
		c.enc.Untagged().Atom(`XLIST (\Noselect) `).Quoted(string(c.ns.sep)).Atom(` ""`).CRLF()
		return nil
	}
	q := listRequest{patterns: []string{pattern}}
	q.resolve(reference, c.on.rev2)
	entries, err := c.listEntries(&q)
	if err != nil {
		return err
	}
	for i := range entries {
		e := &entries[i]
		c.enc.Untagged().Atom("XLIST ").FlagList(xlistAttrs(e)).SP().Quoted(string(c.ns.sep)).SP().Mailbox(e.name).CRLF()
	}
	return nil
}

func xlistAttrs(e *listEntry) []string {
	attrs := make([]string, 0, len(e.attrs)+1)
	for _, a := range e.attrs {
		if a == `\Junk` {
			a = `\Spam`
		}
		attrs = append(attrs, a)
	}
	if e.name == "INBOX" {
		attrs = append(attrs, `\Inbox`)
	}
	return attrs
}
