package maildir

import (
	"errors"
	"strings"
	"testing"
	"time"

	"bascule/internal/notify"
	"bascule/locking"
	"bascule/maildir/disk"
)

// A scan may give a delivery its row before the delivery's own commit, and a session may
// move the message away before that as well. It is one message all the same.
func TestDeliveryAdoptedAndMovedBeforeItsCommit(t *testing.T) {
	for _, e := range []Exclusivity{ExclusiveMailbox, ExclusiveSnapshot} {
		t.Run(string(e), func(t *testing.T) {
			p := testPolicy
			p.Exclusivity = e
			a := newTestStore(t).accountWith("a@example.org", p)
			m, trash := open(t, a, Inbox), open(t, a, "Trash")
			if e == ExclusiveSnapshot {
				defer openDrop(t, a, "p1").Release() // keeps the file where it was
			}
			s, err := a.spool(t.Context(), m.f, Incoming{R: strings.NewReader(mail(1))})
			if err != nil {
				t.Fatal(err)
			}
			defer s.abort()
			s.tail = ":2,"
			if err := a.publishFile(t.Context(), m.f, s); err != nil {
				t.Fatal(err)
			}
			if err := m.Rescan(t.Context()); err != nil {
				t.Fatal(err)
			}
			must[CopyResult](t)(m.Move(t.Context(), []UID{1}, trash))
			if err := a.write(t.Context(), func(w *writing) error { return w.addPublished(m.f, s) }); err != nil {
				t.Fatal(err)
			}
			equal(t, "inbox", m.Snapshot().Len(), 0)
			equal(t, "trash", trash.Snapshot().Len(), 1)
			equal(t, "uid", s.uid, UID(1))
		})
	}
}

// tattling tells what is removed.
type tattling struct {
	disk.FS
	removed func(path string)
}

func (f *tattling) Remove(path string) error {
	f.removed(path)
	return f.FS.Remove(path)
}

// A commit that begins again, as a snapshot turned out to be damaged, refuses what the second run refuses and nothing else: here the
// quota is raised between the two.
func TestACommitThatBeginsAgainForgetsItsRefusals(t *testing.T) {
	data := t.TempDir()
	if err := Create(data); err != nil {
		t.Fatal(err)
	}
	p := testPolicy
	p.QuotaMessages = 1
	var a *Account
	armed, runs := false, 0
	fs := &tattling{FS: disk.OS, removed: func(path string) {
		if armed && strings.Contains(path, "snapshot-") {
			p.QuotaMessages = 2
			a.SetPolicy(p)
		}
	}}
	now := func() time.Time {
		if armed {
			if runs++; runs == 1 {
				a.damaged.Store(true)
			}
		}
		return time.Now()
	}
	st, err := Open(Options{DataDir: data, Locks: locking.NewInProcess(), Bus: notify.NewInProcess(), FS: fs, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	s := &testStore{Store: st, t: t, data: data, used: map[string]bool{}}
	t.Cleanup(func() { s.check(); st.Close() })
	a = s.accountWith("a@example.org", p)
	m := open(t, a, Inbox)
	batch := make([]*addition, 2)
	for i := range batch {
		in := must[*spooled](t)(a.spool(t.Context(), m.f, Incoming{R: strings.NewReader(mail(i))}))
		defer in.abort()
		if err := errors.Join(a.resolveFlags(t.Context(), m.f, in), a.publishFile(t.Context(), m.f, in)); err != nil {
			t.Fatal(err)
		}
		batch[i] = &addition{f: m.f, msg: in, done: make(chan error, 1)}
	}
	a.adds.waiting, armed = batch, true
	a.commitAdditions()
	armed = false
	for i, x := range batch {
		if err := <-x.done; err != nil {
			t.Errorf("message %d: %v", i, err)
		}
	}
	if runs < 2 {
		t.Fatal("the commit did not begin again")
	}
	equal(t, "messages", m.Snapshot().Len(), 2)
}
