package maildir

import (
	"context"
	"fmt"
)

// The first UID that no session has called \Recent stands in the folder's row, but a claim is not worth a commit of its own: with its
// sync it would cost as much as the delivery before it. It is noted in index.lock, where the other processes find it, and comes into
// the row with the folder's next change, at the latest when the account is closed. What a power failure takes back of it makes a
// message recent twice, which RFC 3501 §2.3.2 allows where a server cannot tell.

// ClaimRecent gives the caller's session the \Recent of all messages that no session had:
// those with UID >= from (RFC 3501 §2.3.2). Each message is recent to one session, across
// processes.
func (m *Mailbox) ClaimRecent(ctx context.Context) (from UID, err error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	a, f := m.a, m.f
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case a.shutErr != nil:
		return 0, a.shutErr
	case a.db == nil:
		return 0, ErrClosed
	case f.row.Recent >= f.row.UIDNext:
		return UID(f.row.Recent), nil // what this process knows will do: the mark never goes back
	}
	if err := m.usable(); err != nil {
		return 0, err
	}
	if err := a.lock.Lock(); err != nil {
		return 0, fmt.Errorf("maildir: %s: %w", a.address, err)
	}
	from = UID(f.recent())
	noted := from >= UID(f.row.UIDNext) || a.lock.SetClaimed(f.row.ID, f.row.UIDValidity, f.row.UIDNext)
	if noted && from < UID(f.row.UIDNext) {
		f.row.Recent, f.claimed = f.row.UIDNext, true
	}
	a.lock.Unlock()
	if noted {
		return from, nil
	}
	err = a.writeLocked(ctx, func(w *writing) error {
		c := w.change(f)
		from = UID(c.row.Recent)
		c.row.Recent = c.row.UIDNext
		return nil
	})
	return from, err
}

// RecentFrom is what ClaimRecent would give, without claiming it (EXAMINE).
func (m *Mailbox) RecentFrom(ctx context.Context) (from UID, err error) {
	err = m.a.glance(ctx, func() error {
		from = UID(m.f.recent())
		return nil
	})
	return from, err
}

// recent is the first UID that no session has called \Recent, as far as any process knows. a.mu is held.
func (f *folder) recent() uint32 {
	r := &f.row
	if r.Recent < r.UIDNext {
		r.Recent = max(r.Recent, f.a.lock.Claimed(r.ID, r.UIDValidity))
	}
	return r.Recent
}

// saveClaims writes what was claimed and is not in the index yet. a.mu is held.
func (a *Account) saveClaims() {
	var unsaved []*folder
	for _, f := range a.byID {
		if f.claimed {
			unsaved = append(unsaved, f)
		}
	}
	if len(unsaved) == 0 {
		return
	}
	if err := a.writeLocked(context.Background(), func(w *writing) error {
		for _, f := range unsaved {
			if !f.gone {
				w.change(f)
			}
		}
		return nil
	}); err != nil {
		a.log.Warn("which messages were recent could not be noted; they will be once more", "err", err)
	}
}
