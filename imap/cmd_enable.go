package imap

// cmdEnable is ENABLE (RFC 9051 §6.3.1). Unknown names are passed over.
//
//	enable = "ENABLE" 1*(SP capability)
func (c *conn) cmdEnable(r *request) error {
	on := c.on
	var names []string
	for more := c.dec.ExpectSP(); more; more = c.dec.SP() {
		var name string
		if !c.dec.ExpectKeyword(&name) {
			return c.dec.Err()
		}
		switch {
		case name == "IMAP4REV2" && !on.rev2:
			on.rev2 = true
			names = append(names, "IMAP4rev2")
		case name == "UTF8=ACCEPT" && !on.utf8:
			on.utf8 = true
			names = append(names, "UTF8=ACCEPT")
		case name == "CONDSTORE" && !on.condstore:
			on.condstore = true
			names = append(names, "CONDSTORE")
		case name == "QRESYNC" && !on.qresync:
			on.qresync = true
			names = append(names, "QRESYNC")
		case name == "METADATA" && !on.metadata:
			on.metadata = true
			names = append(names, "METADATA")
		case name == "UIDONLY" && !on.uidOnly:
			on.uidOnly = true
			names = append(names, "UIDONLY")
		}
	}
	if !c.dec.ExpectCRLF() {
		return c.dec.Err()
	}
	c.enc.Untagged().Atom("ENABLED")
	for _, n := range names {
		c.enc.SP().Atom(n)
	}
	c.enc.CRLF()
	if on.qresync && !c.on.qresync {
		on.condstore = true
		c.tellWhole("QRESYNC enabled")
	} else if on.condstore {
		c.useCondstore()
	}
	if on.uidOnly && !c.on.uidOnly {
		c.endNumbered()
	}
	c.enable(on)
	return nil
}

// enable puts the codec into the mode that on asks for.
func (c *conn) enable(on enabled) {
	c.on = on
	wide := on.rev2 || on.utf8
	c.dec.UTF8Names = wide
	c.enc.QuotedUTF8, c.enc.UTF8Names = wide, wide
}

// useCondstore turns CONDSTORE on, by ENABLE or by the first command that implies it. If a mailbox is
// selected the client is told where its changes begin (RFC 7162 §3.1).
func (c *conn) useCondstore() {
	if c.on.condstore {
		return
	}
	c.on.condstore = true
	c.tellWhole("CONDSTORE enabled")
}

// tellWhole tells up to where the client knows all of the selected mailbox.
func (c *conn) tellWhole(text string) {
	if c.box != nil {
		c.box.told = c.box.view.whole()
		c.enc.Untagged().Atom("OK [HIGHESTMODSEQ ").Number64(uint64(c.box.told)).Atom("] ").Text(c.words(text)).CRLF()
	}
}
