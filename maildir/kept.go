package maildir

import (
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"

	"bascule/maildir/disk"
	"bascule/maildir/index"
)

// A kept snapshot is a file beside the index that has a folder's messages packed, so that
// opening a large mailbox does not read its rows: 100,000 of them cost 140 ms. Of the file
// (kept_file.go) a table is read at first, and its chunks when somebody looks at them.
//
// It is a cache and is never believed by itself. Each change of a folder's messages gives
// its row a random stamp, in the commit that makes the change. The file tells the
// stamp of the state that it holds:
//
//   - Is that the row's stamp, the file has the folder's messages.
//   - Is it the row's base stamp, the file has them as they were at the base's modseq, and
//     what has changed since comes from the index. Whoever changes a folder makes the
//     stamp that he finds the base, if the file has that.
//   - Otherwise (a lost or restored index, an older program has written, a damaged file:
//     there is a checksum over it) all rows are read, and the file is written again.
//
// So it needs no sync, and nobody has to remove it.
//
// What was written since the system was started cannot be torn, since the name comes after
// the contents; an older file is verified whole before it is believed. If a chunk cannot
// be read after that, the disk is failing: then its place is taken by messages without
// contents, nothing is written that rests on them, and the next look reads all rows (mend).

// keptFrom is from how many messages on a snapshot is kept: fewer rows are read as quickly.
const keptFrom = 100

// keeping is what a process knows of a folder's kept snapshot. Account.mu protects it.
type keeping struct {
	stamp   int64 // what the file held when this process last looked; 0: nothing of use
	looked  bool
	changed int  // messages that have changed since
	writing bool // in the background
}

// keptPath is the file of the folder with this id.
func (a *Account) keptPath(id int64) string {
	return filepath.Join(a.store.indexDir(a.address), fmt.Sprintf("snapshot-%d", id))
}

// load makes the folder's snapshot, from the kept one if that is any good. a.mu is held.
func (f *folder) load(tx index.Tx) (*Snapshot, error) {
	f.kept.looked = true
	old, stamp := f.readKept()
	if f.kept.stamp = stamp; old == nil {
		f.kept.changed = int(f.row.Messages)
		return f.loadAll(tx)
	}
	s, changed, err := f.fromKept(tx, old, stamp)
	f.kept.changed = changed
	return s, err
}

// fromKept brings a kept snapshot in step.
func (f *folder) fromKept(tx index.Tx, old *Snapshot, stamp int64) (s *Snapshot, changed int, err error) {
	if stamp == f.row.Stamp {
		n := *old
		n.uidNext, n.keywords = UID(f.row.UIDNext), f.row.Keywords
		return &n, 0, nil
	}
	return f.loadSince(tx, old, false)
}

// readKept reads the file; nil if it is not there or not to be believed.
func (f *folder) readKept() (s *Snapshot, stamp int64) {
	r := &f.row
	if r.Stamp == 0 || r.Messages < keptFrom && !f.a.store.keepAll {
		return nil, 0
	}
	file, err := f.a.store.opts.FS.Open(f.a.keptPath(r.ID))
	if err != nil {
		return nil, 0
	}
	defer func() {
		if s == nil || len(s.chunks) == 0 {
			file.Close()
		}
	}()
	s, stamp, err = decodeKept(file, boot, &f.a.damaged)
	switch {
	case err != nil || s.uidValidity != r.UIDValidity:
		return nil, 0
	case stamp == r.Stamp && uint64(s.modSeq) == r.ModSeq && r.Silent == r.StampSilent:
	case stamp == r.BaseStamp && uint64(s.modSeq) >= r.Forgotten && r.Silent == r.BaseSilent:
	default:
		return nil, 0
	}
	return s, stamp
}

// restamp gives the changed folder a stamp, and makes the one it had the base if the kept
// snapshot has that.
func (c *change) restamp() {
	k := &c.f.kept
	if !k.looked {
		k.looked, k.stamp = true, c.f.a.keptStamp(c.f.row.ID)
	}
	if k.stamp != 0 && k.stamp == c.f.row.Stamp && c.f.row.Silent == c.f.row.StampSilent {
		c.row.BaseStamp, c.row.BaseSilent = c.f.row.Stamp, c.f.row.Silent
	}
	c.row.Stamp, c.row.StampSilent = 1+rand.Int64N(1<<62), c.row.Silent
}

// keptStamp reads a kept snapshot's stamp alone; 0 if there is none.
func (a *Account) keptStamp(id int64) int64 {
	f, err := a.store.opts.FS.Open(a.keptPath(id))
	if err != nil {
		return 0
	}
	defer f.Close()
	var b [len(keptMagic) + 8]byte
	if _, err := io.ReadFull(f, b[:]); err != nil || string(b[:len(keptMagic)]) != keptMagic {
		return 0
	}
	return int64(binary.LittleEndian.Uint64(b[len(keptMagic):]))
}

// worthKeeping says whether enough has changed for the file to be written anew: an eighth of
// the mailbox, or as much as to lose sight of what was expunged. So what it costs is in
// proportion to the changes. a.mu is held.
func (f *folder) worthKeeping() bool {
	s := f.box.current.Load()
	switch {
	case f.gone || f.kept.writing || f.row.Stamp == 0 || f.kept.changed == 0:
		return false
	case f.a.store.keepAll:
		return true
	}
	return s.Len() >= keptFrom && (f.kept.changed >= s.Len()/8 || f.kept.changed >= f.a.store.opts.KeepExpunged/2)
}

// keep writes the folder's snapshot in the background, if that is worth while. a.mu is held.
func (f *folder) keep() {
	if f.a.store.keepAll {
		f.keepNow() // a test wants the calls to come in order
		return
	}
	if !f.worthKeeping() {
		return
	}
	id, s, stamp, changed := f.row.ID, f.box.current.Load(), f.row.Stamp, f.kept.changed
	f.kept.writing = f.a.store.background(func() {
		err := f.a.writeKept(id, s, stamp)
		f.a.mu.Lock()
		defer f.a.mu.Unlock()
		f.kept.writing = false
		f.noteKept(err, stamp, changed)
	})
}

// keepNow is keep for who closes the account. a.mu is held.
func (f *folder) keepNow() {
	if f.worthKeeping() {
		f.noteKept(f.a.writeKept(f.row.ID, f.box.current.Load(), f.row.Stamp), f.row.Stamp, f.kept.changed)
	}
}

// keepFirst keeps the snapshot of a folder that nobody has open, if all that is in it came by the change e, as when it was taken over: to
// read 100,000 rows back for the first SELECT cost 180 ms of processor time, to pack what is in memory anyway costs 20. a.mu is held.
func (f *folder) keepFirst(e *edit) {
	n := len(e.add)
	if n == 0 || int64(n) != f.row.Messages || len(e.replace) > 0 || n < keptFrom && !f.a.store.keepAll || f.box != nil || f.gone || f.kept.writing {
		return
	}
	f.kept.changed = n
	f.noteKept(f.a.writeKept(f.row.ID, newSnapshot(f.head(), e.add), f.row.Stamp), f.row.Stamp, n)
}

func (f *folder) noteKept(err error, stamp int64, changed int) {
	if err != nil {
		f.kept.stamp = 0
		f.a.log.Warn("a snapshot could not be kept; the next opening reads the index", "folder", f.row.Name, "err", err)
		return
	}
	f.kept.looked, f.kept.stamp, f.kept.changed = true, stamp, f.kept.changed-changed
}

func (a *Account) writeKept(id int64, s *Snapshot, stamp int64) error {
	b, err := encodeKept(s, stamp, boot)
	if err != nil {
		return err
	}
	return disk.ReplaceCache(a.store.opts.FS, a.keptPath(id), b)
}

// mend reads the rows of all open mailboxes anew, if a chunk of a kept snapshot could not be read.
// It runs in a transaction; a.mu is held.
func (a *Account) mend(tx index.Tx) error {
	if !a.damaged.Load() {
		return nil
	}
	for _, f := range a.byID {
		if f.box == nil {
			continue
		}
		s, err := f.loadAll(tx)
		if err != nil {
			return err
		}
		f.dropKept()
		f.kept.stamp, f.kept.changed = 0, s.Len()
		f.box.current.Store(s)
		f.box.wake()
	}
	a.damaged.Store(false)
	return nil
}

// dropKept removes a deleted folder's file.
func (f *folder) dropKept() { f.a.store.opts.FS.Remove(f.a.keptPath(f.row.ID)) }
