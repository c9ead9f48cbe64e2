package imap

import (
	"strconv"

	"bascule/maildir"
)

// cmdAppend is APPEND (RFC 9051 §6.3.12) with one message or several (RFC 3502): all of them are added or none.
//
//	append = "APPEND" SP mailbox 1*append-message
func (c *conn) cmdAppend(r *request) error {
	var name string
	if !c.dec.ExpectSP() || !c.dec.ExpectMailbox(&name) || !c.dec.ExpectSP() {
		return c.dec.Err()
	}
	u := upload{c: c, r: r, name: name}
	defer u.close()
	for more := true; more; more = c.dec.SP() {
		if err := u.message(); err != nil {
			return err
		}
	}
	if !c.dec.ExpectCRLF() {
		return c.dec.Err()
	}
	if err := u.stillMay(); err != nil {
		return err
	}
	res, err := u.msgs.Commit(c.ctx)
	if err != nil {
		return err
	}
	u.keepSeen(res.UIDs)
	c.sum.appended += len(res.UIDs)
	c.addedUIDs(res.UIDValidity, res.UIDs)
	r.code = appendUID(res)
	return nil
}

// appendUID writes the APPENDUID response code (RFC 9051 §7.1), a set if there were several messages.
func appendUID(res maildir.AppendResult) string {
	b := strconv.AppendUint([]byte("APPENDUID "), uint64(res.UIDValidity), 10)
	return string(appendUIDs(append(b, ' '), res.UIDs))
}
