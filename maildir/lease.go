package maildir

import (
	"context"
	"errors"
	"time"
	"weak"

	"bascule/locking"
)

// This file is all of the policy of the POP3 lock: who takes which lease on an
// account's maildrop (its INBOX), when, and for how long.
//
//   - A POP3 session holds it exclusively from its login to its end (OpenMaildrop).
//   - An IMAP session holds nothing while it is idle. Each command that touches INBOX
//     holds it shared for that moment (Door.Enter).
//   - Delivery, scans and the operator's tools take no lease.

// Touch says what an IMAP command does to a mailbox.
type Touch int

const (
	TouchRead   Touch = iota // sees messages, flags or counters
	TouchFlags               // changes flags
	TouchAdd                 // adds messages
	TouchRemove              // removes messages
)

// waits says whether a POP3 session keeps such a command out.
func (e Exclusivity) waits(t Touch) bool {
	switch e {
	case ExclusiveSnapshot:
		return false
	case ExclusiveRemoval:
		return t == TouchRemove
	default:
		return true
	}
}

func (a *Account) maildropKey() locking.Key { return locking.Key(a.address) }

// maildropHeld says whether a POP3 session has the maildrop, in any process.
func (a *Account) maildropHeld() bool {
	_, held := a.store.opts.Locks.Held(a.maildropKey())
	return held
}

// Door is where an IMAP session passes the lock. It belongs to one session and is used
// by one goroutine.
type Door struct {
	a   *Account
	who locking.Holder

	lease locking.Lease
	depth int // commands inside commands: a COPY into INBOX from INBOX enters once

	// refused is the POP3 session that kept us out last. Until it ends, further
	// commands are refused at once: ten pipelined commands must not wait ten times.
	// Its name may be unknown in its first moments.
	refused locking.Holder
	barred  bool
}

// Door makes the session's door.
func (a *Account) Door(who locking.Holder) *Door {
	who.Account = a.address
	return &Door{a: a, who: who}
}

// Enter must be called before a command sees or changes a mailbox; leave ends it and
// must be called before anything is written to the client. On mailboxes other than
// INBOX, and where the policy lets IMAP be, it costs nothing. If it has to wait it
// calls onWait once. After Policy.LockWait the error is an *InUseError.
func (d *Door) Enter(ctx context.Context, mailbox string, t Touch, onWait func()) (leave func(), err error) {
	p := d.a.policy.Load()
	if mailbox != Inbox || !p.Exclusivity.waits(t) {
		return func() {}, nil
	}
	if d.depth == 0 {
		if d.lease, err = d.acquire(ctx, p.LockWait, onWait); err != nil {
			return nil, err
		}
	}
	d.depth++
	left := false
	return func() {
		if left {
			return
		}
		left = true
		if d.depth--; d.depth == 0 {
			d.lease.Release()
			d.lease = nil
		}
	}, nil
}

func (d *Door) acquire(ctx context.Context, wait time.Duration, onWait func()) (locking.Lease, error) {
	locks, key := d.a.store.opts.Locks, d.a.maildropKey()
	l, err := locks.TryAcquire(key, locking.Shared, d.who)
	if !errors.Is(err, locking.ErrBusy) {
		d.barred = false
		return l, err
	}
	if h, held := locks.Held(key); d.barred && held && (sameSession(h, d.refused) || d.refused.Session == "") {
		d.a.store.opts.Metrics.LockWait.Observe(0, d.who.Protocol, "refused")
		return nil, d.a.inUse(h)
	}
	d.barred = false
	if onWait != nil {
		onWait()
	}
	l, err = d.a.wait(ctx, wait, locking.Shared, d.who)
	if errors.Is(err, locking.ErrBusy) && ctx.Err() == nil {
		d.refused, d.barred = holderOf(err), true
		return nil, d.a.inUse(d.refused)
	}
	return l, err
}

// wait waits for a lease on the maildrop, and counts how that ends.
func (a *Account) wait(ctx context.Context, most time.Duration, mode locking.Mode, who locking.Holder) (locking.Lease, error) {
	bounded, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	start, result := time.Now(), "granted"
	l, err := a.store.opts.Locks.Acquire(bounded, a.maildropKey(), mode, who)
	switch {
	case errors.Is(err, locking.ErrBusy) && ctx.Err() == nil:
		result = "refused"
	case err != nil:
		result = "ended"
	}
	a.store.opts.Metrics.LockWait.Observe(time.Since(start), who.Protocol, result)
	return l, err
}

// Quiet says that the session must not be told of changes in this mailbox now: a POP3
// session has it to itself. What has changed is told when it ends.
func (d *Door) Quiet(mailbox string) bool {
	return mailbox == Inbox && d.depth == 0 && d.a.policy.Load().Exclusivity == ExclusiveMailbox && d.a.maildropHeld()
}

// QuietAbout is Quiet for who tells s to many sessions, one after another: what could be told to one since s was there can be told to all, as
// if they had heard of it in that moment. So the lock, which costs a system call, is asked for once.
func (d *Door) QuietAbout(m *Mailbox, s *Snapshot) bool {
	if w := m.free.Load(); w != nil && w.Value() == s {
		return false
	}
	if d.Quiet(m.Name()) {
		return true
	}
	w := weak.Make(s)
	m.free.Store(&w)
	return false
}

func sameSession(a, b locking.Holder) bool {
	return a.Session == b.Session && a.Process == b.Process && a.Since.Equal(b.Since)
}

func holderOf(err error) locking.Holder {
	var busy *locking.BusyError
	if errors.As(err, &busy) && len(busy.Holders) > 0 {
		return busy.Holders[0]
	}
	return locking.Holder{}
}

func (a *Account) inUse(h locking.Holder) *InUseError {
	e := &InUseError{Holder: h}
	if !h.Since.IsZero() {
		e.Age = a.store.opts.Now().Sub(h.Since)
	}
	return e
}
