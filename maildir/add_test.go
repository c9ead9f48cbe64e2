package maildir

import (
	"strings"
	"testing"
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
			if err := a.publishFile(m.f, s); err != nil {
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
