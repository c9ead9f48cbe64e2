package maildir

import (
	"context"
	"errors"
	"slices"

	"bascule/maildir/disk"
)

// CopyResult tells which message became which; both lists have the same order.
type CopyResult struct {
	UIDValidity uint32 // of the target
	Src, Dst    []UID
}

// Copy adds copies of messages to dst, in the order of their UIDs: all or none.
// Messages that are gone are left out. A copy has a file of its own, a hard link where
// the file system allows, and keeps flags and internal date.
func (m *Mailbox) Copy(ctx context.Context, uids []UID, dst *Mailbox) (CopyResult, error) {
	return m.Transfer(ctx, uids, dst, Transfer{})
}

// Move takes messages to dst: all or none (RFC 6851 §3.3). Their files keep their base
// names and so their UIDLs.
func (m *Mailbox) Move(ctx context.Context, uids []UID, dst *Mailbox) (CopyResult, error) {
	return m.Transfer(ctx, uids, dst, Transfer{Move: true})
}

// Transfer says how messages go to another mailbox.
type Transfer struct {
	Move bool
	Drop Flags // flags that the copies do not get; of keywords, all or none
	// Eyes, if not nil, are the user's who has a \Seen of his own in the source: that is what the copies get.
	Eyes *Eyes
}

// Transfer is Copy or Move. Between accounts the quota is that of the target's, the copies have names of their own, and a
// move is two changes: see between.go.
func (m *Mailbox) Transfer(ctx context.Context, uids []UID, dst *Mailbox, how Transfer) (res CopyResult, err error) {
	uids = sorted(uids)
	if m.a != dst.a {
		return m.between(ctx, uids, dst, how)
	}
	err = m.retry(ctx, func() error {
		var plan *linkPlan
		if !how.Move && len(uids) > 1 {
			if plan, err = m.planLinks(ctx, uids, dst, how); err != nil {
				return err
			}
		}
		return m.write(ctx, func(w *writing) error {
			if dst.gone.Load() {
				return ErrNoMailbox
			}
			t := newTransfer(w, m.f, dst.f, how.Move)
			t.drop, t.eyes = how.Drop, how.Eyes
			t.plan = plan
			err := t.run(m.current.Load(), uids)
			res = t.res
			return err
		})
	})
	if err != nil {
		res = CopyResult{}
	}
	return res, err
}

// transferAll moves everything to the folder that make makes, in one change.
func (m *Mailbox) transferAll(ctx context.Context, make func(*writing) (*folder, error)) error {
	return m.twice(ctx, func(w *writing) error {
		f, err := make(w)
		if err != nil {
			return err
		}
		s := m.current.Load()
		uids := []UID{}
		for _, x := range s.All() {
			uids = append(uids, x.UID)
		}
		return newTransfer(w, m.f, f, true).run(s, uids)
	})
}

// twice is write, once more if a stranger renamed or removed a file meanwhile.
func (m *Mailbox) twice(ctx context.Context, fn func(*writing) error) error {
	return m.retry(ctx, func() error { return m.write(ctx, fn) })
}

// write is Account.write for a mailbox that must be usable.
func (m *Mailbox) write(ctx context.Context, fn func(*writing) error) error {
	return m.a.write(ctx, func(w *writing) error {
		if err := m.usable(); err != nil {
			return err
		}
		return fn(w)
	})
}

// retry does try once more if a file was not where its row said.
func (m *Mailbox) retry(ctx context.Context, try func() error) error {
	err := try()
	if !errors.Is(err, disk.ErrGone) {
		return err
	}
	if err := m.Rescan(ctx); err != nil {
		return err
	}
	return try()
}

// transfer is one COPY or MOVE.
type transfer struct {
	w        *writing
	src, dst *folder
	dir      *disk.Maildir // of the account
	move     bool
	plan     *linkPlan // nil if the copies come by way of tmp/
	drop     Flags
	eyes     *Eyes
	parsed   bool            // something was parsed of the messages
	flags    map[Flags]Flags // of the source, as bits of the target
	ops      []fileOp
	links    []disk.Place // made before the commit, for undo
	gone     []fileOp     // files that leave the source
	res      CopyResult
}

func newTransfer(w *writing, src, dst *folder, move bool) *transfer {
	t := &transfer{w: w, src: src, dst: dst, move: move, flags: map[Flags]Flags{}}
	w.failed = append(w.failed, t.undo)
	return t
}

func (t *transfer) run(s *Snapshot, uids []UID) error {
	w := t.w
	var msgs []*Message
	var bytes int64
	for _, uid := range uids {
		if m := s.Find(uid); m != nil {
			msgs = append(msgs, m)
			bytes += max(m.Disk, 0)
		}
	}
	if t.plan != nil {
		if err := w.StrikeIntent(t.plan.id); err != nil {
			return err
		}
	}
	d := w.change(t.dst)
	t.res = CopyResult{UIDValidity: d.row.UIDValidity}
	if len(msgs) == 0 {
		return nil
	}
	if !t.move {
		var grace int64
		if slices.Contains(d.row.Special, `\Trash`) {
			grace = max(w.a.Policy().GraceBytes, 1)
		}
		if err := w.checkQuota(bytes, int64(len(msgs)), grace); err != nil {
			return err
		}
		var err error // of a move it stays false: the row is gone before its copy comes
		if t.parsed, err = w.HasParsed(t.src.row.ID, uint32(msgs[0].UID), uint32(msgs[len(msgs)-1].UID)); err != nil {
			return err
		}
	}
	if err := d.reserve(w, len(msgs)); err != nil {
		return err
	}
	var release func()
	t.dir, release = w.a.dir.Holding(len(msgs))
	defer release()
	// The source's rows go first: a move inside one mailbox keeps its base names.
	byLink := !t.move || w.keepForMaildrop(t.src)
	if t.move {
		c := w.change(t.src)
		if err := c.remove(w, s, msgs, true); err != nil {
			return err
		}
		if err := c.trim(w); err != nil {
			return err
		}
	}
	var err error
	first := len(d.edit.add)
	switch planned, perr := t.planned(d, msgs); {
	case perr != nil:
		err = perr
	case !byLink:
		err = t.each(msgs, func(m *Message) error { return t.rename(d, m) })
	case !t.move && (len(msgs) == 1 || planned):
		err = d.changeCur(w, func() error {
			return t.each(msgs, func(m *Message) error { return t.link(d, m, true) })
		})
		if err == nil {
			err = w.a.dir.Sync(d.row.Dir, disk.Cur)
		}
	default:
		if err = t.each(msgs, func(m *Message) error { return t.link(d, m, false) }); err == nil {
			err = w.a.dir.Sync(d.row.Dir, disk.Tmp) // the commit relies on the links
		}
	}
	if err == nil {
		err = d.addRows(w, first)
	}
	if err != nil {
		return err
	}
	w.sync = len(t.ops) > 0
	if err := w.note(t.ops, false); err != nil {
		return err
	}
	return w.note(t.gone, byLink)
}

// bits translates a message's flags to the target's keywords.
func (t *transfer) bits(d *change, m *Message) (Flags, error) {
	flags := (m.Flags&^FlagSeen | t.eyes.seen(m)) &^ t.drop
	if t.src == t.dst || flags>>keywordShift == 0 {
		return flags, nil
	}
	if f, ok := t.flags[flags]; ok {
		return f, nil
	}
	at := Snapshot{keywords: t.src.row.Keywords}
	f, err := d.flagBits(t.w, at.FlagNames(flags))
	if errors.Is(err, ErrTooManyKeywords) {
		// A copy without its keywords is better than none.
		f, err = flags&(keywordBit(0)-1), nil
	}
	t.flags[flags] = f
	return f, err
}

// add puts m's copy into the target; run inserts the rows.
func (t *transfer) add(d *change, m *Message, base, tail, uidl string) (Message, error) {
	n := *m
	var err error
	if n.Flags, err = t.bits(d, m); err != nil {
		return n, err
	}
	if n.UID, err = d.nextUID(); err != nil {
		return n, err
	}
	n.inNew, n.uidl, n.saved = false, uidl, t.w.a.store.opts.Now().Unix()
	n.base, n.tail = base, shared(":2,"+infoLetters(n.Flags, "", len(d.row.Keywords)))
	d.put(n)
	// What was learned of the bytes holds for the copy.
	if t.parsed {
		if err := t.w.CopyParsed(t.src.row.ID, uint32(m.UID), d.row.ID, uint32(n.UID)); err != nil {
			return n, err
		}
	}
	t.res.Src, t.res.Dst = append(t.res.Src, m.UID), append(t.res.Dst, n.UID)
	return n, nil
}

func (t *transfer) each(msgs []*Message, fn func(*Message) error) error {
	for _, m := range msgs {
		if err := fn(m); err != nil {
			return err
		}
	}
	return nil
}

// link copies by a hard link under a name of its own: direct is straight into cur/, for one
// message, as a delivery would come, or for those of a plan; else it is by way of tmp/, from
// where the intent takes them.
func (t *transfer) link(d *change, m *Message, direct bool) error {
	w := t.w
	unique := ""
	if t.plan != nil {
		unique = t.plan.unique[m.UID]
	}
	if unique == "" {
		unique = w.a.store.namer.Unique(w.a.store.opts.Now())
	}
	base, uidl := unique+sizesOf(m.base), ""
	if t.move {
		uidl = m.UIDL()
		t.gone = append(t.gone, fileOp{kind: opRemove, src: t.src.place(m)})
	}
	n, err := t.add(d, m, base, "", uidl)
	if err != nil {
		return err
	}
	to := disk.TmpPlace(d.row.Dir, unique)
	if direct {
		to = n.place(d.row.Dir)
	} else {
		t.ops = append(t.ops, fileOp{kind: opRename, src: to, dst: n.place(d.row.Dir)})
	}
	if err := t.dir.Link(t.src.place(m), to); err != nil {
		return err
	}
	t.links = append(t.links, to)
	return nil
}

// rename moves the file itself.
func (t *transfer) rename(d *change, m *Message) error {
	base, uidl := m.base, m.uidl
	taken, err := t.w.UIDOfBase(d.row.ID, base)
	if err != nil {
		return err
	}
	if taken != 0 || len(base)+len(":2,")+32 > maxFileName { // with all letters it shall fit
		base, uidl = t.w.a.store.namer.Unique(t.w.a.store.opts.Now())+sizesOf(m.base), m.UIDL()
	}
	n, err := t.add(d, m, base, "", uidl)
	if err != nil {
		return err
	}
	if from, to := t.src.place(m), n.place(d.row.Dir); from != to {
		t.ops = append(t.ops, fileOp{kind: opRename, src: from, dst: to})
	}
	return nil
}

// undo removes the links of a transfer that was not committed.
func (t *transfer) undo() {
	dir, release := t.w.a.dir.Holding(len(t.links))
	defer release()
	for _, p := range t.links {
		dir.Remove(p)
	}
	if t.plan != nil {
		// It stands in the index until that is certain.
		t.w.a.journal.pending = append(t.w.a.journal.pending, pendingIntent{id: t.plan.id, ops: t.plan.ops})
	}
}

// sizesOf is the ",S=…,W=…" of a base name.
func sizesOf(base string) string {
	s, ok := disk.SizeOnDisk(base)
	w, ok2 := disk.SizeOnWire(base)
	if !ok || !ok2 {
		return ""
	}
	return disk.WithSizes("", s, w)
}
