package maildir

import (
	"context"

	"bascule/maildir/index"
)

// Status is what STATUS tells of a mailbox that need not be open.
type Status struct {
	Messages, Unseen, Deleted, Recent int
	Size, DeletedSize                 int64 // octets on the wire
	UIDNext                           UID
	UIDValidity                       uint32
	HighestModSeq                     ModSeq
	ID                                string
}

// Status reads a mailbox's counters, after a look whether its directories have changed.
// sizes says that Size and DeletedSize are wanted, which may mean to read files that
// nobody has read yet.
func (a *Account) Status(ctx context.Context, name string, sizes bool) (st Status, err error) {
	look := false
	err = a.readFolder(ctx, name, func(_ index.Tx, f *folder) error {
		readNew, readCur, err := f.stale()
		look = readNew || readCur || err != nil || sizes && f.row.Unsized > 0
		return nil
	})
	if err != nil {
		return st, err
	}
	if look {
		m, err := a.Mailbox(ctx, name)
		if err != nil {
			return st, err
		}
		defer m.Close()
		if sizes {
			if _, err := m.Sizes(ctx, nil); err != nil {
				return st, err
			}
		}
	}
	err = a.readFolder(ctx, name, func(_ index.Tx, f *folder) error {
		st = f.status()
		return nil
	})
	return st, err
}

func (f *folder) status() Status {
	r := &f.row
	recent := f.recent()
	st := Status{
		Messages: int(r.Messages), Unseen: int(r.Unseen), Deleted: int(r.Deleted),
		Size: r.Wire, DeletedSize: r.WireDeleted,
		UIDNext: UID(r.UIDNext), UIDValidity: r.UIDValidity, HighestModSeq: ModSeq(r.ModSeq), ID: r.ObjectID,
	}
	if f.box != nil {
		s := f.box.current.Load()
		st.Recent = s.Len() - s.Lower(UID(recent))
	} else {
		st.Recent = int(min(int64(r.UIDNext-min(recent, r.UIDNext)), r.Messages))
	}
	return st
}
