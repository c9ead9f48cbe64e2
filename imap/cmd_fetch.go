package imap

import (
	"errors"

	"bascule/imap/wire"
	"bascule/maildir"
)

// cmdFetch is FETCH and UID FETCH (RFC 9051 §6.4.5; BINARY: RFC 3516; CHANGEDSINCE, MODSEQ, VANISHED: RFC 7162 §3.1.4, §3.2.6;
// PARTIAL: RFC 9394 §3.3). The lease
// on the mailbox is given back before the first byte is written: a FETCH that is being sent is finished whoever takes the mailbox.
//
//	fetch = "FETCH" SP sequence-set SP ("ALL" / "FULL" / "FAST" / fetch-att / "(" fetch-att *(SP fetch-att) ")")
//	        [SP "(" fetch-modifier ")"]
func (c *conn) cmdFetch(r *request) error {
	var set wire.NumSet
	var plan fetchPlan
	if r.row.uid && !c.on.uidOnly { // a UIDFETCH response begins with it
		plan.add(fetchItem{kind: itemUID})
	}
	p := fetchParser{dec: c.dec, plan: &plan, uid: r.row.uid, qresync: c.on.qresync}
	if !c.dec.ExpectSP() || !c.dec.ExpectNumSet(&set) || !c.dec.ExpectSP() || !p.items() || !p.modifiers() ||
		!c.dec.ExpectCRLF() {
		return c.dec.Err()
	}
	if plan.changed {
		plan.add(fetchItem{kind: itemModSeq})
	}
	if plan.modSeq {
		c.useCondstore()
	}
	spans, err := c.box.resolve(set, r.row.uid)
	if err != nil {
		return err
	}
	if plan.partial != nil {
		spans = plan.partial.cut(spans)
	}
	out := fetchSender{c: c, plan: &plan}
	if err := c.beforeFetch(r, &out, set, spans); err != nil {
		return err
	}
	if err := out.send(spans); err != nil {
		return err
	}
	if out.unknownEncoding {
		return no("UNKNOWN-CTE", "A part has a transfer encoding that nobody knows")
	}
	return c.goneReply(r, out.gone)
}

// beforeFetch does what touches the mailbox: it sets \Seen and finds out sizes.
func (c *conn) beforeFetch(r *request, out *fetchSender, set wire.NumSet, spans []span) error {
	b, plan := c.box, out.plan
	touch := r.row.touch
	if plan.seen && c.marks() {
		touch = maildir.TouchFlags
	}
	leave, err := c.enter(r, touch, func() error {
		plan.seen = plan.seen && c.marks()
		return nil
	})
	if err != nil {
		return err
	}
	var after *maildir.Snapshot
	var gone wire.Ranges
	if plan.gone {
		gone, err = b.vanished(c.ctx, plan.since, b.knownUIDs(set))
	}
	if plan.seen && err == nil {
		after, err = c.markSeen(out, spans)
	}
	leave()
	c.writeEarlier(gone)
	if err == nil && plan.sizes && b.view.snap.Unsized() > 0 {
		// Files are read here, which may take long; it changes nothing that POP3 sees.
		uids, _ := b.view.uids(spans)
		out.sized, err = b.m.Sizes(c.ctx, uids)
	}
	if err != nil || after == nil {
		return err
	}
	if !c.on.rev2 {
		if err := b.claimRecent(c.ctx, after); err != nil {
			return err
		}
	}
	// The answer tells the new flags, so sync needs not. Other news of that snapshot come first, save expunges: the runs
	// to be sent are counted in the numbers of now.
	return c.tell(after, false, r.row.uid, &stored{uids: out.seen, hidden: true})
}

// marks tells whether what is read in the selected mailbox becomes \Seen.
func (c *conn) marks() bool { return !c.box.readOnly && c.box.rights.Has(maildir.RightSeen) }

// markSeen sets \Seen where it is missing. That mail can be read counts more than that it is marked: with a
// full disk, say, the answer is only without the flag.
func (c *conn) markSeen(out *fetchSender, spans []span) (*maildir.Snapshot, error) {
	for _, m := range c.box.view.each(spans) {
		if m != nil && m.Flags&maildir.FlagSeen == 0 && (!out.plan.changed || m.ModSeq > out.plan.since) {
			out.seen = append(out.seen, m.UID)
		}
	}
	if len(out.seen) == 0 {
		return nil, nil
	}
	res, err := c.box.m.Store(c.ctx, out.seen, maildir.StoreOp{Mode: maildir.StoreAdd, Flags: []string{`\Seen`}, Eyes: c.box.eyes})
	switch {
	case err == nil:
		return res.Snapshot, nil
	case c.ctx.Err() != nil, errors.Is(err, maildir.ErrNoMailbox), errors.Is(err, maildir.ErrClosed), errors.Is(err, maildir.ErrNoMarker):
		return nil, err
	}
	c.log.Error("messages could not be marked as seen", "mailbox", c.box.m.Name(), "err", err)
	out.seen = nil
	return nil, nil
}
