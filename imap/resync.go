package imap

import (
	"context"
	"sort"

	"bascule/imap/wire"
	"bascule/maildir"
)

// resync is what a client that comes back says of its state (RFC 7162 §3.2.5), and what it has missed.
type resync struct {
	validity uint32
	since    maildir.ModSeq
	known    wire.NumSet // UIDs; nothing stands for all
	// seqs are some numbers and uids their UIDs, as they were: as many of one as of the other.
	seqs, uids wire.Ranges

	valid bool        // the mailbox is still the one that the client knows
	set   wire.Ranges // of which UIDs the client wants to hear
	gone  wire.Ranges
}

// parse reads the parameter's value.
//
//	"(" uidvalidity SP mod-sequence-value [SP known-uids] [SP "(" known-sequence-set SP known-uid-set ")"] ")"
func (rs *resync) parse(dec *wire.Decoder) bool {
	var since uint64
	if !dec.ExpectSP() || !dec.ExpectSpecial('(') || !dec.ExpectNZNumber(&rs.validity) || !dec.ExpectSP() || !dec.ExpectNumber64(&since) {
		return false
	}
	rs.since = maildir.ModSeq(since)
	more := dec.SP()
	if more && dec.Peek() != '(' {
		if !rs.plainSet(dec, &rs.known) {
			return false
		}
		more = dec.SP()
	}
	if more && !rs.parseMatch(dec) {
		return false
	}
	return dec.ExpectSpecial(')')
}

func (rs *resync) parseMatch(dec *wire.Decoder) bool {
	var seqs, uids wire.NumSet
	if !dec.ExpectSpecial('(') || !rs.plainSet(dec, &seqs) || !dec.ExpectSP() || !rs.plainSet(dec, &uids) || !dec.ExpectSpecial(')') {
		return false
	}
	rs.seqs, rs.uids = seqs.Resolve(0), uids.Resolve(0)
	if rs.seqs.Len() != rs.uids.Len() {
		return dec.Fail("as many sequence numbers as UIDs are needed")
	}
	return true
}

// plainSet reads a set in which "*" and "$" would mean nothing.
func (rs *resync) plainSet(dec *wire.Decoder, set *wire.NumSet) bool {
	if !dec.ExpectNumSet(set) {
		return false
	}
	star := set.Saved
	for _, r := range set.Ranges {
		star = star || r.Start == 0 || r.Stop == 0
	}
	return !star || dec.Fail("only numbers may stand here")
}

// compare finds out what went. The session's door must be open.
func (rs *resync) compare(ctx context.Context, b *selected) (err error) {
	if rs.valid = rs.validity == b.view.snap.UIDValidity(); !rs.valid {
		return nil
	}
	if rs.known.IsZero() {
		rs.known.Ranges = []wire.Range{{Start: 1}}
	}
	rs.set = b.knownUIDs(rs.known)
	unsure := rs.set
	if m := b.view.matched(rs.seqs, rs.uids); m > 0 {
		unsure = within(unsure, uint32(m)+1, maxUID)
	}
	rs.gone, err = b.vanished(ctx, rs.since, unsure)
	return err
}

// writeResync tells the client what it has missed, as UID FETCH (FLAGS) (CHANGEDSINCE VANISHED) would.
func (c *conn) writeResync(rs *resync) {
	if !rs.valid {
		return
	}
	c.writeEarlier(rs.gone)
	for seq, m := range c.box.view.eachSince(c.box.view.ofUIDs(rs.set), rs.since) {
		c.writeChange(seq, m, true, true)
	}
}

// writeEarlier writes VANISHED (EARLIER), which must come before any FETCH (RFC 7162 §3.2.6).
func (c *conn) writeEarlier(gone wire.Ranges) {
	if len(gone) > 0 {
		c.enc.Untagged().Atom("VANISHED (EARLIER) ").Ranges(gone).CRLF()
	}
}

// knownUIDs are the UIDs of a client's set that were ever given, as far as the client can know. "*" is the last
// of them, so that a set such as "300:*" means what went as well.
func (b *selected) knownUIDs(set wire.NumSet) wire.Ranges {
	if set.Saved {
		return b.saved
	}
	last := uint32(b.view.snap.UIDNext() - 1)
	return within(set.Resolve(last), 1, last)
}

// within is the part of set from first to last.
func within(set wire.Ranges, first, last uint32) (out wire.Ranges) {
	for _, r := range set {
		r.Start, r.Stop = max(r.Start, first), min(r.Stop, last)
		if r.Start <= r.Stop {
			out = append(out, r)
		}
	}
	return out
}

// vanished lists the UIDs of set that went after since. What the client still numbers is not among them: that
// is told by VANISHED without (EARLIER). If the history does not reach back so far, all of set that is not there
// has gone (RFC 7162 §3.2.6).
func (b *selected) vanished(ctx context.Context, since maildir.ModSeq, set wire.Ranges) (wire.Ranges, error) {
	uids, complete, err := b.m.Vanished(ctx, since)
	if err != nil {
		return nil, err
	}
	var gone wire.SetBuilder
	if complete {
		for _, uid := range uids {
			if _, here := b.view.Seq(uid); !here && set.Contains(uint32(uid)) {
				gone.Add(uint32(uid))
			}
		}
		return gone.Ranges(), nil
	}
	for _, r := range set {
		next := r.Start
		for n := SeqNum(b.view.lower(maildir.UID(r.Start)) + 1); int(n) <= b.view.Len(); n++ {
			uid := uint32(b.view.UID(n))
			if uid > r.Stop {
				break
			}
			gone.AddRange(next, uid-1)
			next = uid + 1
		}
		gone.AddRange(next, r.Stop)
	}
	return gone.Ranges(), nil
}

// matched is the highest of uids that still has its number of seqs, 0 if none has: the client knows of all that
// went up to there (RFC 7162 §3.2.5.2). Both sets are walked by runs, for either may name billions.
func (v *view) matched(seqs, uids wire.Ranges) maildir.UID {
	i, j := len(seqs)-1, len(uids)-1
	if i < 0 || j < 0 {
		return 0
	}
	s, u := seqs[i], uids[j]
	for {
		// The last n numbers of s belong to the last n of u.
		n := min(s.Stop-s.Start, u.Stop-u.Start) + 1
		if uid := v.matchedRun(s.Stop-n+1, u.Stop-n+1, n); uid > 0 {
			return uid
		}
		if s.Stop-s.Start+1 > n {
			s.Stop -= n
		} else if i--; i >= 0 {
			s = seqs[i]
		} else {
			return 0
		}
		if u.Stop-u.Start+1 > n {
			u.Stop -= n
		} else if j--; j >= 0 {
			u = uids[j]
		} else {
			return 0
		}
	}
}

// matchedRun is matched for the n numbers from seq on and the n UIDs from uid on. How far a message's UID is
// ahead of its number never falls from one message to the next, so the last match is found by bisection.
func (v *view) matchedRun(seq, uid, n uint32) maildir.UID {
	if int64(seq) > int64(v.Len()) {
		return 0
	}
	n = uint32(min(int64(n), int64(v.Len())-int64(seq)+1))
	k := sort.Search(int(n), func(k int) bool { return v.UID(SeqNum(seq)+SeqNum(k)) > maildir.UID(uid)+maildir.UID(k) })
	if k == 0 || v.UID(SeqNum(seq)+SeqNum(k-1)) != maildir.UID(uid)+maildir.UID(k-1) {
		return 0
	}
	return maildir.UID(uid) + maildir.UID(k-1)
}
