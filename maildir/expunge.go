package maildir

import "context"

// ExpungeResult tells what was removed, in ascending order.
type ExpungeResult struct {
	UIDs   []UID
	ModSeq ModSeq
}

// Expunge removes messages that have \Deleted: all of them if uids is nil, else those
// among uids. It happens whole or not at all.
func (m *Mailbox) Expunge(ctx context.Context, uids []UID) (res ExpungeResult, err error) {
	if uids != nil {
		uids = sorted(uids)
	}
	err = m.a.write(ctx, func(w *writing) error {
		if err := m.usable(); err != nil {
			return err
		}
		res = ExpungeResult{}
		s := m.current.Load()
		var doomed []*Message
		if uids == nil {
			if s.Deleted() > 0 {
				for _, msg := range s.All() {
					if msg.Flags&FlagDeleted != 0 {
						doomed = append(doomed, msg)
					}
				}
			}
		}
		for _, uid := range uids {
			if msg := s.Find(uid); msg != nil && msg.Flags&FlagDeleted != 0 {
				doomed = append(doomed, msg)
			}
		}
		for _, msg := range doomed {
			res.UIDs = append(res.UIDs, msg.UID)
		}
		return w.expunge(m.f, doomed)
	})
	res.ModSeq = m.current.Load().HighestModSeq()
	return res, err
}

// expunge removes messages and notes that their files go. While a POP3 session still
// lists them under the snapshot policy, the files stay until it ends.
func (w *writing) expunge(f *folder, doomed []*Message) error {
	if len(doomed) == 0 {
		return nil
	}
	c := w.change(f)
	ops := make([]fileOp, 0, len(doomed))
	for _, msg := range doomed {
		if err := c.remove(w, msg, true); err != nil {
			return err
		}
		ops = append(ops, fileOp{kind: opRemove, src: c.f.place(msg)})
	}
	if err := c.trim(w); err != nil {
		return err
	}
	return w.note(ops, w.keepForMaildrop(f))
}

// keepForMaildrop says whether files that leave f must stay for a POP3 session.
func (w *writing) keepForMaildrop(f *folder) bool {
	return f.row.Dir == "" && w.a.Policy().Exclusivity == ExclusiveSnapshot && w.a.maildropHeld()
}

// Vanished lists the UIDs that were expunged with a modseq above since, ascending.
// complete is false if the history does not reach back so far: then the client has to
// compare for itself, and uids is nil.
func (m *Mailbox) Vanished(ctx context.Context, since ModSeq) (uids []UID, complete bool, err error) {
	err = m.a.read(ctx, func(tx tx) error {
		if err := m.usable(); err != nil {
			return err
		}
		if complete = uint64(since) >= m.f.row.Forgotten; !complete {
			return nil
		}
		gone, err := tx.ExpungedSince(m.f.row.ID, uint64(since))
		for _, uid := range gone {
			uids = append(uids, UID(uid))
		}
		return err
	})
	return uids, complete, err
}
