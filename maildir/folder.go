package maildir

import (
	"sync"

	"bascule/internal/notify"
	"bascule/maildir/disk"
	"bascule/maildir/index"
)

// folder is what this process knows of one folder, whether a session has it open or
// not. Account.mu protects it.
type folder struct {
	a      *Account
	row    index.Folder
	box    *Mailbox // while somebody uses it, and a while longer
	mirror mirror
	kept   keeping
	gone   bool // deleted
	// claimed: row.Recent is newer than what the index has; see recent.go.
	claimed bool

	eyes  map[string]*Eyes // of users with a \Seen of their own, while box is there
	small int              // how many runs the last of their lists that was made small had

	aclText string // what aclOf was made of
	aclOf   ACL

	trimmed   bool // the expunge history was, since the account was opened
	untrimmed int  // removals since then

	// scanSoon asks the next refresh to read the names in cur/ although the times
	// tell of no change: a foreign program was seen there.
	scanSoon bool
	seenCur  int64 // the time of cur/ as last read
	youngCur int64 // the time of cur/ when it was read, if it was young then; else 0

	publishing sync.Mutex // protects steps; it is taken without Account.mu, or after it
	steps      []step     // see times.go
}

func (f *folder) head() snapshotHead {
	return snapshotHead{f.row.UIDValidity, UID(f.row.UIDNext), ModSeq(f.row.ModSeq), f.row.Keywords}
}

// topic is the folder's name on the nudge bus.
func (f *folder) topic() notify.Topic {
	return notify.Topic(f.a.address + "\x00" + f.row.ObjectID)
}

// nudge tells everybody, here and in other processes, to look again.
func (f *folder) nudge() {
	if f.box != nil {
		f.box.wake()
	}
	f.a.store.opts.Bus.Publish(f.topic())
}

// place is where a message's file lies. a.mu is held.
func (f *folder) place(m *Message) disk.Place { return m.place(f.row.Dir) }

// place is where the message's file lies, in the folder with this directory.
func (m *Message) place(dir string) disk.Place {
	p := disk.Place{Folder: dir, Sub: disk.Cur, File: m.base + m.tail}
	if m.inNew {
		p.Sub = disk.New
	}
	return p
}

// messageOf is the in-memory form of a row.
func messageOf(r *index.Message) Message {
	return Message{
		UID: UID(r.UID), ModSeq: ModSeq(r.ModSeq), Flags: Flags(r.Flags),
		Size: r.Wire, Disk: r.Disk, Kind: kindOf(r.Kind),
		inNew: r.Place == index.PlaceNew, base: r.Base, tail: shared(r.Tail), uidl: r.UIDL,
		internal: r.Internal, saved: r.Saved,
	}
}

func rowOf(m *Message) index.Message {
	r := index.Message{
		UID: uint32(m.UID), ModSeq: uint64(m.ModSeq), Flags: uint64(m.Flags),
		Wire: m.Size, Disk: m.Disk, Kind: uint16(m.Kind),
		Place: index.PlaceCur, Base: m.base, Tail: m.tail, UIDL: m.uidl,
		Internal: m.internal, Saved: m.saved,
	}
	if m.inNew {
		r.Place = index.PlaceNew
	}
	return r
}
