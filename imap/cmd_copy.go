package imap

import (
	"context"
	"errors"
	"slices"
	"strconv"

	"bascule/imap/wire"
	"bascule/maildir"
)

// cmdCopy is COPY and UID COPY (RFC 9051 §6.4.7).
//
//	copy = "COPY" SP sequence-set SP mailbox
func (c *conn) cmdCopy(r *request) error {
	code, err := c.transfer(r, (*maildir.Mailbox).Copy)
	if err != nil {
		return err
	}
	if code != "" {
		r.code = code
	}
	return nil
}

// cmdMove is MOVE and UID MOVE (RFC 9051 §6.4.8, RFC 6851). COPYUID goes before the EXPUNGEs, which are sync's.
//
//	move = "MOVE" SP sequence-set SP mailbox
func (c *conn) cmdMove(r *request) error {
	if c.box.readOnly {
		// Read the arguments all the same, so that a syntax error is called one.
		var set wire.NumSet
		var name string
		if !c.transferArgs(&set, &name) {
			return c.dec.Err()
		}
		return errReadOnly
	}
	code, err := c.transfer(r, (*maildir.Mailbox).Move)
	if code != "" {
		c.status("*", kindOK, code, "Moved")
	}
	return err
}

func (c *conn) transferArgs(set *wire.NumSet, name *string) bool {
	return c.dec.ExpectSP() && c.dec.ExpectNumSet(set) && c.dec.ExpectSP() && c.dec.ExpectMailbox(name) && c.dec.ExpectCRLF()
}

type transferFunc func(*maildir.Mailbox, context.Context, []maildir.UID, *maildir.Mailbox) (maildir.CopyResult, error)

// transfer copies or moves, and returns the COPYUID code; "" if there was nothing to do, which is no
// failure (Apple Mail would try again for ever).
func (c *conn) transfer(r *request, do transferFunc) (code string, err error) {
	var set wire.NumSet
	var name string
	if !c.transferArgs(&set, &name) {
		return "", c.dec.Err()
	}
	spans, err := c.box.resolve(set, r.row.uid)
	if err != nil {
		return "", err
	}
	dst, err := c.openTarget(name)
	if err != nil {
		return "", err
	}
	defer dst.Close()
	leave, err := c.enter(r)
	if err != nil {
		return "", err
	}
	defer leave()
	// One lease is enough if both ends are one mailbox: a second could wait behind a POP3 login that waits for the first.
	if dst.ID() != c.box.m.ID() {
		leaveDst, err := c.enterMailbox(r, dst, maildir.TouchAdd)
		if err != nil {
			return "", err
		}
		defer leaveDst()
	}
	uids, gone := existing(c.box, spans)
	if len(uids) == 0 {
		return "", c.goneReply(r, gone)
	}
	if gone && !r.row.uid {
		return "", maildir.ErrGone // all of it or nothing (RFC 9051 §6.4.7)
	}
	res, err := do(c.box.m, c.ctx, uids, dst)
	if err != nil {
		return "", err
	}
	if len(res.Src) == 0 {
		return "", c.goneReply(r, true) // another session was quicker than our view
	}
	return copyUID(res), nil
}

// existing is view.uids without what has gone since the client was last told.
func existing(b *selected, spans []span) (uids []maildir.UID, gone bool) {
	uids, gone = b.view.uids(spans)
	if now := b.m.Snapshot(); now != b.view.snap {
		known := len(uids)
		uids = slices.DeleteFunc(uids, func(u maildir.UID) bool { _, ok := now.Index(u); return !ok })
		gone = gone || len(uids) < known
	}
	return uids, gone
}

// openTarget opens the mailbox that messages are to go into; the client may create it if there is none.
func (c *conn) openTarget(name string) (*maildir.Mailbox, error) {
	canonical, err := c.ns.Canonical(name)
	if err != nil {
		return nil, err
	}
	m, err := c.acct.Mailbox(c.ctx, canonical)
	if errors.Is(err, maildir.ErrNoMailbox) {
		return nil, no("TRYCREATE", "No such mailbox; it can be created")
	}
	return m, err
}

// copyUID writes the COPYUID response code (RFC 9051 §7.1): both sets in the order of copying.
func copyUID(res maildir.CopyResult) string {
	b := append([]byte("COPYUID "), strconv.FormatUint(uint64(res.UIDValidity), 10)...)
	b = appendUIDs(append(b, ' '), res.Src)
	return string(appendUIDs(append(b, ' '), res.Dst))
}

// appendUIDs appends UIDs in their order as a set, runs drawn together.
func appendUIDs(b []byte, uids []maildir.UID) []byte {
	for i := 0; i < len(uids); {
		k := i + 1
		for k < len(uids) && uids[k] == uids[k-1]+1 {
			k++
		}
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendUint(b, uint64(uids[i]), 10)
		if k > i+1 {
			b = strconv.AppendUint(append(b, ':'), uint64(uids[k-1]), 10)
		}
		i = k
	}
	return b
}

// highestModSeq makes the response code for commands that expunged (RFC 7162 §3.2.7).
func highestModSeq(m maildir.ModSeq) string {
	return "HIGHESTMODSEQ " + strconv.FormatUint(uint64(m), 10)
}
