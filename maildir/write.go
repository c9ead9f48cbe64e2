package maildir

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"reflect"
	"slices"
	"sync"
	"time"

	"bascule/maildir/index"
)

// writing is one change to an account: a transaction of the index, the new snapshots
// and the file operations that follow from it.
type writing struct {
	index.Tx
	a       *Account
	changes []*change
	intents []pendingIntent
	adopted []pendingIntent // of dead processes, and not yet struck off
	// sync says that the directories of the file operations must be durable before
	// the change is acknowledged: the files have new names in other folders.
	sync bool
	// listed says that the list of mailboxes or the subscriptions change.
	listed bool
	// reading is what reads files beside the transaction; it is waited for before any file goes.
	reading sync.WaitGroup
	// after runs when the change is committed and published, failed if it is not.
	after, failed []func()
	sharing       bool // lists of rights change
	attributes    bool // the text of the annotations changes
}

// change is what one writing does to one folder.
type change struct {
	f    *folder
	row  index.Folder // the new row; f.row stays true until the commit
	edit edit
	gone bool // the folder is deleted
	// access: who has rights changes, so that sessions must look whether they still have theirs, or which URLs are good.
	access bool
	eyes   map[*Eyes]*readList // what users have read
}

// write runs fn as one change: whole or not at all. When it returns nil, all is durable
// that an acknowledgement promises. It waits for other writers, also of other processes.
// fn must not call anything that writes.
func (a *Account) write(ctx context.Context, fn func(*writing) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.writeLocked(ctx, fn)
}

// writeLocked is write for who holds a.mu.
func (a *Account) writeLocked(ctx context.Context, fn func(*writing) error) error {
	if a.shutErr != nil {
		return a.shutErr
	}
	if a.db == nil {
		return ErrClosed
	}
	// From here on a client that goes away changes nothing.
	ctx = context.WithoutCancel(ctx)
	if err := a.lock.Lock(); err != nil {
		return fmt.Errorf("maildir: %s: %w", a.address, err)
	}
	defer a.lock.Unlock()
	err := a.writeOnce(ctx, fn)
	if errors.Is(err, errKept) {
		err = a.writeOnce(ctx, fn) // the snapshots are mended
	}
	return a.noticed(err)
}

// writeOnce is writeLocked under the write lock.
func (a *Account) writeOnce(ctx context.Context, fn func(*writing) error) error {
	w := &writing{a: a}
	start := time.Now()
	err := a.db.Write(ctx, func(tx index.Tx) error {
		w.Tx = tx
		if err := w.catchUp(); err != nil {
			return err
		}
		if err := w.strikeSafe(); err != nil {
			return err
		}
		err := fn(w)
		if a.damaged.Load() {
			return errKept // fn may have seen messages that are none
		}
		if err != nil {
			return err
		}
		return w.save()
	})
	a.store.opts.Metrics.Commit.Observe(time.Since(start))
	w.reading.Wait()
	if err != nil {
		for _, f := range w.failed {
			f()
		}
		// What finishDead did stays done; its intents are still in the index and
		// are done once more.
		return err
	}
	if a.store.onCommit != nil {
		a.store.onCommit()
	}
	return a.committed(w)
}

// save writes the rows of the changed folders.
func (w *writing) save() error {
	for _, c := range w.changes {
		if !c.gone && (!c.edit.empty() || c.row.ModSeq != c.f.row.ModSeq) {
			c.restamp()
		}
		if c.gone || !c.f.claimed && reflect.DeepEqual(c.row, c.f.row) {
			continue // a commit of nothing costs nothing
		}
		if c.row.Name != c.f.row.Name || c.row.Dir != c.f.row.Dir {
			if err := w.MoveFolder(&c.row); err != nil {
				return err
			}
		}
		if err := w.SaveFolder(&c.row); err != nil {
			return err
		}
		if !slices.Equal(c.row.Special, c.f.row.Special) || c.row.Name != c.f.row.Name && len(c.row.Special) > 0 {
			w.attributes = true
		}
	}
	if w.attributes {
		w.after = append(w.after, func() { w.a.writeAttributes(context.Background()) })
	}
	if w.sharing {
		w.after = append(w.after, func() {
			if err := w.tellSharing(true); err != nil {
				w.a.log.Error("an account still counts as shared with some with whom it is not", "err", err)
			}
		})
		return w.tellSharing(false)
	}
	return nil
}

// committed publishes what is now true and does the file operations.
func (a *Account) committed(w *writing) error {
	a.dropStruck()
	a.journal.pending = append(a.journal.pending, w.adopted...)
	for _, c := range w.changes {
		c.publish()
	}
	before := w.curTimes()
	a.carryOutAll(w)
	w.settle(before)
	if w.sync {
		if err := a.syncJournal(); err != nil {
			// The change is decided and will be finished; it is only not yet
			// certain to survive a power failure without its intent, which stays.
			a.log.Error("directory sync failed; the file operations stay noted", "err", err)
		}
	}
	for _, c := range w.changes {
		c.f.mirrorChange(&c.edit)
		c.f.keepFirst(&c.edit)
		if c.f.box != nil {
			c.f.box.follow()
		}
	}
	for _, c := range w.changes {
		if len(c.edit.add)+len(c.edit.remove) > 0 || c.gone {
			a.textsChanged()
			break
		}
	}
	for _, f := range w.after {
		f()
	}
	news := w.listed
	for _, c := range w.changes {
		if !c.edit.empty() || c.gone || c.access || len(c.eyes) > 0 {
			c.f.nudge()
			news = true
		}
	}
	if news {
		a.nudge()
	}
	return nil
}

// change begins or continues a change to f.
func (w *writing) change(f *folder) *change {
	for _, c := range w.changes {
		if c.f == f {
			return c
		}
	}
	c := &change{f: f, row: f.row}
	w.changes = append(w.changes, c)
	return c
}

// publish makes the change what everybody in this process sees. a.mu is held.
func (c *change) publish() {
	f := c.f
	f.row, f.claimed = c.row, false
	for e, l := range c.eyes { // before the snapshot: a modseq that is told has its changes
		e.now.Store(l)
	}
	f.kept.changed += c.edit.size()
	if f.box == nil || c.gone {
		return
	}
	f.box.moved(&f.row)
	if old := f.box.current.Load(); !c.edit.empty() || !old.sameHead(f.head()) {
		f.box.current.Store(old.apply(f.head(), c.edit))
	}
}

func isMissing(err error) bool { return errors.Is(err, fs.ErrNotExist) }
