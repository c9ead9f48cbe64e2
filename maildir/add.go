package maildir

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"bascule/internal/sqlitex"
	"bascule/maildir/disk"
)

// Adding one message: it is in tmp/ and synced; it gets its name in cur/, the folder is
// synced, the index transaction gives it a UID, the client gets its OK, the others a
// nudge. A file without a row is found by the next scan. Deliveries that wait at the
// same moment share one commit.

// additions is the queue of messages that wait for a commit.
type additions struct {
	mu      sync.Mutex // protects the fields below
	waiting []*addition
	running bool
}

type addition struct {
	f    *folder
	msg  *spooled
	done chan error
}

// addOne publishes a spooled message and gives it its UID.
func (a *Account) addOne(ctx context.Context, f *folder, s *spooled) error {
	if err := a.resolveFlags(ctx, f, s); err != nil {
		return err
	}
	if err := a.publishFile(ctx, f, s); err != nil {
		return err
	}
	// From here on the message is there: the client's going away changes nothing.
	x := &addition{f: f, msg: s, done: make(chan error, 1)}
	a.adds.mu.Lock()
	a.adds.waiting = append(a.adds.waiting, x)
	first := !a.adds.running
	a.adds.running = true
	a.adds.mu.Unlock()
	if first {
		a.commitAdditions()
	}
	err := <-x.done
	if err != nil {
		// The sender is told "no" and sends again: without this the message would be
		// there twice.
		a.unpublish(f, s)
	}
	return err
}

// errBroken is what additions are told whose commit panicked.
var errBroken = errors.New("maildir: the commit was broken off")

// commitAdditions commits what waits. It is for who has set running, and for nobody else's sake: what has come meanwhile gets a
// goroutine. (One for each commit meant 6.6 calls of futex for one APPEND after the other instead of 2.2.)
func (a *Account) commitAdditions() {
	a.adds.mu.Lock()
	batch := a.adds.waiting
	a.adds.waiting = nil
	a.adds.mu.Unlock()

	var refused []error // of the run that counts: a write may have to begin again
	err := errBroken
	defer func() {
		for i, x := range batch {
			if err != nil {
				x.done <- err
			} else {
				x.done <- refused[i]
			}
		}
		a.adds.mu.Lock()
		defer a.adds.mu.Unlock()
		if a.adds.running = len(a.adds.waiting) > 0; a.adds.running {
			go a.commitAdditions()
		}
	}()
	err = a.write(context.Background(), func(w *writing) error {
		refused = make([]error, len(batch))
		for i, x := range batch {
			err := w.addPublished(x.f, x.msg)
			if isRefusal(err) {
				refused[i] = err
				continue
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// addPublished gives a message whose file is in place its row.
func (w *writing) addPublished(f *folder, s *spooled) error {
	if f.gone {
		return ErrNoMailbox
	}
	c := w.change(f)
	if err := w.bring([]*spooled{s}, c.row.Dir, disk.Cur); err != nil {
		return err
	}
	uid, err := w.UIDOfBase(c.row.ID, s.base)
	if err != nil {
		return err
	}
	s.uidValidity = c.row.UIDValidity
	if uid == 0 && c.row.ModSeq > s.since {
		// A scan was quicker, and somebody has removed or moved the message already: a
		// second row would be a second message.
		if uid, err = w.ExpungedBase(c.row.ID, s.since, s.base); err != nil {
			return err
		}
	}
	if uid != 0 {
		s.uid = UID(uid) // a scan was quicker; the row that it made is the message's
		c.arrive(s)
		return nil
	}
	if err := w.checkQuota(s.facts.Disk, 1, 0); err != nil {
		return err
	}
	if err := c.reserve(w, 1); err != nil {
		return err
	}
	m, err := c.messageOf(w, s)
	if err != nil {
		return err
	}
	if err := c.add(w, m); err != nil {
		return err
	}
	c.arrive(s)
	s.uid = m.UID
	return nil
}

// bring makes sure that files are in the folder that is to have them, durably. If another process has renamed it while they were put into
// sub, its old name may be another folder's, which has them then, or which was synced in its place.
func (w *writing) bring(files []*spooled, dir string, sub disk.Sub) error {
	moved := false
	for _, s := range files {
		from := disk.Place{Folder: s.in.Folder(), Sub: sub, File: s.base + s.tail}
		if sub == disk.Tmp {
			from.File = s.unique
		}
		if from.Folder == dir {
			continue
		}
		to := from
		to.Folder = dir
		err := w.a.dir.Rename(from, to)
		if err != nil && !(sub == disk.Cur && errors.Is(err, disk.ErrGone)) { // from cur/ somebody may have taken it already
			return err
		}
		s.in.FolderIs(dir)
		moved = true
	}
	if !moved {
		return nil
	}
	return w.a.dir.Sync(dir, sub)
}

// messageOf gives a spooled message the next UID.
func (c *change) messageOf(w *writing, s *spooled) (Message, error) {
	uid, err := c.nextUID()
	return Message{
		UID: uid, Flags: s.bits, Size: s.facts.Wire, Disk: s.facts.Disk, Kind: s.facts.Kind,
		base: s.base, tail: shared(s.tail), internal: s.internal.Unix(), saved: w.a.store.opts.Now().Unix(),
	}, err
}

// isRefusal says that one message cannot be added, while others of the batch can.
func isRefusal(err error) bool {
	return err != nil && (isAny(err, ErrOverQuota, ErrNoMailbox, ErrUIDsExhausted) || sqlitex.IsUnique(err))
}

// publishFile gives the file its name in cur/, durably.
func (a *Account) publishFile(ctx context.Context, f *folder, s *spooled) error {
	a.mu.Lock()
	s.since = f.row.ModSeq
	a.mu.Unlock()
	err := a.inFolder(ctx, f, func(dir string) error {
		s.in.FolderIs(dir)
		if err := a.publishTimed(f, dir, s); err != nil {
			return err
		}
		return a.dir.Sync(dir, disk.Cur)
	})
	if err == nil {
		return nil
	}
	a.unpublish(f, s)
	return fmt.Errorf("maildir: add message: %w", err)
}

// unpublish removes the file of a delivery that failed. Its folder may have been renamed or deleted
// since the file was put there, or before, and another one made in its place.
func (a *Account) unpublish(f *folder, s *spooled) {
	f.abandon(s)
	if !s.published {
		return
	}
	remove := func() error {
		at := disk.Place{Folder: s.in.Folder(), Sub: disk.Cur, File: s.base + s.tail}
		err := a.dir.Remove(at)
		if !f.gone && f.row.Dir != at.Folder {
			at.Folder = f.row.Dir
			err = a.dir.Remove(at)
		}
		return err
	}
	looked := false
	a.read(context.Background(), func(tx) error {
		looked = true
		return remove()
	})
	if !looked { // the index cannot be opened, say; the file must go all the same
		a.mu.Lock()
		defer a.mu.Unlock()
		remove()
	}
}

// resolveFlags turns a message's flag names into bits and the end of its file name,
// making keywords that the folder does not have yet.
func (a *Account) resolveFlags(ctx context.Context, f *folder, s *spooled) error {
	s.tail = ":2,"
	if len(s.flags) == 0 {
		return nil
	}
	bits, keywords, err := a.flagBits(ctx, f, s.flags)
	if err != nil {
		return err
	}
	s.bits, s.tail = bits, ":2,"+infoLetters(bits, "", keywords)
	return nil
}
