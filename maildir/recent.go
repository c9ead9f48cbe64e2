package maildir

import (
	"context"
)

// ClaimRecent gives the caller's session the \Recent of all messages that no session had:
// those with UID >= from (RFC 3501 §2.3.2). Each message is recent to one session, across
// processes.
func (m *Mailbox) ClaimRecent(ctx context.Context) (from UID, err error) {
	err = m.a.glance(ctx, func() error {
		from = UID(m.f.row.Recent)
		return nil
	})
	if err != nil || from == m.current.Load().UIDNext() {
		return from, err
	}
	err = m.a.write(ctx, func(w *writing) error {
		if err := m.usable(); err != nil {
			return err
		}
		c := w.change(m.f)
		from = UID(c.row.Recent)
		c.row.Recent = c.row.UIDNext
		return nil
	})
	return from, err
}

// RecentFrom is what ClaimRecent would give, without claiming it (EXAMINE).
func (m *Mailbox) RecentFrom(ctx context.Context) (from UID, err error) {
	err = m.a.glance(ctx, func() error {
		from = UID(m.f.row.Recent)
		return nil
	})
	return from, err
}
