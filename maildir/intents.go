package maildir

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"bascule/maildir/disk"
	"bascule/maildir/index"
)

// Everything that touches several files or the same file twice is decided in one
// index transaction, together with the list of file operations that follow from it
// (an intent). They are done after the commit and struck off when they cannot be
// undone by a power failure any more. Whoever opens the account, or writes to it,
// finishes the intents of processes that died (finish.go).
//
// Doing a list again is harmless: each operation is done if its target is there, and
// the operations on one file form a chain that ends at the same name from wherever it
// is begun. Only intents of dead processes are repeated, because between the doing and
// the striking off a foreign program may have renamed a file again.
//
// Operations on folders are the exception: the name of a removed folder may be taken
// again, and its removal repeated would take the new one. They are durable when they
// are done, and struck off at once, before anybody else of ours can write.

// errPending: a folder has the place on disk that another one is to have, or to leave.
var errPending = errors.New("maildir: an operation on this folder could not be done yet")

// journal is this process's intents that stand in the database.
type journal struct {
	pending  []pendingIntent
	unsynced map[syncDir]bool // directories whose entries have changed since the last sync
}

type pendingIntent struct {
	id     int64
	ops    []fileOp
	done   bool // carried out
	safe   bool // and its directories synced
	struck bool // in the running transaction
}

type syncDir struct {
	folder string
	sub    disk.Sub
}

// strikeLimit is how many done intents may stand in the database before their
// directories are synced for their sake.
const strikeLimit = 64

// note writes ops into the running transaction and remembers them. later leaves them
// to whoever ends the POP3 session.
func (w *writing) note(ops []fileOp, later bool) error {
	if len(ops) == 0 {
		return nil
	}
	in := index.Intent{Owner: w.a.lock.owner}
	if later {
		in.State = index.IntentLater
	}
	id, err := w.AddIntent(in, encodeOps(ops))
	if err != nil {
		return err
	}
	if later {
		w.after = append(w.after, func() { w.a.postponed = true })
	} else {
		w.intents = append(w.intents, pendingIntent{id: id, ops: ops})
	}
	return nil
}

// carryOut does the operations of p. One that fails stays pending, is logged, and is
// tried again with the next write. a.mu and the write lock are held.
//
// moved finds files that a foreign program renamed since the rows were read; it is nil
// where a list is done again, since then a file that is not there is no surprise.
func (a *Account) carryOut(p *pendingIntent, moved *strayed) {
	files := len(p.ops)
	if slices.ContainsFunc(p.ops, fileOp.ofFolder) {
		files = 0 // what is held would follow a folder to its new name
	}
	dir, release := a.dir.Holding(files)
	defer release()
	for _, op := range p.ops {
		if err := a.do(dir, op, moved); err != nil {
			a.log.Error("file operation failed; it will be tried again", "op", string(op.kind), "file", op.src.File, "folder", op.src.Folder, "err", err)
			return
		}
		if op.ofFolder() {
			continue // these sync for themselves
		}
		if a.journal.unsynced == nil {
			a.journal.unsynced = map[syncDir]bool{}
		}
		a.journal.unsynced[syncDir{op.src.Folder, op.src.Sub}] = true
		if op.kind == opRename {
			a.journal.unsynced[syncDir{op.dst.Folder, op.dst.Sub}] = true
		}
	}
	p.done = true
	p.safe = p.ofFolders()
}

// ofFolders says that all of p's operations are on folders, so that nothing of it needs
// a sync when it is done.
func (p *pendingIntent) ofFolders() bool {
	for _, op := range p.ops {
		if !op.ofFolder() {
			return false
		}
	}
	return true
}

// do carries one operation out in dir, the account's Maildir. What is done already is no error.
func (a *Account) do(dir *disk.Maildir, op fileOp, moved *strayed) error {
	switch op.kind {
	case opRename:
		err := dir.Rename(op.src, op.dst)
		if errors.Is(err, disk.ErrGone) {
			return moved.rename(op)
		}
		return err
	case opRemove:
		found, err := dir.Unlink(op.src)
		if err == nil && !found {
			return moved.remove(op)
		}
		return err
	case opRenameDir:
		return dir.RenameFolder(op.src.Folder, op.dst.Folder)
	case opRemoveDir:
		return dir.RemoveFolder(op.src.Folder)
	}
	return fmt.Errorf("%w: operation %q", errBadOps, op.kind)
}

// syncJournal syncs the directories of what was done. a.mu is held.
func (a *Account) syncJournal() error {
	for d := range a.journal.unsynced {
		if err := a.dir.Sync(d.folder, d.sub); err != nil && !isMissing(err) {
			return err
		}
		delete(a.journal.unsynced, d)
	}
	for i := range a.journal.pending {
		if p := &a.journal.pending[i]; p.done {
			p.safe = true
		}
	}
	return nil
}

// strikeSafe strikes off what is done for good, in the running transaction, and
// tries again what failed before.
func (w *writing) strikeSafe() error {
	j := &w.a.journal
	if len(j.pending) > strikeLimit {
		if err := w.a.syncJournal(); err != nil {
			return err
		}
	}
	for i := range j.pending {
		p := &j.pending[i]
		p.struck = false // of a transaction that failed
		if !p.done {
			w.a.carryOut(p, nil)
		}
		if !p.safe {
			continue
		}
		if err := w.StrikeIntent(p.id); err != nil {
			return err
		}
		p.struck = true
	}
	return nil
}

// dropStruck forgets what the committed transaction has struck off.
func (a *Account) dropStruck() {
	keep := a.journal.pending[:0]
	for _, p := range a.journal.pending {
		if !p.struck {
			keep = append(keep, p)
		}
	}
	clear(a.journal.pending[len(keep):])
	a.journal.pending = keep
}

// carryOutAll does what w has decided, after its commit, and notes what the others must
// know of it: which folder operations are over, and what could not be done.
func (a *Account) carryOutAll(w *writing) {
	moved := &strayed{a: a}
	tell := false
	for i := range w.intents {
		p := &w.intents[i]
		a.carryOut(p, moved)
		tell = tell || p.safe || !p.done
	}
	a.journal.pending = append(a.journal.pending, w.intents...)
	if !tell {
		return
	}
	err := a.db.Write(context.Background(), func(tx index.Tx) error {
		for _, in := range w.intents {
			p := a.journal.find(in.id)
			if !p.done {
				if err := tx.FailIntent(p.id); err != nil {
					return err
				}
			} else if p.safe {
				if err := tx.StrikeIntent(p.id); err != nil {
					return err
				}
				p.struck = true
			}
		}
		return nil
	})
	if err != nil {
		a.log.Error("what became of a folder operation could not be noted; it will be tried again", "err", err)
		for i := range a.journal.pending {
			a.journal.pending[i].struck = false
		}
	}
	a.dropStruck()
}

func (j *journal) find(id int64) *pendingIntent {
	for i := range j.pending {
		if j.pending[i].id == id {
			return &j.pending[i]
		}
	}
	return nil
}

// strikeDone syncs and strikes off everything that is done: before the account is
// closed, so that the next to open it has nothing to repeat. a.mu is held.
func (a *Account) strikeDone() {
	if len(a.journal.pending) == 0 {
		return
	}
	err := a.syncJournal()
	if err == nil {
		err = a.writeLocked(context.Background(), func(*writing) error { return nil })
	}
	if err != nil {
		a.log.Error("done file operations could not be struck off; they will be repeated", "err", err)
	}
}
