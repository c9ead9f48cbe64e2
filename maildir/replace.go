package maildir

import "context"

// ReplaceResult tells what the new message became.
type ReplaceResult struct {
	AppendResult
	ModSeq  ModSeq // of the mailbox that the old message left, with the removal in it
	Removed []Removed
}

// Replace adds the one message that waits and removes another one, of the same or another mailbox, in one change
// (RFC 8508 §3.4): both or neither. Only what the new one takes beyond the old one counts for the quota. If the old one is gone
// already the error is ErrGone and nothing is added.
func (p *Appending) Replace(ctx context.Context, src *Mailbox, old UID) (res ReplaceResult, err error) {
	a, f := p.m.a, p.m.f
	var removed []Removed
	err = a.addMany(ctx, f, p.spool, func(w *writing, spool []*spooled) (err error) {
		if err := src.usable(); err != nil {
			return err
		}
		msg := src.current.Load().Find(old)
		if msg == nil {
			return ErrGone
		}
		if err := w.checkQuota(bytesOf(spool)-max(msg.Disk, 0), int64(len(spool))-1, 0); err != nil {
			return err
		}
		removed, err = w.expunge(src.f, []*Message{msg})
		return err
	})
	if err != nil {
		return res, a.orNoMailbox(f, err)
	}
	return ReplaceResult{p.result(), src.current.Load().HighestModSeq(), removed}, nil
}
