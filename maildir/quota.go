package maildir

import (
	"context"
	"fmt"
)

// Usage is what an account's mail takes and what it may take (0: no limit).
type Usage struct {
	Bytes, Messages           int64
	LimitBytes, LimitMessages int64
}

// Usage counts from the folders' counters: bytes on disk, and messages.
func (a *Account) Usage(ctx context.Context) (u Usage, err error) {
	err = a.glance(ctx, func() error {
		u = a.usage()
		return nil
	})
	return u, err
}

// usage is Usage for who holds a.mu.
func (a *Account) usage() Usage {
	p := a.policy.Load()
	u := Usage{LimitBytes: p.QuotaBytes, LimitMessages: p.QuotaMessages}
	for _, f := range a.byID {
		u.Bytes += f.row.Disk
		u.Messages += f.row.Messages
	}
	return u
}

// QuotaAllows says, before the bytes are read, whether a message of this size would
// fit: nil, ErrOverQuota or ErrDiskFull. The commit checks again.
func (a *Account) QuotaAllows(ctx context.Context, bytes, messages int64) error {
	if bytes > 0 {
		if err := a.hasRoom(); err != nil {
			return err
		}
	}
	if p := a.policy.Load(); p.QuotaBytes == 0 && p.QuotaMessages == 0 {
		return nil
	}
	return a.glance(ctx, func() error { return a.refusal(a.usage().allows(bytes, messages, 0)) })
}

// allows refuses what would pass a limit. What adds nothing never does, however full the account is.
func (u Usage) allows(bytes, messages, grace int64) error {
	if u.LimitBytes > 0 && bytes > 0 && u.Bytes+bytes > u.LimitBytes+grace {
		return fmt.Errorf("%w: %d of %d bytes are used", ErrOverQuota, u.Bytes, u.LimitBytes)
	}
	if u.LimitMessages > 0 && messages > 0 && grace == 0 && u.Messages+messages > u.LimitMessages {
		return fmt.Errorf("%w: %d of %d messages are there", ErrOverQuota, u.Messages, u.LimitMessages)
	}
	return nil
}

// checkQuota refuses an addition that does not fit, counting what this writing has
// added so far. grace is by how many bytes the limit may be passed.
func (w *writing) checkQuota(bytes, messages, grace int64) error {
	u := w.a.usage()
	for _, c := range w.changes {
		u.Bytes += c.row.Disk - c.f.row.Disk
		u.Messages += c.row.Messages - c.f.row.Messages
	}
	return w.a.refusal(u.allows(bytes, messages, grace))
}

// refusal counts what does not fit.
func (a *Account) refusal(err error) error {
	if err != nil {
		a.store.opts.Metrics.Quota.Add(1)
	}
	return err
}
