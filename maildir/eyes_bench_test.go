package maildir

import (
	"testing"
	"weak"

	"bascule/maildir/index"
)

// What one mark costs in a mailbox of 100,000 messages: the commit, and the user's next snapshot.
func BenchmarkMarkOneOfManyAsRead(b *testing.B) {
	msgs := make([]Message, 100_000)
	for i := range msgs {
		msgs[i] = Message{UID: UID(i + 1), ModSeq: 1}
	}
	s := newSnapshot(snapshotHead{uidValidity: 1, uidNext: 100_001, modSeq: 1}, msgs)
	e := &Eyes{user: bob}
	e.now.Store(&readList{})
	last := e.See(s)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		was := e.now.Load()
		uid := uint32(i*7919%100_000) + 1
		fresh := []index.SeenRun{{First: uid, Last: uid, ModSeq: uint64(i + 2), Seen: true}}
		e.now.Store(&readList{runs: overlay(was.runs, fresh), was: weak.Make(was), lo: UID(uid), hi: UID(uid)})
		if last = e.See(s); last.Unseen() > 100_000 {
			b.Fatal("more than all")
		}
	}
}
