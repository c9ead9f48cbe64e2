package imap

import (
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
	code, err := c.transfer(r, false)
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
	code, err := c.transfer(r, true)
	if code != "" {
		c.status("*", kindOK, code, "Moved")
	}
	return err
}

func (c *conn) transferArgs(set *wire.NumSet, name *string) bool {
	return c.dec.ExpectSP() && c.dec.ExpectNumSet(set) && c.dec.ExpectSP() && c.dec.ExpectMailbox(name) && c.dec.ExpectCRLF()
}

// transfer copies or moves, and returns the COPYUID code; "" if there was nothing to do, which is no
// failure (Apple Mail would try again for ever).
func (c *conn) transfer(r *request, move bool) (code string, err error) {
	var set wire.NumSet
	var name string
	if !c.transferArgs(&set, &name) {
		return "", c.dec.Err()
	}
	may := func() error { return nil }
	if move {
		may = c.mayMove
	}
	if err := may(); err != nil {
		return "", err
	}
	spans, err := c.box.resolve(set, r.row.uid)
	if err != nil {
		return "", err
	}
	p, dst, err := c.openTarget(name)
	if err != nil {
		return "", err
	}
	defer dst.Close()
	leave, err := c.enterBoth(r, may, p.mount, dst)
	if err != nil {
		return "", err
	}
	defer leave()
	uids, gone := existing(c.box, spans)
	if len(uids) == 0 {
		return "", c.goneReply(r, gone)
	}
	if gone && !r.row.uid {
		return "", maildir.ErrGone // all of it or nothing (RFC 9051 §6.4.7)
	}
	there, err := dst.Rights(c.ctx, c.user())
	if err != nil {
		return "", err
	}
	reading := ownReading{c: c, m: dst}
	if reading.eyes, err = dst.Eyes(c.ctx, c.user()); err != nil {
		return "", err
	}
	// A flag that the user may not set there is not copied (RFC 4314 §4).
	how := maildir.Transfer{Move: move, Drop: maildir.FlagsOf(maildir.AllRights) &^ maildir.FlagsOf(there), Eyes: c.box.eyes}
	if reading.eyes != nil {
		how.Drop |= maildir.FlagSeen
	}
	seen := c.box.snapshot()
	res, err := c.box.m.Transfer(c.ctx, uids, dst, how)
	if err != nil {
		return "", err
	}
	if reading.eyes != nil {
		for i, uid := range res.Src {
			if m := seen.Find(uid); m != nil && m.Flags&maildir.FlagSeen != 0 {
				reading.uids = append(reading.uids, res.Dst[i])
			}
		}
		reading.keep(there)
	}
	if len(res.Src) == 0 {
		return "", c.goneReply(r, true) // another session was quicker than our view
	}
	c.addedUIDs(res.UIDValidity, res.Dst)
	return copyUID(res), nil
}

// enterBoth enters the selected mailbox and one that messages go to from it. One lease is enough if both are one mailbox: a second
// could wait behind a POP3 login that waits for the first. Of two accounts the first by address is entered first, by everybody, lest
// two sessions that copy to and fro wait for each other, with a POP3 login between them at either door.
// may is asked as by enter; the right to put messages into dst is needed too, when the last wait is over.
func (c *conn) enterBoth(r *request, may func() error, mt *mount, dst *maildir.Mailbox) (leave func(), err error) {
	src := c.box.m
	steps := []func() (func(), error){
		func() (func(), error) { return c.enter(r, r.row.touch, may) },
		func() (func(), error) { return c.pass(r, mt, dst, maildir.TouchAdd) },
	}
	if dst.ID() == src.ID() && dst.Account() == src.Account() {
		steps = steps[:1]
	} else if dst.Account().Address() < src.Account().Address() {
		slices.Reverse(steps)
	}
	var leaves []func()
	leave = func() {
		for _, l := range leaves {
			l()
		}
	}
	for _, enter := range steps {
		l, err := enter()
		if err != nil {
			leave()
			return nil, err
		}
		leaves = append(leaves, l)
	}
	if err = c.standing(); err == nil {
		err = may()
	}
	if err == nil {
		err = c.stillMay(mt, dst, maildir.RightInsert)
	}
	if err != nil {
		leave()
		return nil, err
	}
	return leave, nil
}

// mayMove makes sure that messages may be moved out of the selected mailbox (RFC 6851 §4.2).
func (c *conn) mayMove() error {
	if c.box.readOnly {
		return errReadOnly
	}
	return c.box.may(maildir.RightExpunge | maildir.RightDeleteMark)
}

// existing is view.uids without what has gone since the client was last told.
func existing(b *selected, spans []span) (uids []maildir.UID, gone bool) {
	uids, gone = b.view.uids(spans)
	if now := b.snapshot(); now != b.view.snap {
		known := len(uids)
		uids = slices.DeleteFunc(uids, func(u maildir.UID) bool { _, ok := now.Index(u); return !ok })
		gone = gone || len(uids) < known
	}
	return uids, gone
}

// openTarget opens the mailbox that messages are to go into; the client is told if it may create it.
func (c *conn) openTarget(name string) (place, *maildir.Mailbox, error) {
	p, err := c.find(name, maildir.RightInsert)
	var m *maildir.Mailbox
	if err == nil {
		m, err = p.acct.Mailbox(c.ctx, p.folder)
	}
	if errors.Is(err, maildir.ErrNoMailbox) && c.mayCreate(name) {
		err = no("TRYCREATE", "No such mailbox; it can be created")
	}
	return p, m, err
}

// mayCreate tells whether the user might create a mailbox of this name.
func (c *conn) mayCreate(name string) bool {
	p, err := c.findNew(name)
	if err != nil || p.mount == c.home {
		return err == nil
	}
	above, err := p.acct.RightsAbove(c.ctx, p.folder, c.user())
	return err == nil && above.Has(maildir.RightCreate|maildir.RightLookup)
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
