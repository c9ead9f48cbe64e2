package maildir

import "context"

// ExpungeResult tells what was removed, in ascending order.
type ExpungeResult struct {
	UIDs    []UID
	ModSeq  ModSeq
	Removed []Removed
}

// Expunge removes messages that have \Deleted: all of them if uids is nil, else those
// among uids. It happens whole or not at all.
func (m *Mailbox) Expunge(ctx context.Context, uids []UID) (res ExpungeResult, err error) {
	if uids != nil {
		uids = sorted(uids)
	}
	err = m.a.write(ctx, func(w *writing) (err error) {
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
		res.Removed, err = w.expunge(m.f, doomed)
		return err
	})
	if err != nil {
		res.Removed = nil
	}
	res.ModSeq = m.current.Load().HighestModSeq()
	return res, err
}

// expunge removes messages and notes that their files go. While a POP3 session still
// lists them under the snapshot policy, the files stay until it ends.
func (w *writing) expunge(f *folder, doomed []*Message) (list []Removed, err error) {
	if len(doomed) == 0 {
		return nil, nil
	}
	if list, err = w.describe(f, doomed); err != nil {
		return nil, err
	}
	c := w.change(f)
	if err := c.remove(w, f.box.current.Load(), doomed, true); err != nil {
		return nil, err
	}
	ops := make([]fileOp, 0, len(doomed))
	for _, msg := range doomed {
		ops = append(ops, fileOp{kind: opRemove, src: c.f.place(msg)})
	}
	if err := c.trim(w); err != nil {
		return nil, err
	}
	return list, w.note(ops, w.keepForMaildrop(f))
}

// keepForMaildrop says whether files that leave f must stay for a POP3 session.
func (w *writing) keepForMaildrop(f *folder) bool {
	return f.row.Dir == "" && w.a.Policy().Exclusivity == ExclusiveSnapshot && w.a.maildropHeld()
}

// Vanished lists the UIDs that were expunged with a modseq above since, ascending.
// complete is false if the history does not reach back so far, or if since lies ahead: then the client has to
// compare for itself, and uids is nil. What is told here stays gone: a file that comes
// back gets another UID.
func (m *Mailbox) Vanished(ctx context.Context, since ModSeq) (uids []UID, complete bool, err error) {
	secret := false
	err = m.a.read(ctx, func(tx tx) error {
		if err := m.usable(); err != nil {
			return err
		}
		row := &m.f.row
		if complete = uint64(since) >= row.Forgotten && uint64(since) <= row.ModSeq; complete && uint64(since) < row.ModSeq {
			gone, err := tx.ExpungedSince(row.ID, uint64(since))
			if err != nil {
				return err
			}
			for _, uid := range gone {
				uids = append(uids, UID(uid))
			}
		}
		unannounced, err := tx.Unannounced(row.ID)
		secret = len(unannounced) > 0
		return err
	})
	if err == nil && secret {
		err = m.a.write(ctx, func(w *writing) error { return w.Announce(m.f.row.ID) })
	}
	return uids, complete, err
}
