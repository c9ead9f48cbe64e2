package imap

import (
	"fmt"
	"io"
	"time"

	"bascule/imap/wire"
	"bascule/maildir"
)

// cmdAppend is APPEND (RFC 9051 §6.3.12; UTF8: RFC 6855 §4; literal8: RFC 3516 §4.4). Whatever can be refused is
// refused before the client is asked to send the message.
//
//	append = "APPEND" SP mailbox [SP flag-list] [SP date-time] SP (literal / literal8 / "UTF8" SP "(" literal8 ")")
func (c *conn) cmdAppend(r *request) error {
	var name string
	in := maildir.Incoming{Internal: time.Now()}
	if !c.dec.ExpectSP() || !c.dec.ExpectMailbox(&name) || !c.dec.ExpectSP() {
		return c.dec.Err()
	}
	if c.dec.Peek() == '(' && (!c.dec.ExpectFlagList(&in.Flags) || !c.dec.ExpectSP()) {
		return c.dec.Err()
	}
	if c.dec.DateTime(&in.Internal) && !c.dec.ExpectSP() {
		return c.dec.Err()
	}
	body := appendBody{c: c}
	if !body.announce() {
		return c.dec.Err()
	}
	var err error
	if in.Flags, err = settableFlags(in.Flags); err != nil {
		return err
	}
	if err := c.checkAppendSize(body.lit); err != nil {
		return err
	}
	m, err := c.openTarget(name)
	if err != nil {
		return err
	}
	defer m.Close()
	// The lease is for this look only. A client may take minutes to send a message, and POP3 must not wait for it;
	// a login meanwhile treats the message like a delivery.
	leave, err := c.enterMailbox(r, m, maildir.TouchAdd)
	if err != nil {
		return err
	}
	leave()
	if err := body.lit.Accept(); err != nil {
		return err
	}
	in.R, in.Size = &body, body.lit.Size()
	res, err := m.Append(c.ctx, []maildir.Incoming{in})
	if err != nil {
		return err
	}
	r.code = fmt.Sprintf("APPENDUID %d %d", res.UIDValidity, res.UIDs[0])
	return nil
}

// checkAppendSize refuses what cannot be stored (RFC 7889, RFC 9208 §4.3.1).
func (c *conn) checkAppendSize(lit *wire.Literal) error {
	switch {
	case lit.Size() == 0:
		return no("CANNOT", "An empty message cannot be stored")
	case lit.Size() > c.srv.opt.AppendLimit:
		return no("TOOBIG", fmt.Sprintf("A message may have %d octets at most", c.srv.opt.AppendLimit))
	}
	return c.acct.QuotaAllows(c.ctx, lit.Size(), 1)
}

// appendBody reads the message from the connection. It ends well only if the command does too: a
// message whose command turns out to be malformed must not be stored and then answered with BAD.
type appendBody struct {
	c     *conn
	lit   *wire.Literal
	utf8  bool
	ended bool
}

// announce reads up to the literal's announcement.
func (b *appendBody) announce() bool {
	d := b.c.dec
	if first := d.Peek(); first != '{' && first != '~' {
		var word string
		if !d.ExpectKeyword(&word) {
			return false
		}
		if word != "UTF8" || !b.c.on.utf8 {
			return d.Fail("expected a literal")
		}
		if !d.ExpectSP() || !d.ExpectSpecial('(') {
			return false
		}
		b.utf8 = true
	}
	b.lit = d.ExpectLiteral()
	return b.lit != nil
}

func (b *appendBody) Read(p []byte) (int, error) {
	n, err := b.lit.Read(p)
	if err == io.EOF {
		err = b.end()
	}
	return n, err
}

// end reads the rest of the command; io.EOF if it is in order.
func (b *appendBody) end() error {
	d := b.c.dec
	if !b.ended && (b.utf8 && !d.ExpectSpecial(')') || !d.ExpectCRLF()) {
		return d.Err()
	}
	b.ended = true
	return io.EOF
}
