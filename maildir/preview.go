package maildir

import (
	"context"
	"errors"

	"bascule/internal/message"
	"bascule/maildir/index"
)

var previews = derived{
	name: "previews", read: index.Tx.Previews, save: index.Tx.SetPreview,
	derive: func(ctx context.Context, m *Mailbox, uids []UID, got func(UID, string)) error {
		s := m.current.Load()
		return m.Parsed(ctx, uids, func(uid UID, p Parsed) error {
			root, err := p.Root()
			if err != nil {
				return err
			}
			msg := s.Find(uid)
			if msg == nil {
				return nil
			}
			b, err := m.Open(ctx, msg)
			if errors.Is(err, ErrGone) {
				return nil
			}
			if err != nil {
				return err
			}
			defer b.Close()
			text, err := message.Preview(b, root)
			if err == nil {
				got(uid, text)
			}
			return err
		})
	},
}

// Previews calls fn with the first words of each of these messages that is still there, in UID order (RFC 8970). They are made when somebody
// first asks, and kept; with lazy set they are not made, and known is false where there are none yet. fn is called with no
// lock held.
func (m *Mailbox) Previews(ctx context.Context, uids []UID, lazy bool, fn func(uid UID, text string, known bool) error) error {
	return previews.each(ctx, m, uids, lazy, fn)
}
