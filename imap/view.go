package imap

import (
	"errors"
	"iter"
	"slices"
	"sort"

	"bascule/imap/wire"
	"bascule/maildir"
)

// SeqNum is a message sequence number as one client knows it: from 1 without gaps (RFC 9051 §2.3.1.2).
// It means something only together with the view of that client.
type SeqNum uint32

// view is what one client knows of the selected mailbox, and the only place
// that maps sequence numbers to messages.
//
// While the client is in step, the view is a pointer to a snapshot which it
// shares with every other session: number i+1 is snap.At(i). When messages went
// and the client may not yet be told (a FETCH, STORE or SEARCH by sequence
// number runs, RFC 9051 §7.5.1), the view keeps the list of UIDs that the client
// numbers by, four bytes a message, and no old snapshot: so what a session
// holds back is bounded by the size of one mailbox, however long it holds it.
type view struct {
	snap *maildir.Snapshot // what the client was told of flags and arrivals
	held []maildir.UID     // the client's numbering while it is out of step; nil in step
	// since is the modseq up to which the client was told everything when it came out of step.
	since maildir.ModSeq
	// missing is the modseq before a change that the client did not want to be told (NOTIFY); 0: none.
	missing maildir.ModSeq
}

// whole is the modseq up to which the client was told everything, expunges too: who asks for the changes
// since it misses none. A higher one must never be told as HIGHESTMODSEQ.
func (v *view) whole() maildir.ModSeq {
	whole := v.snap.HighestModSeq()
	if v.held != nil {
		whole = v.since
	}
	if v.missing > 0 {
		whole = min(whole, v.missing)
	}
	return whole
}

// untold notes that changes after since were not told.
func (v *view) untold(since maildir.ModSeq) {
	if v.missing == 0 {
		v.missing = since
	}
}

// errOutOfStep says that a snapshot contradicts what the client was told. The
// only honest way on is to end the session: its numbering cannot be saved.
var errOutOfStep = errors.New("imap: the mailbox changed in a way its numbering cannot follow")

// Len is the number of messages the client knows: the highest sequence number.
func (v *view) Len() int {
	if v.held != nil {
		return len(v.held)
	}
	return v.snap.Len()
}

// UID returns the UID which the client knows by the number n, whether or not
// the message still exists; 0 if there is no such number.
func (v *view) UID(n SeqNum) maildir.UID {
	switch {
	case n == 0 || int(n) > v.Len():
		return 0
	case v.held != nil:
		return v.held[n-1]
	}
	return v.snap.At(int(n) - 1).UID
}

// Message returns the message with the number n; nil if it is gone or never was.
func (v *view) Message(n SeqNum) *maildir.Message {
	if n == 0 || int(n) > v.Len() {
		return nil
	}
	if v.held == nil {
		return v.snap.At(int(n) - 1)
	}
	if i, ok := v.snap.Index(v.held[n-1]); ok {
		return v.snap.At(i)
	}
	return nil
}

// Seq returns the number by which the client knows uid.
func (v *view) Seq(uid maildir.UID) (SeqNum, bool) {
	if v.held != nil {
		i, ok := slices.BinarySearch(v.held, uid)
		return SeqNum(i + 1), ok
	}
	i, ok := v.snap.Index(uid)
	return SeqNum(i + 1), ok
}

// lower returns the number of messages with a UID below uid.
func (v *view) lower(uid maildir.UID) int {
	if v.held != nil {
		return sort.Search(len(v.held), func(i int) bool { return v.held[i] >= uid })
	}
	return v.snap.Lower(uid)
}

// catchUp adds to changed what was kept from the client, which is told now.
func (v *view) catchUp(changed []maildir.UID) []maildir.UID {
	changed = slices.Clone(changed) // all sessions of the mailbox may share it
	for _, m := range v.eachSince([]span{{1, SeqNum(v.Len())}}, v.missing) {
		if m != nil && m.ModSeq > v.missing {
			changed = append(changed, m.UID)
		}
	}
	v.missing = 0
	slices.Sort(changed)
	return slices.Compact(changed)
}

// span is a run of sequence numbers, both ends included.
type span struct{ lo, hi SeqNum }

// bySeq maps a client's set to runs of the numbers it knows: ascending, merged and never
// expanded, so that "1:4294967295" costs nothing. A number that does not exist is an
// error (RFC 9051 §9, seq-number), but "1:*" may be asked of an empty mailbox.
func (v *view) bySeq(set wire.NumSet) ([]span, error) {
	n := uint32(v.Len())
	for _, r := range set.Ranges {
		star := r.Start == 0 || r.Stop == 0
		if (r.Start > n || r.Stop > n) && !(n == 0 && star) {
			return nil, errNoMessage
		}
	}
	return v.clip(set), nil
}

// clip is bySeq for SEARCH, where a number that does not exist matches nothing.
func (v *view) clip(set wire.NumSet) []span {
	n := uint32(v.Len())
	var out []span
	for _, r := range set.Resolve(n) {
		if r.Start <= n {
			out = append(out, span{SeqNum(r.Start), SeqNum(min(r.Stop, n))})
		}
	}
	return out
}

// byUID is bySeq for UIDs; unknown ones are passed over (RFC 9051 §6.4.9).
func (v *view) byUID(set wire.NumSet) []span {
	n := v.Len()
	if n == 0 {
		return nil
	}
	return v.ofUIDs(set.Resolve(uint32(v.UID(SeqNum(n)))))
}

// ofUIDs gives the numbers of the UIDs in a set.
func (v *view) ofUIDs(uids wire.Ranges) []span {
	var out []span
	for _, r := range uids {
		lo, hi := v.lower(maildir.UID(r.Start))+1, v.Len()
		if r.Stop < maxUID {
			hi = v.lower(maildir.UID(r.Stop + 1))
		}
		switch last := len(out) - 1; {
		case lo > hi:
		case last >= 0 && out[last].hi+1 == SeqNum(lo):
			out[last].hi = SeqNum(hi)
		default:
			out = append(out, span{SeqNum(lo), SeqNum(hi)})
		}
	}
	return out
}

const maxUID = 1<<32 - 1

// each yields the messages of some runs in ascending order; nil for one that is gone already.
func (v *view) each(spans []span) iter.Seq2[SeqNum, *maildir.Message] { return v.eachSince(spans, 0) }

// eachSince is each for messages with a modseq above since. While the view is out of step it may yield others too.
func (v *view) eachSince(spans []span, since maildir.ModSeq) iter.Seq2[SeqNum, *maildir.Message] {
	return func(yield func(SeqNum, *maildir.Message) bool) {
		for _, s := range spans {
			if v.held != nil {
				for n := s.lo; n <= s.hi; n++ {
					if !yield(n, v.Message(n)) {
						return
					}
				}
				continue
			}
			for i, m := range v.snap.Since(int(s.lo)-1, since) {
				if SeqNum(i+1) > s.hi {
					break
				}
				if !yield(SeqNum(i+1), m) {
					return
				}
			}
		}
	}
}

// eachWith yields those messages of some runs that are still there and have the flags.
func (v *view) eachWith(spans []span, f flagTest) iter.Seq2[SeqNum, *maildir.Message] {
	return func(yield func(SeqNum, *maildir.Message) bool) {
		for _, s := range spans {
			if v.held != nil {
				for n := s.lo; n <= s.hi; n++ {
					if m := v.Message(n); m != nil && f.passes(m.Flags) && !yield(n, m) {
						return
					}
				}
				continue
			}
			for i, m := range v.snap.WithFlags(int(s.lo)-1, int(s.hi), f.has, f.lacks) {
				if !yield(SeqNum(i+1), m) {
					return
				}
			}
		}
	}
}

// uids lists the UIDs of the messages of some runs that still exist; gone tells that some do not.
func (v *view) uids(spans []span) (out []maildir.UID, gone bool) {
	total := 0
	for _, s := range spans {
		total += int(s.hi-s.lo) + 1
	}
	out = make([]maildir.UID, 0, total)
	for _, m := range v.each(spans) {
		if m == nil {
			gone = true
			continue
		}
		out = append(out, m.UID)
	}
	return out, gone
}

// news is the difference between what the client knew and what it may be told now.
type news struct {
	expunged []SeqNum      // highest first, so that each number is right when it is sent
	vanished []maildir.UID // the same messages, ascending
	arrived  bool          // messages were added: EXISTS has to be sent
	added    int           // how many
	changed  []maildir.UID // flags or modseq changed; known before and still there
}

// advance moves the view to a newer snapshot and returns what to tell the
// client. Without mayExpunge the numbering stays as it is, and grows at its end.
func (v *view) advance(to *maildir.Snapshot, mayExpunge bool) (news, error) {
	return v.advanceBy(maildir.Diff(v.snap, to), to, mayExpunge)
}

// advanceBy is advance for who knows the difference, which stays as it is.
func (v *view) advanceBy(d maildir.Delta, to *maildir.Snapshot, mayExpunge bool) (news, error) {
	var n news
	if to != v.snap {
		first := to.Len() - d.Added // of the messages that were added
		if to.UIDValidity() != v.snap.UIDValidity() || d.Added > 0 && to.At(first).UID <= v.UID(SeqNum(v.Len())) {
			return n, errOutOfStep
		}
		n.changed, n.arrived, n.added = d.Changed, d.Added > 0, d.Added
		if v.held == nil {
			if len(d.Gone) > 0 && mayExpunge {
				n.expunged = make([]SeqNum, 0, len(d.Gone))
				for _, i := range slices.Backward(d.Gone) {
					n.expunged = append(n.expunged, SeqNum(i+1))
				}
				n.vanished = d.GoneUIDs
			} else if len(d.Gone) > 0 {
				v.since = v.snap.HighestModSeq()
				v.held = make([]maildir.UID, 0, v.snap.Len()+d.Added)
				for i := range v.snap.Len() {
					v.held = append(v.held, v.snap.At(i).UID)
				}
			}
		}
		if v.held != nil {
			for i := first; i < to.Len(); i++ {
				v.held = append(v.held, to.At(i).UID)
			}
		}
		v.snap = to
	}
	if v.held != nil && mayExpunge {
		n.expunged, n.vanished = v.release()
	}
	return n, nil
}

// release brings a held numbering back in step and returns the numbers that went, highest first, and their UIDs, ascending.
func (v *view) release() (gone []SeqNum, uids []maildir.UID) {
	i := v.snap.Len() - 1
	for n := len(v.held) - 1; n >= 0; n-- {
		if i >= 0 && v.snap.At(i).UID == v.held[n] {
			i--
			continue
		}
		gone, uids = append(gone, SeqNum(n+1)), append(uids, v.held[n])
	}
	slices.Reverse(uids)
	v.held = nil
	return gone, uids
}
