package imap

import (
	"slices"
	"strconv"

	"bascule/imap/wire"
	"bascule/maildir"
)

// This file is the only place that sends EXISTS, RECENT, EXPUNGE, VANISHED, FLAGS after SELECT and FETCH
// that nobody asked for. NOOP, IDLE and the end of every command are one path: compare
// what the client knows with what is, and tell the difference, as far as the
// command allows it. A notification carries no data, so none can be lost.
//
// While a POP3 session has the mailbox for itself, nothing is told but what the running
// command saw before: the news come when its lease ends.

// stored is what a STORE wants the client to be told (or not told) beyond the news.
type stored struct {
	uids   []maildir.UID // what was stored, ascending
	silent bool          // .SILENT: what the client can work out itself is not told
	hidden bool          // nothing is told about these: the reply to a FETCH tells it
	modseq bool          // UNCHANGEDSINCE was used: each message's modseq is told, .SILENT or not (RFC 7162 §3.1.3)
	expect func(known maildir.Flags) maildir.Flags
}

// sync tells the client what changed in the selected mailbox. reply is the tagged reply that comes behind; nil in IDLE.
func (c *conn) sync(r *request, reply *replyError) error {
	if b := c.box; b != nil {
		if err := c.standing(); err != nil {
			return err
		}
		err := c.syncBox(r, b)
		if b.m.Deleted() {
			return bye("", "The selected mailbox was deleted")
		}
		if err != nil {
			return err
		}
		c.tellURLKey()
		c.tellHighest(r, reply)
	}
	if err := c.tellOthers(r); err != nil {
		return err
	}
	return c.tellEntries(r)
}

func (c *conn) syncBox(r *request, b *selected) error {
	if c.notify.mutes(messageNew) && r.row.touch <= maildir.TouchRead {
		return nil // the numbering stays too; what the command does itself is told all the same
	}
	snap, err := b.snapshot(), error(nil)
	switch {
	case r.visiting:
		if b.mount.door.QuietAbout(b.m, snap) {
			return nil
		}
	case b.mount.door.Quiet(b.m.Name()):
		// What the command did itself belongs before its tagged reply (RFC 9051 §6.4.3), even if POP3 came right behind it.
		if snap = r.inside; snap == nil {
			return nil
		}
	case r.refresh:
		if snap, err = b.m.Refresh(c.ctx); err != nil {
			return err
		}
		snap = b.eyes.See(snap)
	}
	if snap == b.view.snap && b.view.held == nil && r.stored == nil && (b.view.missing == 0 || c.notify.mutes(flagChange)) {
		return nil
	}
	if !c.on.rev2 {
		if err := b.claimRecent(c.ctx, snap); err != nil {
			return err
		}
	}
	return c.tell(snap, !r.row.seq && !r.numbers, r.row.uid, r.stored)
}

// tellHighest brings the client's idea of HIGHESTMODSEQ to what it was told of, if its own reckoning
// (RFC 7162 §6: the highest MODSEQ of the FETCH responses) gives something else. While expunges are held back that is too
// high, and the client would never hear of them if it lost the connection (RFC 7162 §3.2); after arrivals and expunges it is too low.
func (c *conn) tellHighest(r *request, reply *replyError) {
	b := c.box
	believed, whole := max(b.told, b.sent), b.view.whole()
	b.told, b.sent = whole, 0
	switch {
	case c.on.qresync && (believed != whole || r.expunged), c.on.condstore && r.expunged:
	default:
		return
	}
	r.expunged = false
	code := "HIGHESTMODSEQ " + strconv.FormatUint(uint64(whole), 10)
	if reply != nil && reply.kind == kindOK && reply.code == "" && !r.answered {
		reply.code = code
		return
	}
	c.status("*", kindOK, code, "So far everything was told")
}

// tell moves the client's view to snap. uid says that a UID command asked for it.
func (c *conn) tell(snap *maildir.Snapshot, mayExpunge, uid bool, st *stored) error {
	b := c.box
	known := b.view.snap
	n, err := b.view.advanceBy(b.m.Diff(known, snap), snap, mayExpunge)
	if err != nil {
		return err
	}
	if b.view.missing > 0 && !c.notify.mutes(flagChange) {
		n.changed = b.view.catchUp(n.changed)
	}
	if len(snap.Keywords()) != len(known.Keywords()) {
		c.writeFlagLists(snap)
	}
	c.contextsBeforeExpunge(n)
	c.writeExpunged(n)
	if n.arrived {
		c.enc.Atom("* ").Number(uint32(b.view.Len())).Atom(" EXISTS\r\n")
		if !c.on.rev2 {
			c.enc.Atom("* ").Number(uint32(b.recentCount())).Atom(" RECENT\r\n")
		}
	}
	withUID := uid || c.on.condstore || c.on.rev2
	for _, uid := range reported(n.changed, st) {
		seq, ok := b.view.Seq(uid)
		m := b.view.Message(seq)
		if !ok || m == nil {
			continue
		}
		quiet := false
		if c.notify.mutes(flagChange) && !st.names(uid) {
			b.view.untold(known.HighestModSeq())
			continue
		}
		if st != nil && (st.silent || st.hidden) {
			if _, mine := slices.BinarySearch(st.uids, uid); mine {
				if st.hidden {
					continue
				}
				old := known.Find(uid)
				quiet = old != nil && st.expect(old.Flags) == m.Flags
			}
		}
		if quiet && !c.on.condstore {
			continue
		}
		c.writeChange(seq, m, withUID, !quiet)
	}
	c.contextsAfterNews(known, n)
	if err := c.fetchNew(n.added); err != nil {
		return err
	}
	return c.enc.Err()
}

// names tells whether a STORE named the message.
func (st *stored) names(uid maildir.UID) bool {
	if st == nil {
		return false
	}
	_, mine := slices.BinarySearch(st.uids, uid)
	return mine
}

// writeExpunged writes EXPUNGE, or VANISHED for who enabled QRESYNC or UIDONLY (RFC 7162 §3.2.10.2, RFC 9586 §3.5).
func (c *conn) writeExpunged(n news) {
	if !c.on.qresync && !c.on.uidOnly {
		for _, seq := range n.expunged {
			c.enc.Atom("* ").Number(uint32(seq)).Atom(" EXPUNGE\r\n")
		}
		return
	}
	if len(n.vanished) > 0 {
		var set wire.SetBuilder
		for _, uid := range n.vanished {
			set.Add(uint32(uid))
		}
		c.enc.Atom("* VANISHED ").Ranges(set.Ranges()).CRLF()
	}
}

// reported lists whose FETCH is due: what changed, and after a STORE that is not silent everything it
// named, changed or not (RFC 9051 §6.4.6).
func reported(changed []maildir.UID, st *stored) []maildir.UID {
	if st == nil || st.silent && !st.modseq || st.hidden {
		return changed
	}
	out := append(slices.Clone(changed), st.uids...)
	slices.Sort(out)
	return slices.Compact(out)
}

// writeChange writes an unsolicited FETCH. With CONDSTORE it must hold the modseq (RFC 7162 §3.2). The UID is there
// when a UID command caused it, which RFC 9051 §6.4.9 demands, and with CONDSTORE and IMAP4rev2 always, so that a
// client which holds back its own view is not misled.
func (c *conn) writeChange(seq SeqNum, m *maildir.Message, uid, flags bool) {
	c.beginFetch(seq, m)
	sep := ""
	if uid && !c.on.uidOnly {
		c.enc.Atom("UID ").Number(uint32(m.UID))
		sep = " "
	}
	if flags {
		c.enc.Atom(sep).Atom("FLAGS ")
		c.writeFlags(m)
		sep = " "
	}
	if c.on.condstore {
		c.enc.Atom(sep)
		c.writeModSeq(m)
	}
	c.enc.Atom(")\r\n")
}

// beginFetch begins a FETCH response, or a UIDFETCH response for who enabled UIDONLY (RFC 9586 §3.3).
func (c *conn) beginFetch(seq SeqNum, m *maildir.Message) {
	if c.on.uidOnly {
		c.enc.Atom("* ").Number(uint32(m.UID)).Atom(" UIDFETCH (")
		return
	}
	c.enc.Atom("* ").Number(uint32(seq)).Atom(" FETCH (")
}

// writeModSeq writes a FETCH response's MODSEQ.
func (c *conn) writeModSeq(m *maildir.Message) {
	c.box.sent = max(c.box.sent, m.ModSeq)
	c.enc.Atom("MODSEQ (").Number64(uint64(m.ModSeq)).Special(')')
}

// writeFlags writes a message's flag list, with the session's \Recent for IMAP4rev1.
func (c *conn) writeFlags(m *maildir.Message) {
	c.names = c.names[:0]
	if !c.on.rev2 && c.box.recent.Contains(uint32(m.UID)) {
		c.names = append(c.names, `\Recent`)
	}
	c.names = c.box.view.snap.AppendFlagNames(c.names, m.Flags)
	c.writeNames(c.names)
}

func (c *conn) writeNames(names []string) {
	c.enc.Atom("(")
	for i, f := range names {
		if i > 0 {
			c.enc.SP()
		}
		c.enc.Atom(f)
	}
	c.enc.Atom(")")
}

// writeFlagLists writes FLAGS and PERMANENTFLAGS (RFC 9051 §7.3.5, §7.1).
func (c *conn) writeFlagLists(snap *maildir.Snapshot) {
	names := append(slices.Clone(systemFlagNames), snap.Keywords()...)
	c.enc.Atom("* FLAGS ")
	c.writeNames(names)
	c.enc.CRLF().Atom("* OK [PERMANENTFLAGS ")
	switch {
	case c.box.readOnly:
		names = nil
	default:
		names = settable(names, c.box.rights)
		if c.box.rights.Has(maildir.RightWrite) && !snap.KeywordsFull() {
			names = append(names, `\*`)
		}
	}
	c.writeNames(names)
	c.enc.Atom("] ").Text(c.words("Flags that stay")).CRLF()
}

var systemFlagNames = []string{`\Answered`, `\Flagged`, `\Deleted`, `\Seen`, `\Draft`, "$Forwarded"}
