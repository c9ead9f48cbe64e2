package maildir

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"bascule/internal/message"
	"bascule/maildir/disk"
)

// Sizes makes the sizes of these messages known (nil: of all) and returns the snapshot
// that has them. Files are read only where nobody has read them before; what is
// learned is kept. Messages that are gone are left out.
func (m *Mailbox) Sizes(ctx context.Context, uids []UID) (*Snapshot, error) {
	var stuck UID
	for last := -1; ; {
		s := m.current.Load()
		unknown := unsized(s, uids)
		if len(unknown) == 0 {
			return s, nil
		}
		if unknown[0].UID == stuck && len(unknown) >= last {
			return nil, fmt.Errorf("maildir: sizes in %s: UID %d: its file is not there", m.Name(), unknown[0].UID)
		}
		stuck, last = unknown[0].UID, len(unknown)
		// In parts, so that a first POP3 login does not keep others waiting long.
		for part := range slices.Chunk(unknown, 500) {
			if err := m.learn(ctx, part); err != nil {
				return nil, err
			}
		}
	}
}

func unsized(s *Snapshot, uids []UID) (out []*Message) {
	if s.Unsized() == 0 {
		return nil
	}
	if uids == nil {
		for _, m := range s.All() {
			if m.Size < 0 {
				out = append(out, m)
			}
		}
		return out
	}
	for _, uid := range uids {
		if m := s.Find(uid); m != nil && m.Size < 0 {
			out = append(out, m)
		}
	}
	slices.SortFunc(out, func(a, b *Message) int { return int(int64(a.UID) - int64(b.UID)) })
	return slices.Compact(out)
}

// learn reads the files, without any lock, and then keeps what it found.
func (m *Mailbox) learn(ctx context.Context, msgs []*Message) error {
	facts, err := m.measureAll(ctx, msgs)
	if err != nil {
		return err
	}
	vanished := false
	err = m.a.write(ctx, func(w *writing) error {
		if err := m.usable(); err != nil {
			return err
		}
		c := w.change(m.f)
		s := m.current.Load()
		for _, msg := range msgs {
			now := s.Find(msg.UID)
			if now == nil || now.Size >= 0 {
				continue
			}
			f, ok := facts[msg.UID]
			if !ok {
				// It has another name now, or is gone: look again.
				if f, err := m.a.measureOrGuess(m.f.place(now)); err == nil {
					facts[msg.UID] = f
				} else {
					vanished = true
				}
				if f, ok = facts[msg.UID]; !ok {
					continue
				}
			}
			n := *now
			n.Disk, n.Size, n.Kind = f.Disk, f.Wire, f.Kind
			if err := c.refact(w, now, n); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil || !vanished {
		return err
	}
	return m.Rescan(ctx)
}

// readers is how many files are read at a time when the sizes of many are asked for: more
// than processors, since each may wait for the disk.
const readers = 4

// measureAll reads what the messages' bytes are; those whose file is missing are left out.
func (m *Mailbox) measureAll(ctx context.Context, msgs []*Message) (map[UID]message.Facts, error) {
	dir := m.where.Load().dir
	found, there := make([]message.Facts, len(msgs)), make([]bool, len(msgs))
	var failed [readers]error
	var next atomic.Int64
	var all sync.WaitGroup
	for r := range min(readers, len(msgs)) {
		all.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(msgs) && failed[r] == nil; i = int(next.Add(1)) - 1 {
				if failed[r] = ctx.Err(); failed[r] != nil {
					return
				}
				f, err := m.a.measureOrGuess(msgs[i].place(dir))
				if err == nil {
					found[i], there[i] = f, true
				} else if !isMissing(err) {
					failed[r] = err
				}
			}
		})
	}
	all.Wait()
	facts := make(map[UID]message.Facts, len(msgs))
	for i, f := range found {
		if there[i] {
			facts[msgs[i].UID] = f
		}
	}
	return facts, errors.Join(failed[:]...)
}

// measureOrGuess is measure, but a file that cannot be read (its owner forbids it, a
// sector is bad) gets the size that its name and its length tell, so that the mailbox's
// other messages can be listed. Who opens it is told the error.
func (a *Account) measureOrGuess(p disk.Place) (message.Facts, error) {
	f, err := a.measure(p)
	if err == nil || isMissing(err) {
		return f, err
	}
	st, serr := a.dir.Stat(p)
	if serr != nil || !st.Mode.IsRegular() {
		return f, err
	}
	a.log.Error("a message cannot be read; its size is a guess", "folder", p.Folder, "file", p.File, "err", err)
	f = message.Facts{Disk: st.Size, Wire: st.Size}
	if wire, ok := disk.SizeOnWire(p.File); ok && wire >= st.Size && wire <= 2*st.Size {
		f.Wire = wire
	}
	return f, nil
}
