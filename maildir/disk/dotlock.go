package disk

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"
)

// A dotlock is the file <path>.lock, which Dovecot and Courier make with O_EXCL before they change <path>. We take one only
// where such a program may work on the same Maildir; our own processes keep out of each other's way by better means.
const (
	dotlockStale = 120 * time.Second // a lock file not touched for so long is nobody's
	dotlockRetry = 20 * time.Millisecond
)

// Dotlock is a dotlock that is held. Used by one goroutine.
type Dotlock struct {
	fs   FS
	path string
	made Info
}

// LockUIDList takes the dotlock of the folder's dovecot-uidlist, which also guards its dovecot-keywords. It waits until ctx ends
// (then ErrLocked) and overrides a lock that is stale. Release it within 120 seconds or Touch it.
func (m *Maildir) LockUIDList(ctx context.Context, folder string) (*Dotlock, error) {
	return lockDot(ctx, m.fs, m.uidlistPath(folder))
}

// LockSubscriptions takes the dotlock of the subscriptions file, in the same way.
func (m *Maildir) LockSubscriptions(ctx context.Context) (*Dotlock, error) {
	return lockDot(ctx, m.fs, m.root+"/"+SubscriptionsFile)
}

func lockDot(ctx context.Context, f FS, path string) (*Dotlock, error) {
	l := &Dotlock{fs: f, path: path + ".lock"}
	for {
		w, err := f.Create(l.path, filePerm)
		if err == nil {
			st, err := w.Stat()
			w.Close()
			if err != nil {
				f.Remove(l.path)
				return nil, fmt.Errorf("disk: lock %s: %w", path, err)
			}
			l.made = InfoOf(st)
			return l, nil
		}
		if !errors.Is(err, fs.ErrExist) {
			return nil, fmt.Errorf("disk: lock %s: %w", path, err)
		}
		if st, err := f.Stat(l.path); err == nil && time.Since(st.ModTime()) > dotlockStale {
			// Two waiters may both come here and one remove the other's fresh lock: the known weakness of dotlocks. The window is
			// a few microseconds every 120 seconds; looking at the inode again makes it smaller still.
			if again, err := f.Stat(l.path); err == nil && SameFile(st, again) && again.MTime == st.MTime {
				f.Remove(l.path)
			}
			continue
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("disk: lock %s: %w (%w)", path, ErrLocked, ctx.Err())
		case <-time.After(dotlockRetry):
		}
	}
}

// Touch tells others that the holder is alive. Needed every 10 seconds or so by whoever holds the lock long. A lock
// that was lost meanwhile is ErrLocked.
func (l *Dotlock) Touch(now time.Time) error {
	if mine, err := l.mine(); err != nil || !mine {
		return fmt.Errorf("disk: touch lock: %w", cmp.Or(err, ErrLocked))
	}
	err := l.fs.Chtimes(l.path, now)
	if err == nil {
		l.made, err = l.fs.Stat(l.path)
	}
	if err != nil {
		return fmt.Errorf("disk: touch lock: %w", err)
	}
	return nil
}

// mine says whether the lock file is still ours. The inode alone does not tell: file systems use a number again at once.
func (l *Dotlock) mine() (bool, error) {
	st, err := l.fs.Stat(l.path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil && SameFile(st, l.made) && st.MTime == l.made.MTime, err
}

// Release removes the lock file, unless another program took the lock for stale and has put its own there.
func (l *Dotlock) Release() error {
	mine, err := l.mine()
	if err == nil && !mine {
		return nil
	}
	if err == nil {
		err = l.fs.Remove(l.path)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("disk: unlock: %w", err)
	}
	return nil
}
