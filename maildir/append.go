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

// Append adds messages: all of them or none. Their bytes are kept as they come, save those of
// Incoming.Binary.
func (m *Mailbox) Append(ctx context.Context, msgs []Incoming) (res AppendResult, err error) {
	if len(msgs) == 0 {
		return res, nil
	}
	var announced int64
	for _, in := range msgs {
		announced += in.Size
	}
	if err := m.a.QuotaAllows(ctx, announced, int64(len(msgs))); err != nil {
		return res, err
	}
	p := m.BeginAppend()
	defer p.Close()
	for _, in := range msgs {
		if err := p.Add(ctx, in); err != nil {
			return res, err
		}
	}
	return p.Commit(ctx)
}

// Appending is messages for a mailbox that a client is sending: they wait in tmp/, on disk, until Commit or Replace adds
// them all. Close takes away what was not added. It is used by one goroutine.
type Appending struct {
	m     *Mailbox
	spool []*spooled
	bytes int64
}

// BeginAppend begins with no message.
func (m *Mailbox) BeginAppend() *Appending { return &Appending{m: m} }

// Len is how many messages wait.
func (p *Appending) Len() int { return len(p.spool) }

// Fits says whether the quota allows one more message of this many bytes with those that wait, before its bytes are read: nil
// or ErrOverQuota. What is to be replaced (nil if nothing) counts as gone. The commit checks again.
func (p *Appending) Fits(ctx context.Context, bytes int64, replaced *Message) error {
	bytes += p.bytes
	n := int64(len(p.spool)) + 1
	if replaced != nil {
		bytes -= max(replaced.Disk, 0)
		n--
	}
	return p.m.a.QuotaAllows(ctx, bytes, n)
}

// Add reads a message to its end. After an error it is not there, and the others still are.
func (p *Appending) Add(ctx context.Context, in Incoming) error {
	s, err := p.m.a.spool(ctx, p.m.f, in)
	if err != nil {
		return p.m.a.orNoMailbox(p.m.f, err)
	}
	p.spool = append(p.spool, s)
	p.bytes += s.facts.Disk
	return nil
}

// Commit adds the messages: all or none, whatever happens meanwhile. When it returns nil they are on disk.
func (p *Appending) Commit(ctx context.Context) (res AppendResult, err error) {
	a, f := p.m.a, p.m.f
	switch len(p.spool) {
	case 0:
		return res, nil
	case 1:
		err = a.addOne(ctx, f, p.spool[0])
	default:
		err = a.addMany(ctx, f, p.spool, (*writing).quotaFor)
	}
	if err != nil {
		return res, a.orNoMailbox(f, err)
	}
	return p.result(), nil
}

func (p *Appending) result() AppendResult {
	res := AppendResult{UIDValidity: p.spool[0].uidValidity}
	for _, s := range p.spool {
		res.UIDs = append(res.UIDs, s.uid)
	}
	return res
}

// Close removes the files of messages that were not added. It may be called twice.
func (p *Appending) Close() {
	for _, s := range p.spool {
		s.abort()
	}
	p.spool, p.bytes = nil, 0
}

// quotaFor refuses messages that do not fit.
func (w *writing) quotaFor(spool []*spooled) error {
	return w.checkQuota(bytesOf(spool), int64(len(spool)), 0)
}

func bytesOf(spool []*spooled) (n int64) {
	for _, s := range spool {
		n += s.facts.Disk
	}
	return n
}

// addMany adds messages in one commit: they wait in tmp/ under names that are durable, and the intent gives them
// their names in cur/ after it. first is the rest of the same change, and comes before.
func (a *Account) addMany(ctx context.Context, f *folder, spool []*spooled, first func(*writing, []*spooled) error) error {
	for _, s := range spool {
		if err := a.resolveFlags(ctx, f, s); err != nil {
			return err
		}
	}
	err := a.inFolder(ctx, f, func(dir string) error { return a.dir.Sync(dir, disk.Tmp) })
	if err != nil {
		return fmt.Errorf("maildir: add messages: %w", err)
	}
	err = a.write(ctx, func(w *writing) error {
		if f.gone {
			return ErrNoMailbox
		}
		if err := first(w, spool); err != nil {
			return err
		}
		c := w.change(f)
		if err := w.bring(spool, c.row.Dir, disk.Tmp); err != nil {
			return err
		}
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
