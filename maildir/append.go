package maildir

import (
	"context"
	"fmt"

	"bascule/maildir/disk"
)

// AppendResult tells what the messages became, in the order given.
type AppendResult struct {
	UIDValidity uint32
	UIDs        []UID
}

// Append adds messages: all of them or none. Their bytes are kept as they come.
func (m *Mailbox) Append(ctx context.Context, msgs []Incoming) (res AppendResult, err error) {
	a := m.a
	if len(msgs) == 0 {
		return res, nil
	}
	var announced int64
	for _, in := range msgs {
		announced += in.Size
	}
	if err := a.QuotaAllows(ctx, announced, int64(len(msgs))); err != nil {
		return res, err
	}
	spool := make([]*spooled, 0, len(msgs))
	defer func() {
		for _, s := range spool {
			s.abort()
		}
	}()
	for _, in := range msgs {
		s, err := a.spool(ctx, m.f, in)
		if err != nil {
			return res, a.orNoMailbox(m.f, err)
		}
		spool = append(spool, s)
	}
	if len(spool) == 1 {
		err = a.addOne(ctx, m.f, spool[0])
	} else {
		err = a.addMany(ctx, m.f, spool)
	}
	if err != nil {
		return res, a.orNoMailbox(m.f, err)
	}
	res.UIDValidity = spool[0].uidValidity
	for _, s := range spool {
		res.UIDs = append(res.UIDs, s.uid)
	}
	return res, nil
}

// addMany adds several messages in one commit: they wait in tmp/ under names that are
// durable, and the intent gives them their names in cur/ after it.
func (a *Account) addMany(ctx context.Context, f *folder, spool []*spooled) error {
	for _, s := range spool {
		if err := a.resolveFlags(ctx, f, s); err != nil {
			return err
		}
	}
	dir, err := a.dirOf(f)
	if err != nil {
		return err
	}
	if err := a.dir.Sync(dir, disk.Tmp); err != nil {
		return fmt.Errorf("maildir: add messages: %w", err)
	}
	err = a.write(ctx, func(w *writing) error {
		if f.gone {
			return ErrNoMailbox
		}
		var bytes int64
		for _, s := range spool {
			bytes += s.facts.Disk
		}
		if err := w.checkQuota(bytes, int64(len(spool)), 0); err != nil {
			return err
		}
		c := w.change(f)
		if err := c.reserve(w, len(spool)); err != nil {
			return err
		}
		var ops []fileOp
		for _, s := range spool {
			msg, err := c.messageOf(w, s)
			if err != nil {
				return err
			}
			if err := c.add(w, msg); err != nil {
				return err
			}
			s.uid, s.uidValidity = msg.UID, c.row.UIDValidity
			ops = append(ops, fileOp{kind: opRename, src: disk.TmpPlace(c.row.Dir, s.unique), dst: msg.place(c.row.Dir)})
		}
		w.sync = true
		return w.note(ops, false)
	})
	if err == nil {
		for _, s := range spool {
			s.in.Published()
		}
	}
	return err
}
