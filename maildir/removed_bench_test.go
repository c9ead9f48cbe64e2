package maildir

import (
	"fmt"
	"testing"

	"bascule/internal/notify"
	"bascule/locking"
)

// BenchmarkExpunge5k removes 5,000 messages, with and without finding out what the log says of them.
func BenchmarkExpunge5k(b *testing.B) {
	const n = 5000
	for _, describe := range []bool{false, true} {
		b.Run(fmt.Sprintf("describe=%v", describe), func(b *testing.B) {
			pause := cpu(b)
			for range b.N {
				pause()
				b.StopTimer()
				s, err := Open(Options{DataDir: benchDir(b, n), Locks: locking.NewInProcess(), Bus: notify.NewInProcess(), Describe: describe})
				if err != nil {
					b.Fatal(err)
				}
				a, err := s.Account(b.Context(), "a@example.org", Policy{})
				if err != nil {
					b.Fatal(err)
				}
				m, err := a.Mailbox(b.Context(), Inbox)
				if err != nil {
					b.Fatal(err)
				}
				var uids []UID
				for _, msg := range m.Snapshot().All() {
					uids = append(uids, msg.UID)
				}
				if err := m.Parsed(b.Context(), uids, func(UID, Parsed) error { return nil }); err != nil {
					b.Fatal(err)
				}
				if _, err := m.Store(b.Context(), uids, StoreOp{Mode: StoreAdd, Flags: []string{`\Deleted`}}); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
				pause()
				res, err := m.Expunge(b.Context(), nil)
				if err != nil || len(res.Removed) != n || describe == (res.Removed[n-1].Subject == "") {
					b.Fatal(err, len(res.Removed))
				}
				pause()
				b.StopTimer()
				m.Close()
				a.Close()
				s.Close()
				b.StartTimer()
				pause()
			}
		})
	}
}

// BenchmarkExpunge100 removes 100 messages of which the index knows no headers, with and without finding out what the log says of them.
func BenchmarkExpunge100(b *testing.B) {
	const n, few = 40_000, 100
	for _, describe := range []bool{false, true} {
		b.Run(fmt.Sprintf("describe=%v", describe), func(b *testing.B) {
			s, err := Open(Options{DataDir: benchDir(b, n), Locks: locking.NewInProcess(), Bus: notify.NewInProcess(), Describe: describe})
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			a, err := s.Account(b.Context(), "a@example.org", Policy{})
			if err != nil {
				b.Fatal(err)
			}
			defer a.Close()
			m, err := a.Mailbox(b.Context(), Inbox)
			if err != nil {
				b.Fatal(err)
			}
			defer m.Close()
			if _, err := m.Sizes(b.Context(), nil); err != nil {
				b.Fatal(err)
			}
			pause := cpu(b)
			for range b.N {
				pause()
				b.StopTimer()
				if m.Snapshot().Len() < few {
					b.Fatal("none is left: ask for fewer")
				}
				var uids []UID
				for i := range few {
					uids = append(uids, m.Snapshot().At(i).UID)
				}
				if _, err := m.Store(b.Context(), uids, StoreOp{Mode: StoreAdd, Flags: []string{`\Deleted`}}); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
				pause()
				res, err := m.Expunge(b.Context(), nil)
				if err != nil || len(res.Removed) != few || describe == (res.Removed[few-1].Subject == "") {
					b.Fatal(err, len(res.Removed))
				}
			}
		})
	}
}
