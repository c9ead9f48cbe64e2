package maildir

import (
	"sync/atomic"
	"testing"
)

// Who attends may look at the mailbox, and all hear of every change; who has left does not.
func TestAttend(t *testing.T) {
	m := open(t, newTestStore(t).account("a@example.org"), Inbox)
	const sessions = 3*tellerShare + 1
	told := make(chan int, 10*sessions)
	var left atomic.Bool
	for range sessions {
		defer m.Attend(func() { told <- must[*Snapshot](t)(m.Refresh(t.Context())).Len() })()
	}
	m.Attend(func() { left.Store(true) })()
	deliver(t, m.a, Inbox, 1)
	for heard := 0; heard < sessions; {
		if <-told == 1 {
			heard++
		}
	}
	if left.Load() {
		t.Error("who has left was told")
	}
}

// What a mailbox knows of the difference between two snapshots is what Diff finds.
func TestKnownDelta(t *testing.T) {
	m := open(t, newTestStore(t).account("a@example.org"), Inbox)
	all := []*Snapshot{m.Snapshot()}
	deliver(t, m.a, Inbox, 2*maxKnownDelta)
	all = append(all, m.Snapshot())
	for _, op := range []StoreOp{{Flags: []string{`\Seen`}}, {Flags: []string{`\Deleted`}, Mode: StoreAdd}} {
		uids := uidsOf(m.Snapshot())
		must[StoreResult](t)(m.Store(t.Context(), uids[:maxKnownDelta/2], op))
		all = append(all, m.Snapshot())
		must[StoreResult](t)(m.Store(t.Context(), uids, op))
		all = append(all, m.Snapshot())
	}
	for _, old := range all {
		for _, now := range all {
			for range 2 {
				equal(t, "delta", m.Diff(old, now), Diff(old, now))
			}
		}
	}
}

// What one session could be told of the mailbox can be told to all, and nothing newer.
func TestQuietAbout(t *testing.T) {
	a := newTestStore(t).account("a@example.org")
	m := open(t, a, Inbox)
	door := a.Door(who("i1"))
	told := m.Snapshot()
	equal(t, "quiet", door.QuietAbout(m, told), false)
	d := openDrop(t, a, "p1")
	deliver(t, a, Inbox, 1)
	equal(t, "quiet about what was told", door.QuietAbout(m, told), false)
	equal(t, "quiet about what is new", door.QuietAbout(m, m.Snapshot()), true)
	d.Release()
	equal(t, "quiet afterwards", door.QuietAbout(m, m.Snapshot()), false)
}
