package maildir

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"bascule/maildir/disk"
	"bascule/maildir/index"
)

// Everything that touches several files or the same file twice is decided in one
// index transaction, together with the list of file operations that follow from it
// (an intent). They are done after the commit and struck off when they cannot be
// undone by a power failure any more. Whoever opens the account, or writes to it,
// finishes the intents of processes that died.
//
// Doing a list again is harmless: each operation is done if its target is there, and
// the operations on one file form a chain that ends at the same name from wherever it
// is begun. Only intents of dead processes are repeated, because between the doing and
// the striking off a foreign program may have renamed a file again.

type opKind byte

const (
	opRename    opKind = 'r' // a message file: flags changed, moved, or out of tmp/
	opRemove    opKind = 'u' // a message file
	opRenameDir opKind = 'R' // a folder
	opRemoveDir opKind = 'U' // a folder with all in it
)

// fileOp is one operation on a message file or, with an empty File, on a folder.
type fileOp struct {
	kind     opKind
	src, dst disk.Place
}

// encodeOps: per operation the kind, then six strings, each ended by NUL (which no
// file name contains): folder, subdirectory, file of source and target.
func encodeOps(ops []fileOp) []byte {
	var b bytes.Buffer
	for _, op := range ops {
		b.WriteByte(byte(op.kind))
		for _, p := range []disk.Place{op.src, op.dst} {
			b.WriteString(p.Folder)
			b.WriteByte(0)
			b.WriteByte('0' + byte(p.Sub))
			b.WriteString(p.File)
			b.WriteByte(0)
		}
	}
	return b.Bytes()
}

var errBadOps = errors.New("maildir: unreadable intent")

func decodeOps(b []byte) (ops []fileOp, err error) {
	for len(b) > 0 {
		op := fileOp{kind: opKind(b[0])}
		b = b[1:]
		for _, p := range []*disk.Place{&op.src, &op.dst} {
			folder, rest, ok := bytes.Cut(b, []byte{0})
			if !ok || len(rest) == 0 {
				return nil, errBadOps
			}
			file, tail, ok := bytes.Cut(rest[1:], []byte{0})
			if !ok {
				return nil, errBadOps
			}
			*p = disk.Place{Folder: string(folder), Sub: disk.Sub(rest[0] - '0'), File: string(file)}
			b = tail
		}
		ops = append(ops, op)
	}
	return ops, nil
}

// do carries one operation out. What is done already is no error.
func (a *Account) do(op fileOp) error {
	switch op.kind {
	case opRename:
		err := a.dir.Rename(op.src, op.dst)
		if errors.Is(err, disk.ErrGone) {
			return nil // a foreign program removed or renamed it; the next scan sees
		}
		return err
	case opRemove:
		return a.dir.Remove(op.src)
	case opRenameDir:
		return a.dir.RenameFolder(op.src.Folder, op.dst.Folder)
	case opRemoveDir:
		return a.dir.RemoveFolder(op.src.Folder)
	}
	return fmt.Errorf("%w: operation %q", errBadOps, op.kind)
}

// journal is this process's intents that stand in the database.
type journal struct {
	pending  []pendingIntent
	unsynced map[syncDir]bool // directories whose entries have changed since the last sync
}

type pendingIntent struct {
	id   int64
	ops  []fileOp
	done bool // carried out
	safe bool // and its directories synced
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
	id, err := w.AddIntent(index.Intent{Owner: w.a.store.owner, Later: later, Ops: encodeOps(ops)})
	if err != nil {
		return err
	}
	if !later {
		w.intents = append(w.intents, pendingIntent{id: id, ops: ops})
	}
	return nil
}

// carryOut does the operations of p. One that fails stays pending, is logged, and is
// tried again with the next write. a.mu and the write lock are held.
func (a *Account) carryOut(p *pendingIntent) {
	for _, op := range p.ops {
		if err := a.do(op); err != nil {
			a.log.Error("file operation failed; it will be tried again", "op", string(op.kind), "file", op.src.File, "err", err)
			return
		}
		if op.kind == opRenameDir || op.kind == opRemoveDir {
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
		if p.safe {
			if err := w.StrikeIntent(p.id); err != nil {
				return err
			}
			w.struck++
		} else if !p.done {
			w.a.carryOut(p)
		}
	}
	return nil
}

// dropStruck forgets what the committed transaction has struck off.
func (a *Account) dropStruck() {
	keep := a.journal.pending[:0]
	for _, p := range a.journal.pending {
		if !p.safe {
			keep = append(keep, p)
		}
	}
	a.journal.pending = keep
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

// finishDead does what processes that died have left, and what was put off until the
// end of a POP3 session that has ended. It runs in a transaction, before anything
// looks at the folders' files.
func (w *writing) finishDead() error {
	all, err := w.Intents()
	if err != nil {
		return err
	}
	a := w.a
	ours := map[int64]bool{}
	for _, p := range a.journal.pending {
		ours[p.id] = true
	}
	for _, in := range all {
		if ours[in.ID] {
			continue
		}
		if in.Later {
			if a.maildropHeld() {
				continue
			}
		} else if a.lock.Alive(in.Owner) {
			continue
		}
		ops, err := decodeOps(in.Ops)
		if err != nil {
			a.log.Error("an intent in the index cannot be read and is dropped", "id", in.ID)
			if err := w.StrikeIntent(in.ID); err != nil {
				return err
			}
			continue
		}
		p := pendingIntent{id: in.ID, ops: ops}
		a.carryOut(&p)
		w.adopted = append(w.adopted, p)
	}
	return nil
}
