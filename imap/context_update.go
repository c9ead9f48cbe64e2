package imap

import (
	"slices"

	"bascule/imap/wire"
	"bascule/maildir"
)

// contextsBeforeExpunge tells which results lose messages that the next lines expunge. Numbers are still those from before
// (RFC 5267 §4.3.4).
func (c *conn) contextsBeforeExpunge(n news) {
	if len(n.vanished) == 0 {
		return
	}
	for _, x := range c.box.contexts {
		x.tell(c.enc, func(uid maildir.UID) uint32 {
			i, _ := slices.BinarySearch(n.vanished, uid)
			return uint32(n.expunged[len(n.expunged)-1-i])
		}, x.remove(n.vanished), nil)
	}
}

// contextsAfterNews tells how results changed by what the client was just told: messages that came since known, and changed ones.
func (c *conn) contextsAfterNews(known *maildir.Snapshot, n news) {
	b := c.box
	if len(b.contexts) == 0 {
		return
	}
	var came []maildir.UID
	for _, m := range b.view.snap.From(b.view.snap.Lower(known.UIDNext())) {
		came = append(came, m.UID)
	}
	number := func(uid maildir.UID) uint32 {
		seq, _ := b.view.Seq(uid)
		return uint32(seq)
	}
	b.contexts = slices.DeleteFunc(b.contexts, func(x *searchContext) bool {
		asked := came
		if x.prog.changeable() {
			asked = append(slices.Clone(n.changed), came...)
		}
		if len(asked) == 0 {
			return false
		}
		removed, added, err := c.reexamine(x, asked)
		if err != nil || len(x.rows) > maxContextRows {
			c.noUpdate(x.tag, "The result can no longer be kept up to date")
			return true
		}
		x.tell(c.enc, number, removed, added)
		if x.fetch != nil {
			c.foundNew(x.fetch, added, known.UIDNext())
		}
		return false
	})
}

// foundNew notes what is to be told of the messages, those from first on, that came into a result.
func (c *conn) foundNew(plan *fetchPlan, added []change, first maildir.UID) {
	for _, ch := range added {
		for _, uid := range ch.uids {
			if uid < first {
				continue // it was there, and has changed (RFC 5465 §7)
			}
			if c.found == nil {
				c.found = map[maildir.UID][]*fetchPlan{}
			}
			c.found[uid] = append(c.found[uid], plan)
		}
	}
}

// reexamine asks again about some messages, ascending, and brings the context's result in step.
func (c *conn) reexamine(x *searchContext, uids []maildir.UID) (removed, added []change, err error) {
	var set wire.SetBuilder
	for _, uid := range uids {
		set.Add(uint32(uid))
	}
	only := &criterion{op: opSet, uid: true, set: set.Ranges().NumSet()}
	prog := *x.prog
	prog.root = &criterion{op: opAnd, kids: []*criterion{only, x.prog.root}}
	run := &searchRun{c: c, b: c.box, prog: &prog, progress: progress{c: c, quiet: true}}
	if err := run.bind(); err != nil {
		return nil, nil, err
	}
	if err := run.run(); err != nil {
		return nil, nil, err
	}
	match := run.uidsFound()
	not := slices.DeleteFunc(slices.Clone(uids), func(uid maildir.UID) bool {
		_, is := slices.BinarySearch(match, uid)
		return is
	})
	removed = x.remove(not)
	fresh := x.missing(run.hits, match)
	if x.order == nil {
		return removed, x.add(fresh), nil
	}
	sorter := sortRun{b: c.box, order: x.order, progress: run.progress, sized: run.sized}
	rows, err := sorter.sort(fresh)
	return removed, x.insert(rows), err
}

// change is a run of messages that stand one behind the other in a result: where, counted from 1, and which.
type change struct {
	at   uint32 // 0: the place follows from the mailbox's order
	uids []maildir.UID
}

// missing are the hits that are not in the result yet; uids are theirs.
func (x *searchContext) missing(hits []hit, uids []maildir.UID) (out []hit) {
	have := make([]bool, len(hits))
	if x.order == nil {
		for i, uid := range uids {
			_, have[i] = slices.BinarySearch(x.uids, uid)
		}
	}
	for _, row := range x.rows {
		if i, is := slices.BinarySearch(uids, row.uid); is {
			have[i] = true
		}
	}
	for i, h := range hits {
		if !have[i] {
			out = append(out, h)
		}
	}
	return out
}

// remove takes messages, ascending, out of the result.
func (x *searchContext) remove(uids []maildir.UID) (out []change) {
	gone := func(uid maildir.UID) bool {
		_, is := slices.BinarySearch(uids, uid)
		return is
	}
	if x.order == nil {
		var all []maildir.UID
		x.uids = slices.DeleteFunc(x.uids, func(uid maildir.UID) bool {
			if gone(uid) {
				all = append(all, uid)
				return true
			}
			return false
		})
		if len(all) > 0 {
			out = append(out, change{0, all})
		}
		return out
	}
	kept := x.rows[:0]
	at := 0 // behind the last row that went
	for i, row := range x.rows {
		switch {
		case !gone(row.uid):
			kept = append(kept, row)
			continue
		case len(out) > 0 && at == i:
			out[len(out)-1].uids = append(out[len(out)-1].uids, row.uid)
		default:
			out = append(out, change{uint32(i + 1), []maildir.UID{row.uid}})
		}
		at = i + 1
	}
	clear(x.rows[len(kept):])
	x.rows = kept
	slices.Reverse(out) // from the end, so that no place moves before its turn
	return out
}

// add puts hits, ascending, into a result in the mailbox's order.
func (x *searchContext) add(hits []hit) []change {
	if len(hits) == 0 {
		return nil
	}
	all := make([]maildir.UID, 0, len(hits))
	for _, h := range hits {
		all = append(all, h.uid)
	}
	x.uids = append(x.uids, all...)
	slices.Sort(x.uids)
	return []change{{0, all}}
}

// insert puts rows, in order, into a sorted result. The places are those after all of them are there, the first first.
func (x *searchContext) insert(rows []sortRow) (out []change) {
	if len(rows) == 0 {
		return nil
	}
	merged := make([]sortRow, 0, len(x.rows)+len(rows))
	old := x.rows
	for _, row := range rows {
		for len(old) > 0 && x.order.compare(&old[0], &row) < 0 {
			merged, old = append(merged, old[0]), old[1:]
		}
		merged = append(merged, row)
		at := uint32(len(merged))
		if last := len(out) - 1; last >= 0 && out[last].at+uint32(len(out[last].uids)) == at {
			out[last].uids = append(out[last].uids, row.uid)
		} else {
			out = append(out, change{at, []maildir.UID{row.uid}})
		}
	}
	x.rows = append(merged, old...)
	return out
}

// tell writes what changed.
//
//	ret-data-addto      = "ADDTO" SP "(" context-position SP sequence-set *(SP context-position SP sequence-set) ")"
//	ret-data-removefrom = "REMOVEFROM" SP "(" context-position SP sequence-set *(SP context-position SP sequence-set) ")"
func (x *searchContext) tell(enc *wire.Encoder, number func(maildir.UID) uint32, removed, added []change) {
	if len(removed) == 0 && len(added) == 0 {
		return
	}
	out := searchResult{tag: x.tag, uid: x.uid, mailbox: x.mailbox, validity: x.validity, sorted: x.order != nil}
	out.writeCorrelator(enc)
	for _, list := range []struct {
		name    string
		changes []change
	}{{" REMOVEFROM ", removed}, {" ADDTO ", added}} {
		if len(list.changes) == 0 {
			continue
		}
		enc.Atom(list.name).BeginList()
		for _, ch := range list.changes {
			hits := make([]hit, 0, len(ch.uids))
			for _, uid := range ch.uids {
				h := hit{uid: uid}
				if !x.uid {
					h.seq = SeqNum(number(uid))
				}
				hits = append(hits, h)
			}
			enc.Item().Number(ch.at).SP().Ranges(out.set(hits))
		}
		enc.EndList()
	}
	enc.CRLF()
}
