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
	return m.transfer(ctx, uids, dst, false)
}

// Move takes messages to dst: all or none (RFC 6851 §3.3). Their files keep their base
// names and so their UIDLs.
func (m *Mailbox) Move(ctx context.Context, uids []UID, dst *Mailbox) (CopyResult, error) {
	return m.transfer(ctx, uids, dst, true)
}

func (m *Mailbox) transfer(ctx context.Context, uids []UID, dst *Mailbox, move bool) (res CopyResult, err error) {
	uids = sorted(uids)
	err = m.twice(ctx, func(w *writing) error {
		if dst.gone.Load() {
			return ErrNoMailbox
		}
		t := newTransfer(w, m.f, dst.f, move)
		err := t.run(m.current.Load(), uids)
		res = t.res
		return err
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
	for attempt := 0; ; attempt++ {
		err := m.a.write(ctx, func(w *writing) error {
			if err := m.usable(); err != nil {
				return err
			}
			return fn(w)
		})
		if attempt > 0 || !errors.Is(err, disk.ErrGone) {
			return err
		}
		if err := m.Rescan(ctx); err != nil {
			return err
		}
	}
}

// transfer is one COPY or MOVE.
type transfer struct {
	w        *writing
	src, dst *folder
	move     bool
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
	// The source's rows go first: a move inside one mailbox keeps its base names.
	byLink := !t.move || w.keepForMaildrop(t.src)
	if t.move {
		c := w.change(t.src)
		for _, m := range msgs {
			if err := c.remove(w, m, true); err != nil {
				return err
			}
		}
		if err := c.trim(w); err != nil {
			return err
		}
	}
	direct := byLink && len(msgs) == 1 && !t.move
	for _, m := range msgs {
		var err error
		if byLink {
			err = t.link(d, m, direct)
		} else {
			err = t.rename(d, m)
		}
		if err != nil {
			return err
		}
	}
	if err := t.syncLinks(d, direct); err != nil {
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
	if t.src == t.dst || m.Flags>>keywordShift == 0 {
		return m.Flags, nil
	}
	if f, ok := t.flags[m.Flags]; ok {
		return f, nil
	}
	at := Snapshot{keywords: t.src.row.Keywords}
	f, err := d.flagBits(t.w, at.FlagNames(m.Flags))
	if errors.Is(err, ErrTooManyKeywords) {
		// A copy without its keywords is better than none.
		f, err = m.Flags&(keywordBit(0)-1), nil
	}
	t.flags[m.Flags] = f
	return f, err
}

// add inserts the row of m's copy in the target.
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
	if err := d.add(t.w, n); err != nil {
		return n, err
	}
	// What was learned of the bytes holds for the copy.
	if t.parsed {
		if err := t.w.CopyParsed(t.src.row.ID, uint32(m.UID), d.row.ID, uint32(n.UID)); err != nil {
			return n, err
		}
	}
	t.res.Src, t.res.Dst = append(t.res.Src, m.UID), append(t.res.Dst, n.UID)
	return n, nil
}

// link copies by a hard link under a name of its own: one message straight into cur/, as
// a delivery would come; several by way of tmp/, from where the intent takes them.
func (t *transfer) link(d *change, m *Message, direct bool) error {
	w := t.w
	unique := w.a.store.namer.Unique(w.a.store.opts.Now())
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
	if err := w.a.dir.Link(t.src.place(m), to); err != nil {
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

// syncLinks makes the links durable before the commit that relies on them.
func (t *transfer) syncLinks(d *change, direct bool) error {
	if len(t.links) == 0 {
		return nil
	}
	sub := disk.Tmp
	if direct {
		sub = disk.Cur
	}
	return t.w.a.dir.Sync(d.row.Dir, sub)
}

// undo removes the links of a transfer that was not committed.
func (t *transfer) undo() {
	for _, p := range t.links {
		t.w.a.dir.Remove(p)
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
