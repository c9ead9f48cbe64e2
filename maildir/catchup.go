package maildir

import (
	"context"
	"fmt"

	"bascule/internal/sqlitex"
	"bascule/maildir/index"
)

// catchUp brings this process in step with what others have written, in a read or
// write transaction. It costs one small query if nobody has. a.mu is held.
//
// It may be called in a transaction that fails later: what it read is true all the
// same, because the others have committed it.
func (a *Account) catchUp(tx index.Tx) error {
	if err := a.mend(tx); err != nil {
		return err
	}
	v, err := tx.Version()
	if err != nil || v == a.version {
		return err
	}
	rows, err := tx.Folders()
	if err != nil {
		return err
	}
	present := make(map[int64]bool, len(rows))
	for i := range rows {
		present[rows[i].ID] = true
		if err := a.takeRow(tx, &rows[i]); err != nil {
			return err
		}
	}
	for id, f := range a.byID {
		if !present[id] {
			a.forget(f)
		}
	}
	clear(a.byName)
	for _, f := range a.byID {
		a.byName[f.row.Name] = f
	}
	a.version = v
	return nil
}

// catchUp of a writing also finishes what dead processes have left.
func (w *writing) catchUp() error {
	if err := w.a.catchUp(w.Tx); err != nil {
		return err
	}
	return w.finishDead()
}

// takeRow makes row what is known of its folder, and brings its open mailbox in step. An id never becomes another mailbox's, so where it has,
// this is the index of another account that got the file's number, on a file system without times of birth.
func (a *Account) takeRow(tx index.Tx, row *index.Folder) error {
	f := a.byID[row.ID]
	if f == nil {
		a.byID[row.ID] = &folder{a: a, row: *row}
		return nil
	}
	if row.ObjectID != f.row.ObjectID {
		return fmt.Errorf("%w: folder %d is another mailbox", sqlitex.ErrReplaced, row.ID)
	}
	silent, access := row.Silent != f.row.Silent, row.ACL != f.row.ACL || row.URLKey != f.row.URLKey || row.SeenPrivate != f.row.SeenPrivate
	if err := f.takeEyes(tx, row); err != nil {
		return err
	}
	if row.UIDNext != f.row.UIDNext || row.Reserved != f.row.Reserved {
		f.mirror.close()
	}
	was := f.row
	f.row = *row
	if was.UIDValidity == row.UIDValidity {
		f.row.Recent = max(row.Recent, was.Recent) // a claim may not have a commit yet
	}
	if f.box == nil {
		return nil
	}
	f.box.moved(row)
	f.box.follow()
	old := f.box.current.Load()
	if access {
		f.box.wake()
	}
	if !silent && old.sameHead(f.head()) {
		return nil
	}
	s, changed, err := f.loadSince(tx, old, silent)
	if err != nil {
		f.row = was // so that the next one tries again
		return err
	}
	f.kept.changed += changed
	f.box.current.Store(s)
	if silent {
		f.box.fields.forget() // perhaps a file was changed
	}
	f.box.wake()
	return nil
}

// loadSince makes the snapshot after old from what has changed since, or anew if that
// is not known any more. silent says that there were changes without a modseq: then all
// rows are compared. changed is how many messages differ.
func (f *folder) loadSince(tx index.Tx, old *Snapshot, silent bool) (s *Snapshot, changed int, err error) {
	if uint64(old.modSeq) < f.row.Forgotten || old.uidValidity != f.row.UIDValidity {
		s, err = f.loadAll(tx)
		return s, int(f.row.Messages), err
	}
	since := uint64(old.modSeq)
	if silent {
		since = 0
	}
	var e edit
	err = tx.Messages(f.row.ID, since, func(r *index.Message) error {
		m := messageOf(r)
		if had := old.Find(m.UID); had == nil {
			e.add = append(e.add, m)
		} else if *had != m {
			e.replace = append(e.replace, m)
		}
		return nil
	})
	if err != nil {
		return nil, 0, err
	}
	uids, err := tx.ExpungedSince(f.row.ID, uint64(old.modSeq))
	if err != nil {
		return nil, 0, err
	}
	for _, uid := range uids {
		e.remove = append(e.remove, UID(uid))
	}
	return old.apply(f.head(), e), e.size(), nil
}

// loadAll reads the whole folder.
func (f *folder) loadAll(tx index.Tx) (*Snapshot, error) {
	msgs := make([]Message, 0, f.row.Messages)
	err := tx.Messages(f.row.ID, 0, func(r *index.Message) error {
		msgs = append(msgs, messageOf(r))
		return nil
	})
	if err != nil {
		return nil, err
	}
	return newSnapshot(f.head(), msgs), nil
}

// forget drops a folder that was deleted. Sessions that have it open are woken and
// find Mailbox.Deleted true.
func (a *Account) forget(f *folder) {
	f.gone = true
	delete(a.byID, f.row.ID)
	if a.byName[f.row.Name] == f {
		delete(a.byName, f.row.Name)
	}
	f.mirror.close()
	f.dropKept()
	if f.box != nil {
		f.box.bury()
		a.keepLoaded(f.box)
	}
}

// read runs fn with everything in step, in a read transaction. a.mu is held by it, so
// fn must be short and must not write.
func (a *Account) read(ctx context.Context, fn func(index.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.shutErr != nil {
		return a.shutErr
	}
	if a.db == nil {
		return ErrClosed
	}
	return a.noticed(a.db.Read(context.WithoutCancel(ctx), func(tx index.Tx) error {
		if err := a.catchUp(tx); err != nil {
			return err
		}
		return fn(tx)
	}))
}

// glance runs fn with everything in step, as read does, but without a transaction: fn must
// not need the index. Where nobody else has written, that is one query instead of three.
func (a *Account) glance(ctx context.Context, fn func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.shutErr != nil {
		return a.shutErr
	}
	if a.db == nil {
		return ErrClosed
	}
	ctx = context.WithoutCancel(ctx)
	v, err := a.db.Version(ctx)
	if err == nil && (v != a.version || a.damaged.Load()) {
		err = a.db.Read(ctx, a.catchUp)
	}
	if err != nil {
		return a.noticed(err)
	}
	return fn()
}

// tx is a transaction of the index.
type tx = index.Tx
