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
type mirror struct {
	known bool
	last  UID // the highest UID in the file
}

func (m *mirror) close() { *m = mirror{} }

// reserveBlock is how many UIDs are reserved at a time, at least.
const reserveBlock = 1000

// reserve makes sure that the mirror reserves the next n UIDs of the folder; it runs
// before the commit that gives them.
func (c *change) reserve(w *writing, n int) error {
	if uint64(c.row.UIDNext)+uint64(n) <= uint64(c.row.Reserved) {
		return nil
	}
	block := uint64(max(reserveBlock, c.row.Messages/4)) + uint64(n)
	reserved := uint32(min(uint64(c.row.UIDNext)+block, maxUID))
	if err := c.rewriteMirror(w, reserved); err != nil {
		return err
	}
	c.row.Reserved = reserved
	return nil
}

// rewriteMirror writes the folder's whole UID list, with the rows of the index.
func (c *change) rewriteMirror(w *writing, next uint32) error {
	l := &disk.UIDList{Version: 3, UIDValidity: c.row.UIDValidity, NextUID: next}
	if old, err := w.a.dir.ReadUIDList(c.row.Dir); err == nil && old.UIDValidity == l.UIDValidity {
		l.GUID, l.Extra = old.GUID, old.Extra
	}
	l.Records = make([]disk.UIDRecord, 0, c.row.Messages)
	err := w.Messages(c.row.ID, 0, func(r *index.Message) error {
		l.Records = append(l.Records, record(r.UID, r.Base, r.UIDL))
		return nil
	})
	if err != nil {
		return err
	}
	if err := w.a.dir.RewriteUIDList(c.row.Dir, l); err != nil {
		return err
	}
	c.f.mirror = mirror{known: true}
	if n := len(l.Records); n > 0 {
		c.f.mirror.last = UID(l.Records[n-1].UID)
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
	if !f.mirror.known {
		// What a crash kept from being appended comes with it.
		return f.a.db.Read(context.Background(), f.completeMirror)
	}
	records := make([]disk.UIDRecord, 0, len(added))
	for i := range added {
		if m := &added[i]; m.UID > f.mirror.last {
			records = append(records, record(uint32(m.UID), m.base, m.uidl))
		}
	}
	return f.appendRecords(records)
}

// completeMirror looks how far the mirror goes, once per process, and appends what the
// index has beyond that.
func (f *folder) completeMirror(tx tx) error {
	last, err := f.a.dir.LastUID(f.row.Dir)
	if err != nil && !isMissing(err) {
		return err
	}
	f.mirror = mirror{known: true, last: UID(last)}
	if last+1 >= f.row.UIDNext || err != nil {
		return nil // complete, or a list is made with the first UIDs that are reserved
	}
	var records []disk.UIDRecord
	err = tx.MessagesFrom(f.row.ID, last+1, func(r *index.Message) error {
		records = append(records, record(r.UID, r.Base, r.UIDL))
		return nil
	})
	if err != nil {
		return err
	}
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
