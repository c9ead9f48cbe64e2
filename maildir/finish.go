package maildir

import (
	"fmt"

	"bascule/maildir/disk"
	"bascule/maildir/index"
)

// leftovers is what this process knows of other processes' intents, so that a write
// looks for them only when there may be some to finish. Account.mu protects it.
type leftovers struct {
	looked    int64   // the database's version when the intents were read last
	others    []int64 // processes that had intents then
	postponed bool    // intents wait for the end of a POP3 session
}

// mayBeLeft says whether there may be something for finishDead to do. Reading only when
// others have written is not enough: one of them may have died since it wrote.
func (a *Account) mayBeLeft() bool {
	if a.looked != a.version {
		return true
	}
	for _, owner := range a.others {
		if !a.lock.Alive(owner) {
			return true
		}
	}
	return a.postponed && !a.maildropHeld()
}

// finishDead does what processes that died have left, and what was put off until the
// end of a POP3 session that has ended. It runs in a transaction, before anything
// looks at the folders' files, and strikes off in that transaction what it did: if that
// fails, it is done again.
func (w *writing) finishDead() error {
	if !w.a.mayBeLeft() {
		return nil
	}
	all, err := w.Intents()
	if err != nil {
		return err
	}
	a := w.a
	var others []int64
	var done []pendingIntent
	postponed := false
	moved := &strayed{a: a, hasRow: w.hasRow}
	for _, in := range all {
		if a.journal.find(in.ID) != nil {
			continue
		}
		again := moved
		if in.State == index.IntentLater {
			if a.maildropHeld() {
				postponed = true
				continue
			}
		} else if a.lock.Alive(in.Owner) {
			others = append(others, in.Owner)
			continue
		} else {
			again = nil
		}
		b, err := w.IntentOps(in.ID)
		if err != nil {
			return err
		}
		p := pendingIntent{id: in.ID}
		if p.ops, err = decodeOps(b); err != nil {
			a.log.Error("an intent in the index cannot be read and is dropped", "id", in.ID)
			if err := w.StrikeIntent(in.ID); err != nil {
				return err
			}
			continue
		}
		a.carryOut(&p, again)
		done = append(done, p)
	}
	if err := w.strikeFinished(done); err != nil {
		return err
	}
	looked := a.version
	w.after = append(w.after, func() { a.leftovers = leftovers{looked, others, postponed} })
	return nil
}

// strikeFinished strikes off what finishDead could do for good; the rest becomes ours.
func (w *writing) strikeFinished(finished []pendingIntent) error {
	if len(finished) == 0 {
		return nil
	}
	synced := w.a.syncJournal()
	if synced != nil {
		w.a.log.Error("directory sync failed; the file operations stay noted", "err", synced)
	}
	for _, p := range finished {
		if !p.done || synced != nil && !p.safe {
			w.adopted = append(w.adopted, p)
			continue
		}
		if err := w.StrikeIntent(p.id); err != nil {
			return err
		}
	}
	return nil
}

// hasRow says whether a file belongs to a message; in doubt it does.
func (w *writing) hasRow(dir, base string) bool {
	for _, f := range w.a.byID {
		if f.row.Dir == dir {
			uid, err := w.UIDOfBase(f.row.ID, base)
			return uid != 0 || err != nil
		}
	}
	return false
}

// undone are the operations that are decided and still to be done: ours that failed,
// those of living processes that failed, and what waits for the end of a POP3 session.
func (w *writing) undone() (ops []fileOp, err error) {
	ours := map[int64]bool{}
	for _, list := range [][]pendingIntent{w.a.journal.pending, w.adopted} {
		for _, p := range list {
			ours[p.id] = true
			if !p.done {
				ops = append(ops, p.ops...)
			}
		}
	}
	all, err := w.Intents()
	if err != nil {
		return nil, err
	}
	for _, in := range all {
		if ours[in.ID] || in.State == index.IntentNow {
			continue
		}
		b, err := w.IntentOps(in.ID)
		if err != nil {
			return nil, err
		}
		more, err := decodeOps(b)
		if err != nil {
			continue // finishDead drops it
		}
		ops = append(ops, more...)
	}
	return ops, nil
}

// busyBases are the files of a folder on which an operation of ours is still to be done.
func (w *writing) busyBases(dir string) (map[string]bool, error) {
	ops, err := w.undone()
	busy := map[string]bool{}
	for _, op := range ops {
		for _, p := range []disk.Place{op.src, op.dst} {
			if p.Folder == dir && p.File != "" {
				busy[disk.BaseOf(p.File)] = true
			}
		}
	}
	return busy, err
}

// settled fails with errPending while an operation on the folder with this directory is
// still to be done: it stands where another is to come, or its files are elsewhere.
func (w *writing) settled(dir string, filesToo bool) error {
	ops, err := w.undone()
	if err != nil {
		return err
	}
	for _, op := range ops {
		if (op.ofFolder() || filesToo) && (op.src.Folder == dir || op.dst.Folder == dir) {
			return fmt.Errorf("%w: %s", errPending, dir)
		}
	}
	return nil
}
