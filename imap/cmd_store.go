package imap

import (
	"slices"
	"strings"

	"bascule/imap/wire"
	"bascule/maildir"
)

// cmdStore is STORE and UID STORE (RFC 9051 §6.4.6; UNCHANGEDSINCE: RFC 7162 §3.1.3).
//
//	store = "STORE" SP sequence-set [store-modifiers] SP store-att-flags
//	store-modifiers = SP "(" "UNCHANGEDSINCE" SP mod-sequence-valzer ")"
//	store-att-flags = (["+" / "-"] "FLAGS" [".SILENT"]) SP (flag-list / (flag *(SP flag)))
func (c *conn) cmdStore(r *request) error {
	var set wire.NumSet
	var op maildir.StoreOp
	var item string
	if !c.dec.ExpectSP() || !c.dec.ExpectNumSet(&set) || !c.dec.ExpectSP() || !c.storeModifiers(&op) ||
		!c.dec.ExpectKeyword(&item) || !c.dec.ExpectSP() || !c.dec.ExpectFlags(&op.Flags) || !c.dec.ExpectCRLF() {
		return c.dec.Err()
	}
	item, silent := strings.CutSuffix(item, ".SILENT")
	switch item {
	case "FLAGS":
		op.Mode = maildir.StoreReplace
	case "+FLAGS":
		op.Mode = maildir.StoreAdd
	case "-FLAGS":
		op.Mode = maildir.StoreRemove
	default:
		return bad("Unknown STORE item")
	}
	var err error
	if op.Flags, err = settableFlags(op.Flags); err != nil {
		return err
	}
	if op.UnchangedSince != nil {
		c.useCondstore()
	}
	asked := op
	leave, err := c.enter(r, r.row.touch, func() (err error) {
		op, err = c.restrict(asked)
		return err
	})
	if err != nil {
		return err
	}
	defer leave()
	spans, err := c.box.resolve(set, r.row.uid)
	if err != nil {
		return err
	}
	uids, gone := c.box.view.uids(spans)
	if len(uids) == 0 && !gone {
		return nil
	}
	op.Eyes = c.box.eyes
	res, err := c.box.m.Store(c.ctx, uids, op)
	if err != nil {
		return err
	}
	r.stored = c.storedNews(uids, res, op, silent)
	return c.storeResult(r, res, gone || len(res.Gone) > 0)
}

// storeModifiers reads the optional modifiers and the space behind them.
func (c *conn) storeModifiers(op *maildir.StoreOp) bool {
	if c.dec.Peek() != '(' {
		return c.dec.Err() == nil
	}
	modifier := func() bool {
		var name string
		var n uint64
		if !c.dec.ExpectKeyword(&name) {
			return false
		}
		if name != "UNCHANGEDSINCE" {
			return c.dec.Fail("unknown STORE modifier")
		}
		if !c.dec.ExpectSP() || !c.dec.ExpectNumber64(&n) {
			return false
		}
		since := maildir.ModSeq(n)
		op.UnchangedSince = &since
		return true
	}
	return c.dec.ExpectList(modifier) && c.dec.ExpectSP()
}

// settableFlags refuses system flags that nobody defined. \Recent, which no client can set but some
// send back as they got it, is passed over.
func settableFlags(flags []string) ([]string, error) {
	out := flags[:0]
	for _, f := range flags {
		if strings.EqualFold(f, `\Recent`) {
			continue
		}
		known := !strings.HasPrefix(f, `\`)
		for _, s := range systemFlagNames {
			known = known || strings.EqualFold(s, f)
		}
		if !known {
			return nil, bad("This system flag cannot be set")
		}
		out = append(out, f)
	}
	return out, nil
}

// restrict leaves of a STORE what the user has the rights for (RFC 4314 §4). It fails only if that is nothing.
func (c *conn) restrict(op maildir.StoreOp) (maildir.StoreOp, error) {
	if c.box.readOnly {
		return op, errReadOnly
	}
	asked := len(op.Flags)
	op.Flags = settable(slices.Clone(op.Flags), c.box.rights)
	op.Keep = maildir.FlagsOf(maildir.AllRights &^ c.box.rights)
	if asked > 0 && len(op.Flags) == 0 || op.Keep == maildir.FlagsOf(maildir.AllRights) {
		return op, maildir.ErrNoRight
	}
	return op, nil
}

// settable leaves of a list of flags those that a user with these rights may set or clear.
func settable(flags []string, r maildir.Rights) []string {
	if r.Has(maildir.RightSeen | maildir.RightDeleteMark | maildir.RightWrite) {
		return flags
	}
	return slices.DeleteFunc(flags, func(f string) bool {
		switch {
		case strings.EqualFold(f, `\Seen`):
			return !r.Has(maildir.RightSeen)
		case strings.EqualFold(f, `\Deleted`):
			return !r.Has(maildir.RightDeleteMark)
		}
		return !r.Has(maildir.RightWrite)
	})
}

// storedNews says what sync has to tell about a STORE.
func (c *conn) storedNews(uids []maildir.UID, res maildir.StoreResult, op maildir.StoreOp, silent bool) *stored {
	if len(res.Modified) > 0 {
		failed := make(map[maildir.UID]bool, len(res.Modified))
		for _, u := range res.Modified {
			failed[u] = true
		}
		kept := make([]maildir.UID, 0, len(uids))
		for _, u := range uids {
			if !failed[u] {
				kept = append(kept, u)
			}
		}
		uids = kept
	}
	flags, _ := res.Snapshot.ParseFlags(op.Flags)
	expect := func(known maildir.Flags) maildir.Flags {
		switch op.Mode {
		case maildir.StoreAdd:
			return known | flags
		case maildir.StoreRemove:
			return known &^ flags
		}
		return flags&^op.Keep | known&op.Keep
	}
	return &stored{uids: uids, silent: silent, modseq: op.UnchangedSince != nil, expect: expect}
}

// storeResult makes the tagged reply: which messages failed UNCHANGEDSINCE, and whether some had gone.
func (c *conn) storeResult(r *request, res maildir.StoreResult, gone bool) error {
	if len(res.Modified) > 0 {
		var set wire.SetBuilder
		for _, u := range res.Modified {
			if r.row.uid {
				set.Add(uint32(u))
			} else if n, ok := c.box.view.Seq(u); ok {
				set.Add(uint32(n))
			}
		}
		r.code, r.text = "MODIFIED "+set.String(), "Some messages changed meanwhile"
		return nil
	}
	return c.goneReply(r, gone)
}

// goneReply ends a command some of whose messages had gone: by sequence number the client must
// learn that it was not all done (RFC 2180 §4.2), by UID that is no failure.
func (c *conn) goneReply(r *request, gone bool) error {
	switch {
	case !gone:
	case r.row.uid:
		r.code, r.text = "EXPUNGEISSUED", "Some of the messages are gone"
	default:
		return maildir.ErrGone
	}
	return nil
}
