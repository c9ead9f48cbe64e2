package maildir

import (
	"context"
	"slices"
	"sort"
	"sync"
	"sync/atomic"
	"weak"

	"bascule/maildir/index"
)

// Private \Seen: in a mailbox that is set so (SetPrivateSeen), each user with whom it is shared has a \Seen of his own, and the owner the one that
// is kept with the message, which POP3 and other programs see. What a user has read stands in the owner's index, as runs of
// UIDs, so that it goes with the folder. A change of it takes the folder's next modseq: no other message has that, others see HIGHESTMODSEQ
// grow and nothing else.

// Eyes are how one user sees a mailbox whose \Seen is private, in this process. A nil one sees what the owner sees. Its methods may be called
// from any goroutine.
type Eyes struct {
	user string
	now  atomic.Pointer[readList]

	mu   sync.Mutex // protects made
	made weak.Pointer[sight]
}

// sight is a snapshot as See made it, and of what: the next one shares what stayed the same. It lives as long as a session has the snapshot, and
// no longer: it may be as large as the mailbox, for each user who ever came.
type sight struct {
	Snapshot
	base *Snapshot
	list *readList
}

// readList says which messages a user has read. It is never changed.
type readList struct {
	runs []index.SeenRun // in order, without common UIDs; messages in none were never read
	// was is the list before, which it does not keep, and lo to hi are the UIDs in which they differ; zero where that is not known.
	was    weak.Pointer[readList]
	lo, hi UID
}

// find is the run that a UID is in; nil if there is none.
func (l *readList) find(uid UID) *index.SeenRun {
	i := sort.Search(len(l.runs), func(i int) bool { return l.runs[i].Last >= uint32(uid) })
	if i == len(l.runs) || l.runs[i].First > uint32(uid) {
		return nil
	}
	return &l.runs[i]
}

// see makes of a message what the user sees.
func (l *readList) see(m *Message) {
	r := l.find(m.UID)
	m.Flags &^= FlagSeen
	if r == nil {
		return
	}
	if r.Seen {
		m.Flags |= FlagSeen
	}
	m.ModSeq = max(m.ModSeq, ModSeq(r.ModSeq))
}

// Eyes gives how a user sees the mailbox, as of now in all processes: nil if he is the owner, or if \Seen is everybody's. Others than before
// mean that this was changed: what was seen with them is worth nothing.
func (m *Mailbox) Eyes(ctx context.Context, user string) (e *Eyes, err error) {
	if user == m.a.address {
		return nil, nil
	}
	private := false
	err = m.a.glance(ctx, func() error {
		if m.gone.Load() {
			return ErrGone
		}
		private, e = m.f.row.SeenPrivate, m.f.eyes[user]
		return nil
	})
	if err != nil || e != nil || !private {
		return e, err
	}
	err = m.a.read(ctx, func(tx index.Tx) error {
		if err := m.usable(); err != nil {
			return err
		}
		f := m.f
		if e = f.eyes[user]; e != nil || !f.row.SeenPrivate {
			return nil
		}
		runs, err := tx.SeenRuns(f.row.ID, user)
		if err != nil {
			return err
		}
		e = &Eyes{user: user}
		e.now.Store(&readList{runs: runs})
		if f.eyes == nil {
			f.eyes = map[string]*Eyes{}
		}
		f.eyes[user] = e
		return nil
	})
	return e, err
}

// See is the snapshot as the user sees it. It shares what he sees as others do, and what See made before.
func (e *Eyes) See(s *Snapshot) *Snapshot {
	if e == nil {
		return s
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	l, last := e.now.Load(), e.made.Value()
	made := map[*chunk]*chunk{} // of those of the base
	switch {
	case last == nil:
	case last.base == s && last.list == l:
		return &last.Snapshot
	case last.list == l || l.was == weak.Make(last.list):
		for i, c := range last.base.chunks {
			if last.list == l || c.last < l.lo || c.msgs()[0].UID > l.hi {
				made[c] = last.chunks[i]
			}
		}
	}
	n := &sight{Snapshot: *s, base: s, list: l}
	n.chunks, n.unseen = make([]*chunk, len(s.chunks)), 0
	for i, c := range s.chunks {
		mine := made[c]
		if mine == nil {
			mine = l.chunk(c)
		}
		n.chunks[i] = mine
		n.unseen += mine.unseen
	}
	e.made = weak.Make(n)
	return &n.Snapshot
}

// unseen counts what the user has not read, without a snapshot for him.
func (e *Eyes) unseen(s *Snapshot) int {
	n := s.Len()
	for _, r := range e.now.Load().runs {
		if r.Seen {
			n -= s.Lower(UID(r.Last)+1) - s.Lower(UID(r.First))
		}
	}
	return n
}

// chunk is a chunk as the user sees it: the same one if that is as others do.
func (l *readList) chunk(c *chunk) *chunk {
	old := c.msgs()
	mine := slices.Clone(old)
	same := true
	for i := range mine {
		l.see(&mine[i])
		same = same && mine[i].Flags == old[i].Flags && mine[i].ModSeq == old[i].ModSeq
	}
	if same {
		return c
	}
	return newChunk(mine)
}

// seen is the \Seen of a message, of two that the user's.
func (e *Eyes) seen(m *Message) Flags {
	if e == nil {
		return m.Flags & FlagSeen
	}
	if r := e.now.Load().find(m.UID); r != nil && r.Seen {
		return FlagSeen
	}
	return 0
}

// maxSeenRuns is up to how many runs a list is kept as it came to be; beyond twice of what it was made small to, it is made small again.
const maxSeenRuns = 1024

// mark changes the user's \Seen of some messages, which are in ascending order.
func (c *change) mark(w *writing, e *Eyes, s *Snapshot, uids []UID, seen bool) error {
	if len(uids) == 0 {
		return nil
	}
	modSeq := uint64(c.bump())
	c.row.SeenModSeq = modSeq
	var fresh []index.SeenRun
	for _, uid := range uids {
		if n := len(fresh) - 1; n >= 0 && fresh[n].Last+1 == uint32(uid) {
			fresh[n].Last++
		} else {
			fresh = append(fresh, index.SeenRun{First: uint32(uid), Last: uint32(uid), ModSeq: modSeq, Seen: seen})
		}
	}
	was := c.listOf(e)
	n := &readList{runs: overlay(was.runs, fresh), was: weak.Make(was), lo: UID(fresh[0].First), hi: UID(fresh[len(fresh)-1].Last)}
	if len(n.runs) > maxSeenRuns+2*c.f.small {
		n.runs, n.was = compacted(n.runs, s), weak.Pointer[readList]{}
		c.f.small = len(n.runs)
		if err := w.ReplaceSeen(c.row.ID, e.user, n.runs); err != nil {
			return err
		}
	} else if err := w.saveRuns(c.row.ID, e.user, was.runs, n); err != nil {
		return err
	}
	c.read(e, n)
	return nil
}

// read notes what a user has read when this change is made.
func (c *change) read(e *Eyes, l *readList) {
	if c.eyes == nil {
		c.eyes = map[*Eyes]*readList{}
	}
	c.eyes[e] = l
}

// listOf is what the user has read as far as this change has come.
func (c *change) listOf(e *Eyes) *readList {
	if l := c.eyes[e]; l != nil {
		return l
	}
	return e.now.Load()
}

// saveRuns writes the runs in which a list differs from the one before.
func (w *writing) saveRuns(folder int64, user string, was []index.SeenRun, n *readList) error {
	touched := func(r *index.SeenRun) bool { return r.Last >= uint32(n.lo) && r.First <= uint32(n.hi) }
	first, last := uint32(n.lo), uint32(n.hi)
	for i := range was {
		if touched(&was[i]) {
			first, last = min(first, was[i].First), max(last, was[i].Last)
		}
	}
	if err := w.DropSeen(folder, user, first, last); err != nil {
		return err
	}
	for _, r := range n.runs {
		if r.First >= first && r.First <= last {
			if err := w.AddSeen(folder, user, r); err != nil {
				return err
			}
		}
	}
	return nil
}

// overlay lays some runs over others. Both are in order.
func overlay(under, over []index.SeenRun) []index.SeenRun {
	out := make([]index.SeenRun, 0, len(under)+2*len(over))
	var u index.SeenRun // what is left of the next one below
	ok := false
	pull := func() {
		if ok = len(under) > 0; ok {
			u, under = under[0], under[1:]
		}
	}
	pull()
	for _, o := range over {
		for ok && u.First < o.First {
			if u.Last < o.First {
				out = append(out, u)
				pull()
				continue
			}
			head := u
			head.Last = o.First - 1
			out = append(out, head)
			u.First = o.First
		}
		for ok && u.Last <= o.Last {
			pull()
		}
		if ok && u.First <= o.Last {
			u.First = o.Last + 1
		}
		out = append(out, o)
	}
	if ok {
		out = append(out, u)
	}
	return append(out, under...)
}

// compacted makes neighbours of which both were read, or both not, one run, and leaves out those without messages. The modseq of
// some messages grows by it, which tells their reader what he knows, and nothing wrong.
func compacted(runs []index.SeenRun, s *Snapshot) (out []index.SeenRun) {
	end := -1 // the index behind the last message of out's last run
	for _, r := range runs {
		i, k := s.Lower(UID(r.First)), s.Lower(UID(r.Last)+1)
		if i == k {
			continue
		}
		if n := len(out) - 1; i == end && out[n].Seen == r.Seen {
			out[n].Last, out[n].ModSeq = r.Last, max(out[n].ModSeq, r.ModSeq)
		} else {
			out = append(out, r)
		}
		end = k
	}
	return out
}

// storeSeen is Store for a user with a \Seen of his own: the other flags are everybody's. Eyes of before whose \Seen it is was changed see and
// mark nothing.
func (c *change) storeSeen(w *writing, s *Snapshot, uids []UID, op StoreOp, bits Flags, res *StoreResult) error {
	if c.f.eyes[op.Eyes.user] != op.Eyes {
		op.Keep |= FlagSeen
		return c.store(w, s, uids, op, bits, res)
	}
	mine := op.Eyes.See(s)
	var rest, read, unread []UID
	for _, uid := range uids {
		m := mine.Find(uid)
		if m == nil {
			res.Gone = append(res.Gone, uid)
			continue
		}
		if op.UnchangedSince != nil && m.ModSeq > *op.UnchangedSince {
			res.Modified = append(res.Modified, uid)
			continue
		}
		rest = append(rest, uid)
		switch want := op.of(m.Flags, bits) & FlagSeen; {
		case want == m.Flags&FlagSeen:
		case want != 0:
			read = append(read, uid)
		default:
			unread = append(unread, uid)
		}
	}
	op.Keep, op.UnchangedSince = op.Keep|FlagSeen, nil
	if err := c.store(w, s, rest, op, bits, res); err != nil {
		return err
	}
	if err := c.mark(w, op.Eyes, s, read, true); err != nil {
		return err
	}
	return c.mark(w, op.Eyes, s, unread, false)
}

// SetPrivateSeen says whether in a mailbox each user with whom it is shared has a \Seen of his own. Everybody's begins with nothing read;
// what was read by each is forgotten when it becomes common again. Sessions of others that have the mailbox open must look
// (Mailbox.Eyes). Errors: ErrNoMailbox.
func (a *Account) SetPrivateSeen(ctx context.Context, name string, private bool) error {
	m, err := a.Mailbox(ctx, name)
	if err != nil {
		return err
	}
	defer m.Close()
	return m.write(ctx, func(w *writing) error {
		c := w.change(m.f)
		if c.row.SeenPrivate == private {
			return nil
		}
		c.row.SeenPrivate, c.access = private, true
		c.row.SeenModSeq = uint64(c.bump())
		if err := w.DropAllSeen(c.row.ID); err != nil {
			return err
		}
		w.after = append(w.after, func() { m.f.eyes = nil })
		// Who knows the flags of before finds every message changed.
		for _, msg := range m.current.Load().All() {
			n := *msg
			c.swap(msg, &n, true)
		}
		return w.SetModSeqs(c.row.ID, c.row.ModSeq)
	})
}

// PrivateSeen says whether others have a \Seen of their own in a mailbox. Errors: ErrNoMailbox.
func (a *Account) PrivateSeen(ctx context.Context, name string) (private bool, err error) {
	err = a.withFolder(ctx, name, func(f *folder) error {
		private = f.row.SeenPrivate
		return nil
	})
	return private, err
}

// forgetReader makes unread what a user has read in a folder. His mail programs, should he come again, are to hear of it.
func (w *writing) forgetReader(f *folder, user string) error {
	if !f.row.SeenPrivate {
		return nil
	}
	runs, err := w.SeenRuns(f.row.ID, user)
	if err != nil || !slices.ContainsFunc(runs, func(r index.SeenRun) bool { return r.Seen }) {
		return err
	}
	c := w.change(f)
	c.row.SeenModSeq = uint64(c.bump())
	runs = []index.SeenRun{{First: 1, Last: runs[len(runs)-1].Last, ModSeq: c.row.SeenModSeq}}
	if e := f.eyes[user]; e != nil {
		c.read(e, &readList{runs: runs})
	}
	return w.ReplaceSeen(f.row.ID, user, runs)
}

// StatusOf is Status as a user sees it.
func (a *Account) StatusOf(ctx context.Context, name, user string, sizes bool) (Status, error) {
	st, err := a.Status(ctx, name, sizes)
	if err != nil || user == a.address {
		return st, err
	}
	private, err := a.PrivateSeen(ctx, name)
	if err != nil || !private {
		return st, err
	}
	m, err := a.Mailbox(ctx, name)
	if err != nil {
		return st, err
	}
	defer m.Close()
	e, err := m.Eyes(ctx, user)
	if err != nil {
		return st, err
	}
	if e == nil {
		return st, nil // not private any more
	}
	s := m.Snapshot()
	st.Unseen, st.Messages, st.HighestModSeq, st.UIDNext = e.unseen(s), s.Len(), s.HighestModSeq(), s.UIDNext()
	return st, nil
}

// takeEyes reads anew what users have read, if that has changed, before row becomes the folder's.
func (f *folder) takeEyes(tx index.Tx, row *index.Folder) error {
	if row.SeenModSeq == f.row.SeenModSeq {
		return nil
	}
	if row.SeenPrivate != f.row.SeenPrivate {
		f.eyes = nil
	}
	for _, e := range f.eyes {
		runs, err := tx.SeenRuns(f.row.ID, e.user)
		if err != nil {
			return err
		}
		e.now.Store(&readList{runs: runs})
	}
	return nil
}

// eyes checks what is kept of users' reading.
func (c *checker) eyes(f *folder) error {
	if f.row.SeenModSeq > f.row.ModSeq {
		c.report(f.row.Name, "the modseq of private flags is ahead of the folder's")
	}
	readers, err := c.w.Readers(f.row.ID)
	if err != nil {
		return err
	}
	if len(readers) > 0 && !f.row.SeenPrivate {
		c.report(f.row.Name, "private flags in a mailbox whose flags are everybody's")
	}
	for _, user := range readers {
		runs, err := c.w.SeenRuns(f.row.ID, user)
		if err != nil {
			return err
		}
		next := uint32(1)
		for _, r := range runs {
			if r.First < next || r.Last < r.First || r.Last >= f.row.UIDNext || r.ModSeq > f.row.ModSeq {
				c.report(f.row.Name, "what %s has read is damaged: %+v", user, r)
				break
			}
			next = r.Last + 1
		}
		if e := f.eyes[user]; e != nil && !slices.Equal(e.now.Load().runs, runs) {
			c.report(f.row.Name, "what %s has read is not what the index has", user)
		}
	}
	return nil
}
