package maildir

import (
	"context"

	"bascule/maildir/disk"
	"bascule/maildir/index"
)

// mirror is what this process knows of a folder's dovecot-uidlist: the text copy of the
// UIDs that makes a lost index harmless. New messages are appended after the commit,
// without a sync: UIDs are reserved in blocks durably before any of a block is given,
// so that a rebuilt index never gives a UID twice even if the last lines are lost.
//
// The file is changed under the write lock only. What a process knows of it ends when
// another one has given UIDs: that one may have died before it appended them.
type mirror struct {
	known bool
	last  UID  // the highest UID in the file
	stale bool // the file shows a change that was taken back: it has to be rewritten
}

func (m *mirror) close() { m.known = false }

// reserveBlock is how many UIDs are reserved at a time, at least. It is more in a large
// folder and for a large copy, since each block has the whole list written anew.
const reserveBlock = 1000

// reserve makes sure that the mirror reserves the next n UIDs of the folder; it runs
// before the commit that gives them.
func (c *change) reserve(w *writing, n int) error {
	if uint64(c.row.UIDNext)+uint64(n) <= uint64(c.row.Reserved) {
		return nil
	}
	block := uint64(max(reserveBlock, c.row.Messages/4, 2*int64(n))) + uint64(n)
	reserved := uint32(min(uint64(c.row.UIDNext)+block, maxUID))
	w.failed = append(w.failed, func() { c.f.mirror = mirror{stale: true} })
	// Messages that this change adds come after its commit: were it taken back, their
	// UIDs would be given to others.
	if err := c.f.rewriteMirror(w.Tx, &c.row, reserved, c.f.row.UIDNext); err != nil {
		return err
	}
	c.row.Reserved = reserved
	return nil
}

// rewriteMirror writes the folder's whole UID list, with the rows of the index that have
// a UID below end.
func (f *folder) rewriteMirror(tx index.Tx, row *index.Folder, next, end uint32) error {
	l := &disk.UIDList{Version: 3, UIDValidity: row.UIDValidity, NextUID: next}
	if old, err := f.a.dir.ReadUIDListHeader(row.Dir); err == nil && old.UIDValidity == l.UIDValidity {
		l.GUID, l.Extra = old.GUID, old.Extra
		l.NextUID = max(l.NextUID, old.NextUID) // what was reserved stays so
	}
	if l.GUID == "" {
		l.GUID = guidOf(row.ObjectID)
	}
	l.Records = make([]disk.UIDRecord, 0, row.Messages)
	err := tx.Messages(row.ID, 0, func(r *index.Message) error {
		if r.UID < end {
			l.Records = append(l.Records, record(r.UID, r.Base, r.UIDL))
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := f.a.dir.RewriteUIDList(row.Dir, l); err != nil {
		return err
	}
	f.mirror = mirror{known: true}
	if n := len(l.Records); n > 0 {
		f.mirror.last = UID(l.Records[n-1].UID)
	}
	return nil
}

// record is a message's line. The UIDL is always written out: a line without one is
// Dovecot's own, and Dovecot, should it take the Maildir back, says the same UIDLs.
func record(uid uint32, base, uidl string) disk.UIDRecord {
	if uidl == "" {
		uidl = uidlOfBase(base)
	}
	return disk.UIDRecord{UID: uid, Base: base}.WithKey('P', uidl)
}

// mirrorChange appends what a committed change has added. A failure loses nothing: the
// index has the UIDs, the block is reserved, and the next change tries again.
func (f *folder) mirrorChange(e *edit) {
	if len(e.add) == 0 || f.gone {
		return
	}
	if err := f.appendMirror(e.add); err != nil {
		f.mirrorFailed(err)
	}
}

func (f *folder) mirrorFailed(err error) {
	f.mirror.close()
	f.a.log.Warn("the list of UIDs could not be completed; it will be tried again", "folder", f.row.Name, "err", err)
}

func (f *folder) appendMirror(added []Message) error {
	m := &f.mirror
	m.stale = m.stale || m.known && added[0].UID <= m.last // a message came back among others
	if m.stale || !m.known {
		// What a crash kept from being appended comes with it.
		return f.a.db.Read(context.Background(), f.completeMirror)
	}
	records := make([]disk.UIDRecord, 0, len(added))
	for i := range added {
		records = append(records, record(uint32(added[i].UID), added[i].base, added[i].uidl))
	}
	err := f.appendRecords(records)
	if isMissing(err) {
		err = f.a.db.Read(context.Background(), f.completeMirror)
	}
	return err
}

// lacking is what the index has beyond the mirror's last line; whole says that the file
// has to be written anew.
func (f *folder) lacking(tx tx) (records []disk.UIDRecord, whole bool, err error) {
	last, err := f.a.dir.LastUID(f.row.Dir)
	if isMissing(err) {
		return nil, f.row.Reserved > 0, nil // without reservation there is nothing to tell yet
	}
	if err != nil {
		return nil, false, err
	}
	if f.mirror.stale || f.mirror.known && UID(last) != f.mirror.last {
		return nil, true, nil
	}
	f.mirror.last = UID(last)
	if last+1 >= f.row.UIDNext {
		return nil, false, nil
	}
	err = tx.MessagesFrom(f.row.ID, last+1, func(r *index.Message) error {
		records = append(records, record(r.UID, r.Base, r.UIDL))
		return nil
	})
	return records, false, err
}

// completeMirror appends what the index has beyond the mirror. The write lock is held.
func (f *folder) completeMirror(tx tx) error {
	records, whole, err := f.lacking(tx)
	if err != nil {
		return err
	}
	if whole {
		return f.rewriteMirror(tx, &f.row, f.row.Reserved, f.row.UIDNext)
	}
	f.mirror.known = true
	return f.appendRecords(records)
}

func (f *folder) appendRecords(records []disk.UIDRecord) error {
	if len(records) == 0 {
		return nil
	}
	if err := f.a.dir.AppendUIDs(f.row.Dir, records, false); err != nil {
		return err
	}
	f.mirror.last = UID(records[len(records)-1].UID)
	return nil
}

// mirrorKeywords writes the letters of the folder's first 26 keywords.
func (c *change) mirrorKeywords(w *writing) error {
	var k disk.Keywords
	copy(k[:], c.row.Keywords)
	return w.a.dir.WriteKeywords(c.row.Dir, &k)
}
