package maildir

import (
	"context"
	"slices"

	"bascule/maildir/disk"
)

// StoreMode says what a STORE does with the flags.
type StoreMode int

const (
	StoreReplace StoreMode = iota
	StoreAdd
	StoreRemove
)

// StoreOp is a change of flags.
type StoreOp struct {
	Mode  StoreMode
	Flags []string
	// Keep are flags that stay as they are, whatever the mode.
	Keep Flags
	// Eyes, if not nil, are the user's who has a \Seen of his own.
	Eyes *Eyes
	// UnchangedSince leaves out messages with a higher modseq (RFC 7162 §3.1.3).
	UnchangedSince *ModSeq
}

// StoreResult tells what Store did. UIDs are in ascending order.
type StoreResult struct {
	Modified []UID // not changed, because they failed UnchangedSince
	Gone     []UID // not there any more
	ModSeq   ModSeq
	Snapshot *Snapshot // with the change
}

// Store changes the flags of messages, in one commit. Messages whose flags stay as they
// are keep their modseq.
func (m *Mailbox) Store(ctx context.Context, uids []UID, op StoreOp) (res StoreResult, err error) {
	uids = sorted(uids)
	err = m.a.write(ctx, func(w *writing) error {
		if err := m.usable(); err != nil {
			return err
		}
		res = StoreResult{}
		c := w.change(m.f)
		names := op.Flags
		if op.Mode == StoreRemove {
			names = onlyKnown(m.current.Load(), names)
		}
		bits, err := c.flagBits(w, names)
		if err != nil {
			return err
		}
		if op.Eyes != nil {
			return c.storeSeen(w, m.current.Load(), uids, op, bits, &res)
		}
		return c.store(w, m.current.Load(), uids, op, bits, &res)
	})
	if err == nil {
		res.Snapshot = op.Eyes.See(m.current.Load())
		res.ModSeq = res.Snapshot.HighestModSeq()
	}
	return res, err
}

// of is what becomes of a message's flags.
func (op *StoreOp) of(was, bits Flags) Flags {
	is := was
	switch op.Mode {
	case StoreReplace:
		is = bits
	case StoreAdd:
		is |= bits
	case StoreRemove:
		is &^= bits
	}
	return is&^op.Keep | was&op.Keep
}

// onlyKnown keeps a removal from making the keyword that it removes.
func onlyKnown(s *Snapshot, names []string) []string {
	_, unknown := s.ParseFlags(names)
	return slices.DeleteFunc(slices.Clone(names), func(n string) bool { return slices.Contains(unknown, n) && validKeyword(n) })
}

func (c *change) store(w *writing, s *Snapshot, uids []UID, op StoreOp, bits Flags, res *StoreResult) error {
	var ops []fileOp
	if len(uids) > 1 { // often most of them change
		ops = make([]fileOp, 0, min(len(uids), s.Len()))
		c.edit.replace = slices.Grow(c.edit.replace, cap(ops))
	}
	// A run of neighbours that become alike is written as one.
	var first Message // of the run
	var last UID      // of the run, 0 if there is none
	var end int       // the index behind it
	save := func() error {
		if last == 0 {
			return nil
		}
		return c.saveRun(w, &first, last)
	}
	var was, is Message // of the last tail that was made
	for _, uid := range uids {
		i := s.Lower(uid)
		if i == s.Len() || s.At(i).UID != uid {
			res.Gone = append(res.Gone, uid)
			continue
		}
		msg := s.At(i)
		if op.UnchangedSince != nil && msg.ModSeq > *op.UnchangedSince {
			res.Modified = append(res.Modified, uid)
			continue
		}
		n := *msg
		n.Flags = op.of(msg.Flags, bits)
		if n.Flags == msg.Flags {
			continue
		}
		if is.base == "" || was.tail != msg.tail || is.Flags != n.Flags {
			was, is = *msg, n
			is.tail = shared(tailFor(msg, n.Flags, len(c.row.Keywords)))
		}
		if len(msg.base)+len(is.tail) <= maxFileName {
			n.tail, n.inNew = is.tail, false
		}
		c.swap(msg, &n, true)
		if last == 0 || i != end || first.Flags != n.Flags || first.tail != n.tail || first.inNew != n.inNew {
			if err := save(); err != nil {
				return err
			}
			first = n
		}
		last, end = n.UID, i+1
		if from, to := c.f.place(msg), c.f.place(&n); from != to {
			ops = append(ops, fileOp{kind: opRename, src: from, dst: to})
		}
	}
	if err := save(); err != nil {
		return err
	}
	return w.note(ops, false)
}

// maxFileName is the longest name that file systems take, bytes. Flags for which a
// stranger's base name leaves no room are in the index alone.
const maxFileName = 255

// tailFor is the end of m's file name with these flags; unknown parts of it are kept.
func tailFor(m *Message, f Flags, keywords int) string {
	n, ok := disk.ParseName(m.base + m.tail)
	if !ok {
		return ":2," + infoLetters(f, "", keywords)
	}
	n = n.WithFlags(infoLetters(f, n.Flags, keywords))
	return n.String()[len(m.base):]
}

// sorted is uids in ascending order, each once.
func sorted(uids []UID) []UID {
	if !slices.IsSorted(uids) {
		uids = slices.Clone(uids)
		slices.Sort(uids)
	}
	for i := 1; i < len(uids); i++ {
		if uids[i] == uids[i-1] {
			return slices.Compact(slices.Clone(uids))
		}
	}
	return uids
}
