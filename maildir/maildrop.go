package maildir

import (
	"context"
	"errors"
	"sync"
	"time"

	"bascule/locking"
)

// Maildrop is INBOX as one POP3 session has it: exclusively, and frozen as it was at
// login. Its methods are for that session's goroutine, except Lost and Asked.
type Maildrop struct {
	a     *Account
	box   *Mailbox
	lease locking.Lease
	msgs  []*Message
	end   sync.Once

	removed []Removed
}

// MaildropOptions of OpenMaildrop.
type MaildropOptions struct {
	// Wait is how long to wait for the maildrop.
	Wait time.Duration
	// HideDeleted leaves out what an IMAP client has flagged \Deleted.
	HideDeleted bool
}

// OpenMaildrop takes the maildrop for a POP3 session. If another one has it, its holder
// is asked to give way; after Wait the error is an *InUseError.
func (a *Account) OpenMaildrop(ctx context.Context, who locking.Holder, o MaildropOptions) (*Maildrop, error) {
	who.Account = a.address
	locks, key := a.store.opts.Locks, a.maildropKey()
	lease, err := locks.TryAcquire(key, locking.Exclusive, who)
	if errors.Is(err, locking.ErrBusy) {
		if _, held := locks.Held(key); held {
			if err := locks.Nudge(ctx, key); err != nil {
				a.log.Warn("the holder of the maildrop could not be asked", "err", err)
			}
		}
		lease, err = a.wait(ctx, o.Wait, locking.Exclusive, who)
	}
	if errors.Is(err, locking.ErrBusy) && ctx.Err() == nil {
		return nil, a.inUse(holderOf(err))
	}
	if err != nil {
		return nil, err
	}
	d := &Maildrop{a: a, lease: lease}
	a.store.mu.Lock()
	a.store.drops[d] = time.Now()
	a.store.mu.Unlock()
	if err := d.freeze(ctx, o.HideDeleted); err != nil {
		d.Release()
		return nil, err
	}
	return d, nil
}

// freeze takes the list of messages that the session will number.
func (d *Maildrop) freeze(ctx context.Context, hideDeleted bool) (err error) {
	if d.box, err = d.a.Mailbox(ctx, Inbox); err != nil {
		return err
	}
	s, err := d.box.Sizes(ctx, nil)
	if err != nil {
		return err
	}
	d.msgs = make([]*Message, 0, s.Len())
	for _, m := range s.All() {
		if !hideDeleted || m.Flags&FlagDeleted == 0 {
			d.msgs = append(d.msgs, m)
		}
	}
	return nil
}

// Len is the number of messages.
func (d *Maildrop) Len() int { return len(d.msgs) }

// Message is message i, 0 <= i < Len, as it was at login.
func (d *Maildrop) Message(i int) *Message { return d.msgs[i] }

// Octets is what RETR sends of it, before dot-stuffing.
func (d *Maildrop) Octets(i int) int64 { return d.msgs[i].Facts().POP3Octets() }

// UIDL is its unique id.
func (d *Maildrop) UIDL(i int) string { return d.msgs[i].UIDL() }

// Open opens message i; ErrGone if it was removed all the same (by a foreign program,
// or where the policy lets IMAP remove).
func (d *Maildrop) Open(ctx context.Context, i int) (*Body, error) {
	b, err := d.box.Open(ctx, d.msgs[i])
	if !errors.Is(err, ErrGone) || d.a.Policy().Exclusivity != ExclusiveSnapshot {
		return b, err
	}
	// IMAP has expunged it; under this policy its file stays for us, perhaps with
	// other flags in its name.
	p, found, err := d.a.dir.Find("", d.msgs[i].base)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, ErrGone
	}
	return d.a.openBody(p, d.msgs[i].Facts())
}

// Quit removes messages and sets \Seen on others, by index: all of it or nothing.
// Messages that are gone already are no error.
func (d *Maildrop) Quit(ctx context.Context, deleted, seen []int) error {
	if len(deleted)+len(seen) == 0 {
		return nil
	}
	var removed []Removed
	err := d.a.write(ctx, func(w *writing) (err error) {
		if err := d.box.usable(); err != nil {
			return err
		}
		s := d.box.current.Load()
		gone := make(map[UID]bool, len(deleted))
		var doomed []*Message
		for _, uid := range d.uids(deleted) {
			gone[uid] = true
			if m := s.Find(uid); m != nil {
				doomed = append(doomed, m)
			}
		}
		var read []UID
		for _, uid := range d.uids(seen) {
			if !gone[uid] {
				read = append(read, uid)
			}
		}
		c := w.change(d.box.f)
		if err := c.store(w, s, read, StoreOp{Mode: StoreAdd}, FlagSeen, &StoreResult{}); err != nil {
			return err
		}
		removed, err = w.expunge(d.box.f, doomed)
		return err
	})
	if err == nil {
		d.removed = removed
	}
	return err
}

// Removed is what Quit has removed.
func (d *Maildrop) Removed() []Removed { return d.removed }

func (d *Maildrop) uids(list []int) []UID {
	uids := make([]UID, 0, len(list))
	for _, i := range list {
		uids = append(uids, d.msgs[i].UID)
	}
	return sorted(uids)
}

// Lost is closed when the session has to end: an operator broke the lock.
func (d *Maildrop) Lost() <-chan struct{} { return d.lease.Lost() }

// Asked receives when another login would like to have the maildrop.
func (d *Maildrop) Asked() <-chan struct{} { return d.lease.Asked() }

// Release gives the maildrop back; it may be called twice. What IMAP sessions were not
// told of, they are told now.
func (d *Maildrop) Release() {
	d.end.Do(func() {
		d.lease.Release()
		d.a.store.mu.Lock()
		delete(d.a.store.drops, d)
		d.a.store.mu.Unlock()
		if d.box == nil {
			return
		}
		d.a.afterMaildrop(d.box)
		d.box.Close()
	})
}

// afterMaildrop does what was put off until the POP3 session's end, and wakes those
// who had to be silent.
func (a *Account) afterMaildrop(inbox *Mailbox) {
	if a.Policy().Exclusivity == ExclusiveSnapshot {
		if err := a.write(context.Background(), func(*writing) error { return nil }); err != nil {
			a.log.Error("files that a POP3 session kept could not be removed yet", "err", err)
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.shutErr == nil {
		inbox.f.nudge()
		a.nudge()
	}
}
