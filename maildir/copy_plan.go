package maildir

import (
	"context"
	"slices"

	"bascule/maildir/disk"
	"bascule/maildir/index"
)

// linkPlan lets a COPY of several messages link them straight into cur/. Its intent, committed
// before the first link, is to remove the links: it is struck off in the transaction that
// gives them their rows, so whoever dies between the two leaves none of them. To link into
// tmp/ and rename from there after the commit took a third more of the processor's time and a
// sync more.
type linkPlan struct {
	id     int64
	ops    []fileOp
	unique map[UID]string // by the message that is copied
	dir    string
}

// planLinks chooses the names of copies and commits the plan.
func (m *Mailbox) planLinks(ctx context.Context, uids []UID, dst *Mailbox, how Transfer) (p *linkPlan, err error) {
	err = m.write(ctx, func(w *writing) error {
		if dst.gone.Load() {
			return ErrNoMailbox
		}
		d, t := w.change(dst.f), &transfer{w: w, src: m.f, dst: dst.f, drop: how.Drop, eyes: how.Eyes, flags: map[Flags]Flags{}}
		p = &linkPlan{unique: make(map[UID]string, len(uids)), dir: d.row.Dir}
		s := m.current.Load()
		for _, uid := range uids {
			x := s.Find(uid)
			if x == nil {
				continue
			}
			unique := w.a.store.namer.Unique(w.a.store.opts.Now())
			file, err := t.fileOf(d, x, unique)
			if err != nil {
				return err
			}
			p.unique[uid] = unique
			p.ops = append(p.ops, fileOp{kind: opRemove, src: disk.Place{Folder: p.dir, Sub: disk.Cur, File: file}})
		}
		if len(p.ops) < 2 {
			p = nil
			return nil
		}
		p.id, err = w.AddIntent(index.Intent{Owner: w.a.lock.owner}, encodeOps(p.ops))
		return err
	})
	return p, err
}

// fileOf is the name that x's copy will have.
func (t *transfer) fileOf(d *change, x *Message, unique string) (string, error) {
	bits, err := t.bits(d, x)
	return unique + sizesOf(x.base) + ":2," + infoLetters(bits, "", len(d.row.Keywords)), err
}

// planned says whether the links would be exactly those of the plan. They are others if flags
// have changed since, or the folder was renamed.
func (t *transfer) planned(d *change, msgs []*Message) (bool, error) {
	p := t.plan
	if p == nil || p.dir != d.row.Dir {
		return false, nil
	}
	ops := p.ops
	for _, x := range msgs {
		file, err := t.fileOf(d, x, p.unique[x.UID])
		if err != nil {
			return false, err
		}
		i := slices.IndexFunc(ops, func(op fileOp) bool { return op.src.File == file })
		if i < 0 {
			return false, nil
		}
		ops = ops[i+1:]
	}
	return true, nil
}
