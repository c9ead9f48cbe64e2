package maildir

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"time"

	"bascule/maildir/disk"
	"bascule/maildir/index"
)

// Other programs deliver into new/ and rename in cur/ at any moment. How their changes
// are found, and which orders of events were feared:
//
//   - new/ belongs to strangers: our own deliveries go to cur/. So a changed time of new/
//     always means foreign mail, and since adopted mail is moved to cur/ at once, reading
//     new/ costs what is new, not what the mailbox holds.
//   - cur/ is changed by us as well. What our own changes do to its time is kept track of
//     (times.go), so that they do not look like a stranger's. A foreign rename in the few
//     microseconds of one of ours stays unseen until the next foreign change, or the full
//     scan that every opening makes after Options.FullScan.
//   - Times have a granularity of some milliseconds. A directory whose time was younger
//     than that when it was read is read once more, later.
//   - Whoever changes a file may find it renamed since the last scan (strayed.go).
//   - A rename during readdir can hide a file. A message is taken for gone only after a
//     second look, and not while an operation of our own on its file is still to be done.
//   - A file may be seen under two names. The same inode is one message; two files that
//     share a base name are two, and the second gets a fresh name.

// racyAge is more than the granularity of file times.
const racyAge = 20 * time.Millisecond

// measureAtOnce is up to how many new files are read at their first sight; of more, the
// sizes are read when somebody asks (Mailbox.Sizes).
const measureAtOnce = 32

// stale says whether the folder's directories have to be read.
func (f *folder) stale() (readNew, readCur bool, err error) {
	t, settled, err := f.times()
	if err != nil {
		return false, false, err
	}
	// A time that was young when it was recorded may hide what came right after it.
	young := f.youngCur != 0 && !isYoung(f.youngCur)
	return t.New != f.row.NewMtime, !settled || young || f.scanSoon, nil
}

// scan brings the folder's rows in step with its directories. The mailbox must be
// loaded. seen says that clients can be told of what is gone.
func (w *writing) scan(f *folder, readCur bool) error {
	c := w.change(f)
	if f.box.seen.Swap(false) {
		if err := w.Announce(f.row.ID); err != nil {
			return err
		}
	}
	if readCur && f.scanSoon {
		f.scanSoon = false
		w.failed = append(w.failed, func() { f.scanSoon = true })
	}
	now := w.a.store.opts.Now()
	look := w.a.dir.ScanNew
	if readCur {
		look = w.a.dir.Scan
	}
	start, kind := time.Now(), "new"
	if readCur {
		kind = "all"
	}
	defer func() { w.a.store.opts.Metrics.Scan.Observe(time.Since(start), kind) }()
	l, err := look(f.row.Dir)
	if errors.Is(err, fs.ErrNotExist) && f.row.Dir != "" {
		return w.folderVanished(f)
	}
	if err != nil {
		return err
	}
	if readCur {
		err = c.reconcile(w, f.box.current.Load(), l)
		c.row.Scanned = now.Unix()
	} else {
		err = c.adoptNew(w, l)
	}
	if err != nil {
		return err
	}
	c.foundNew(w, l.Times)
	if readCur {
		c.foundCur(l.Times)
	}
	return nil
}

// foundNew notes the time of new/ from before it was read. Adopting moves files out of it and so changes its time: it is only
// recorded when the directory was found as it will be.
func (c *change) foundNew(w *writing, t disk.Times) {
	c.row.NewMtime = 0
	if !isYoung(t.New) && len(w.ops(c.row.Dir)) == 0 {
		c.row.NewMtime = t.New
	}
}

// foundCur notes the time of cur/ from before it was read.
func (c *change) foundCur(t disk.Times) {
	c.restart(t.Cur)
	c.f.youngCur = 0
	if isYoung(t.Cur) {
		c.f.youngCur = t.Cur
	}
}

// ops are the operations noted so far that touch the folder.
func (w *writing) ops(dir string) (ops []fileOp) {
	for _, p := range w.intents {
		for _, op := range p.ops {
			if op.src.Folder == dir || op.dst.Folder == dir {
				ops = append(ops, op)
			}
		}
	}
	return ops
}

// adoptNew gives rows to the files in new/ that have none.
func (c *change) adoptNew(w *writing, l disk.Listing) error {
	var fresh []disk.Entry
	for _, e := range l.Entries {
		if e.Sub != disk.New {
			continue
		}
		uid, err := w.UIDOfBase(c.row.ID, e.Base())
		if err != nil {
			return err
		}
		if uid == 0 {
			fresh = append(fresh, e)
			continue
		}
		m := c.f.box.current.Load().Find(UID(uid))
		if m == nil || m.inNew && m.tail == e.File[len(e.Base()):] {
			continue
		}
		c.f.scanSoon = true // a stranger moved it back, or its name is there twice
	}
	return c.adopt(w, fresh, knownUIDs{})
}

// adoptAll gives rows to everything in a folder that has none yet.
func (c *change) adoptAll(w *writing, l disk.Listing, known knownUIDs) error {
	found, err := c.untangle(w, l.Entries)
	if err != nil {
		return err
	}
	c.row.Scanned = w.a.store.opts.Now().Unix()
	if err := c.adopt(w, slices.Collect(maps.Values(found)), known); err != nil {
		return err
	}
	c.foundNew(w, l.Times)
	c.foundCur(l.Times)
	return nil
}

// reconcile compares every name on disk with the rows.
func (c *change) reconcile(w *writing, s *Snapshot, l disk.Listing) error {
	found, err := c.untangle(w, l.Entries)
	if err != nil {
		return err
	}
	var missing []*Message
	for _, m := range s.All() {
		if _, ok := found[m.base]; !ok {
			missing = append(missing, m)
		}
	}
	if len(missing) > 0 {
		again, err := w.a.dir.Scan(c.row.Dir)
		if err != nil {
			return err
		}
		for _, e := range again.Entries {
			if _, ok := found[e.Base()]; !ok {
				found[e.Base()] = e
			}
		}
	}
	busy, err := w.busyBases(c.row.Dir)
	if err != nil {
		return err
	}
	var gone []*Message
	for _, m := range s.All() {
		e, ok := found[m.base]
		delete(found, m.base)
		if busy[m.base] {
			continue
		}
		if !ok {
			gone = append(gone, m)
		} else if err := c.renamed(w, m, e); err != nil {
			return err
		}
	}
	if err := c.remove(w, s, gone, c.f.box.watched() || !w.a.lock.Alone()); err != nil {
		return err
	}
	fresh := make([]disk.Entry, 0, len(found))
	for base, e := range found {
		if !busy[base] {
			fresh = append(fresh, e)
		}
	}
	if err := c.adopt(w, fresh, knownUIDs{}); err != nil {
		return err
	}
	return c.trim(w)
}

// untangle maps base names to entries. Where one base name is there twice, two names of
// one file are one message, and its name in cur/ counts; the other name goes. Two files
// are two messages: the one in new/ gets a fresh name in cur/ and is adopted there.
func (c *change) untangle(w *writing, entries []disk.Entry) (map[string]disk.Entry, error) {
	found := make(map[string]disk.Entry, len(entries))
	var ops []fileOp
	for _, e := range entries { // new/ comes before cur/
		first, twice := found[e.Base()]
		found[e.Base()] = e
		if !twice {
			continue
		}
		a, b := disk.Place{Folder: c.row.Dir, Sub: first.Sub, File: first.File}, disk.Place{Folder: c.row.Dir, Sub: e.Sub, File: e.File}
		sa, err := w.a.dir.Stat(a)
		if isMissing(err) {
			continue // it was one file, renamed meanwhile
		}
		if err != nil {
			return nil, err
		}
		sb, err := w.a.dir.Stat(b)
		if isMissing(err) {
			found[e.Base()] = first
			continue
		}
		if err != nil {
			return nil, err
		}
		if disk.SameFile(sa, sb) {
			ops = append(ops, fileOp{kind: opRemove, src: a})
			continue
		}
		fresh := w.a.store.namer.Unique(w.a.store.opts.Now()) + first.File[len(first.Base()):]
		if first.Sub == disk.New && !first.Name().HasInfo {
			fresh += ":2,"
		}
		ops = append(ops, fileOp{kind: opRename, src: a, dst: disk.Place{Folder: c.row.Dir, Sub: disk.Cur, File: fresh}})
		c.f.scanSoon = true // finds it under its new name
	}
	return found, w.note(ops, false)
}

// renamed takes over a file name that a stranger changed: flags, or new/ to cur/.
func (c *change) renamed(w *writing, m *Message, e disk.Entry) error {
	tail := e.File[len(m.base):]
	inNew := e.Sub == disk.New
	if tail == m.tail && inNew == m.inNew {
		return nil
	}
	n := *m
	n.tail, n.inNew = shared(tail), inNew
	mask := lettersMask(len(c.row.Keywords))
	n.Flags = m.Flags&^mask | flagsOfLetters(e.Name().Flags, len(c.row.Keywords))
	if n.Flags == m.Flags {
		c.row.Silent++
	}
	return c.replace(w, m, n, n.Flags != m.Flags)
}

// adopt gives rows to files in order of arrival: the UID that is known of them, else
// the next one.
func (c *change) adopt(w *writing, entries []disk.Entry, known knownUIDs) error {
	if len(entries) == 0 {
		return nil
	}
	back, err := c.comingBack(w)
	if err != nil {
		return err
	}
	type arrival struct {
		disk.Entry
		uid UID
		at  disk.Arrival
	}
	var old []arrival
	fresh := make([]arrival, 0, len(entries))
	for _, e := range entries {
		if uid, ok := known.uid[e.Base()]; ok {
			old = append(old, arrival{Entry: e, uid: UID(uid)})
		} else if x, ok := back[e.Base()]; ok {
			if err := w.Unexpunge(c.row.ID, x); err != nil {
				return err
			}
			old = append(old, arrival{Entry: e, uid: UID(x.UID)})
		} else {
			fresh = append(fresh, arrival{Entry: e, at: disk.ArrivalOf(e.Base())})
		}
	}
	slices.SortFunc(old, func(a, b arrival) int { return cmp.Compare(a.uid, b.uid) })
	slices.SortFunc(fresh, func(a, b arrival) int { return a.at.Compare(b.at) })
	all := append(old, fresh...)
	ahead := c.lookAhead(w, len(all), func(i int) disk.Entry { return all[i].Entry })
	defer ahead.stop()
	c.edit.add = slices.Grow(c.edit.add, len(entries))
	unwritten := len(c.edit.add)
	var ops []fileOp
	for i, x := range all {
		if i == len(old) || len(c.edit.add)-unwritten >= lookAtOnce {
			if err := c.addRows(w, unwritten); err != nil {
				return err
			}
			unwritten = len(c.edit.add)
		}
		if i == len(old) {
			// After the old ones have their rows: the list that this writes must not
			// forget the UIDs of another server's that it replaces.
			if err := c.reserve(w, len(fresh)); err != nil {
				return err
			}
		}
		m, op, err := ahead.next()
		if isMissing(err) {
			continue // gone again already; if it was only renamed, the next scan finds it
		}
		if err != nil {
			return err
		}
		if m.uidl = known.uidl[x.Base()]; m.uidl == uidlOfBase(m.base) {
			m.uidl = ""
		}
		if m.UID = x.uid; m.UID == 0 {
			if m.UID, err = c.nextUID(); err != nil {
				return err
			}
		}
		c.put(m)
		if op.kind != 0 {
			ops = append(ops, op)
		}
	}
	if err := c.addRows(w, unwritten); err != nil {
		return err
	}
	if len(fresh) == 0 {
		if err := c.reserve(w, 0); err != nil {
			return err
		}
	}
	return w.note(ops, false)
}

// comingBack is what a scan found gone and no client was told of.
func (c *change) comingBack(w *writing) (map[string]index.Expunged, error) {
	if c.f.box != nil && c.f.box.watched() || !w.a.lock.Alone() {
		return nil, nil // a UID in the middle would upset the numbering of open sessions
	}
	return w.Unannounced(c.row.ID)
}

// folderVanished drops a folder whose directory another program removed. There is
// nothing left of it to remove: what comes to stand there later is not ours.
func (w *writing) folderVanished(f *folder) error {
	if there, err := w.a.dir.HasFolder(""); err != nil || !there {
		return fmt.Errorf("maildir: %s: the Maildir is not there: %w", w.a.address, cmp.Or(err, fs.ErrNotExist))
	}
	if err := w.settled(f.row.Dir, false); err != nil {
		return err
	}
	w.a.log.Warn("a folder was removed by another program", "folder", f.row.Name)
	return w.dropRows(f)
}
