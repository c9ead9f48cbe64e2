package imap

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"bascule/maildir"
)

// upload takes the messages of an APPEND or a REPLACE from the client. Whatever can be refused is refused before the
// client is asked to send, and what was sent waits on disk until the command has come whole: a
// message whose command turns out to be malformed must not be stored and then answered with BAD.
type upload struct {
	c    *conn
	r    *request
	name string // of the mailbox, as the client calls it
	// admit, if set, says what else may refuse the command; it runs before the mailbox is opened.
	admit func() error
	old   *maildir.Message // what is replaced; nil if nothing

	m     *maildir.Mailbox // nil until it was opened
	mount *mount           // where it is
	may   maildir.Rights   // in it
	msgs  *maildir.Appending
	// reading has the user's own \Seen where he has one, and seen which of the messages are to get it, counted from 0.
	reading ownReading
	seen    []int
}

// maxAppend bounds the messages of one command: each is a file before the first is acknowledged.
const maxAppend = 10000

// message reads one message (RFC 4466 §6; CATENATE: RFC 4469; UTF8: RFC 6855 §4; literal8: RFC 3516 §4.4).
//
//	append-message = [flag-list SP] [date-time SP] (literal / literal8 / "UTF8" SP "(" literal8 ")" /
//	                 "CATENATE" SP "(" cat-part *(SP cat-part) ")")
func (u *upload) message() error {
	d := u.c.dec
	in := maildir.Incoming{Internal: time.Now()}
	if d.Peek() == '(' && (!d.ExpectFlagList(&in.Flags) || !d.ExpectSP()) {
		return d.Err()
	}
	if d.DateTime(&in.Internal) && !d.ExpectSP() {
		return d.Err()
	}
	word := ""
	if first := d.Peek(); first != '{' && first != '~' {
		if !d.ExpectKeyword(&word) || !d.ExpectSP() || !d.ExpectSpecial('(') {
			return d.Err()
		}
	}
	if word == "CATENATE" {
		return u.catenated(in)
	}
	if word != "" && (word != "UTF8" || !u.c.on.utf8) {
		d.Fail("expected a literal")
		return d.Err()
	}
	lit := d.ExpectLiteral()
	if lit == nil {
		return d.Err()
	}
	if err := u.begin(&in); err != nil {
		return err
	}
	if err := u.mayAdd(lit.Size()); err != nil {
		return err
	}
	if err := lit.Accept(); err != nil {
		return err
	}
	in.R, in.Size, in.Binary = lit, lit.Size(), lit.Binary()
	if err := u.msgs.Add(u.c.ctx, in); err != nil {
		return err
	}
	if word != "" && !d.ExpectSpecial(')') {
		return d.Err()
	}
	return nil
}

// begin checks what is said of a message and, once, whether the mailbox may be written to.
func (u *upload) begin(in *maildir.Incoming) (err error) {
	if in.Flags, err = settableFlags(in.Flags); err != nil {
		return err
	}
	if u.m == nil {
		err = u.open()
	}
	if err != nil {
		return err
	}
	in.Flags = settable(in.Flags, withOwnSeen(u.may, u.reading.eyes))
	if u.reading.eyes != nil {
		asked := len(in.Flags)
		in.Flags = slices.DeleteFunc(in.Flags, func(f string) bool { return strings.EqualFold(f, `\Seen`) })
		if len(in.Flags) < asked {
			u.seen = append(u.seen, u.msgs.Len())
		}
	}
	return nil
}

// keepSeen gives the messages that were added the user's own \Seen.
func (u *upload) keepSeen(uids []maildir.UID) {
	for _, i := range u.seen {
		u.reading.uids = append(u.reading.uids, uids[i])
	}
	u.reading.keep(u.may)
}

// open opens the mailbox, if it may be written to.
func (u *upload) open() error {
	c := u.c
	if u.admit != nil {
		if err := u.admit(); err != nil {
			return err
		}
	}
	p, m, err := c.openTarget(u.name)
	if err != nil {
		return err
	}
	u.m, u.may, u.mount = m, p.rights, p.mount
	u.msgs = u.m.BeginAppend()
	u.reading = ownReading{c: c, m: m}
	if u.reading.eyes, err = m.Eyes(c.ctx, c.user()); err != nil {
		return err
	}
	if u.old != nil && u.m.Account() != c.box.m.Account() {
		return no("CANNOT", "A message can be replaced by one of the same account only")
	}
	// The lease is for this look only. A client may take minutes to send a message, and POP3 must not wait for it;
	// a login meanwhile treats the message like a delivery.
	leave, err := c.enterMailbox(u.r, u.mount, u.m, maildir.TouchAdd, u.may)
	if err == nil {
		leave()
	}
	return err
}

// stillMay makes sure, before anything is stored, that the user has the rights that let the command in: a client may take
// as long as it likes to send a message, and the owner takes rights away to have an end of it.
func (u *upload) stillMay() error { return u.c.stillMay(u.mount, u.m, u.may) }

// mayAdd refuses what cannot be stored, before its bytes are sent: a message that has grown to this size (RFC 7889,
// RFC 9208 §4.3.1). An empty one cancels the command (RFC 3502 §6.3.11).
func (u *upload) mayAdd(size int64) error {
	limit := u.c.srv.opt.AppendLimit
	switch {
	case size == 0:
		return no("CANNOT", "An empty message cannot be stored")
	case size > limit:
		return no("TOOBIG", fmt.Sprintf("A message may have %d octets at most", limit))
	case u.msgs.Len() >= maxAppend:
		return no("LIMIT", fmt.Sprintf("One APPEND may have %d messages at most", maxAppend))
	}
	return u.msgs.Fits(u.c.ctx, size, u.old)
}

func (u *upload) close() {
	if u.m != nil {
		u.msgs.Close()
		u.m.Close()
	}
}

// textOnly refuses NULs, which a literal8 can hold and a message in UTF-8 cannot.
type textOnly struct{ r io.Reader }

func (t textOnly) Read(p []byte) (int, error) {
	n, err := t.r.Read(p)
	if bytes.IndexByte(p[:n], 0) >= 0 {
		return 0, maildir.ErrBinary
	}
	return n, err
}
