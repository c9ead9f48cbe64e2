package maildir

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"bascule/internal/notify"
	"bascule/locking"
)

// two gives an account in two stores over one directory: two processes.
func two(t *testing.T, p Policy) (one, other *testStore, a, b *Account) {
	t.Helper()
	one = newTestStore(t)
	other = openTestStore(t, one.data, locking.NewInProcess(), notify.NewInProcess())
	return one, other, one.accountWith("a@example.org", p), other.accountWith("a@example.org", p)
}

// A process that dies between its commit and its file operations leaves them to one
// that lives, even if that one has read the commit before.
func TestLivingProcessFinishesDeadOnes(t *testing.T) {
	s := newTestStore(t)
	victim, err := Open(Options{DataDir: s.data, Locks: locking.NewInProcess(), Bus: notify.NewInProcess()})
	if err != nil {
		t.Fatal(err)
	}
	a := s.account("a@example.org")
	deliver(t, a, Inbox, 3)
	m := open(t, a, Inbox)
	v, err := victim.Account(t.Context(), "a@example.org", testPolicy)
	if err != nil {
		t.Fatal(err)
	}
	in, trash := must[*Mailbox](t)(v.Mailbox(t.Context(), Inbox)), must[*Mailbox](t)(v.Mailbox(t.Context(), "Trash"))
	died := false
	victim.onCommit = func() {
		if died {
			return
		}
		died = true
		equal(t, "read before the death", uidsOf(must[*Snapshot](t)(m.peek())), []UID{3})
		v.lock.Close()
		panic("killed")
	}
	func() {
		defer func() { recover() }()
		in.Move(t.Context(), []UID{1, 2}, trash)
	}()
	equal(t, "left", uidsOf(refresh(t, m)), []UID{3})
	equal(t, "moved", uidsOf(refresh(t, open(t, a, "Trash"))), []UID{1, 2})
	trashed := open(t, a, "Trash")
	equal(t, "text", subject(t, trashed, trashed.Snapshot().At(0)), "0")
}

// peek is what a read sees, without a look at the directories.
func (m *Mailbox) peek() (*Snapshot, error) {
	_, err := m.RecentFrom(context.Background())
	return m.Snapshot(), err
}

// Sizes that one process has learned, and names that it took over, reach the other one
// although clients are told of neither.
func TestSilentChangesReachTheOtherProcess(t *testing.T) {
	_, _, a, b := two(t, testPolicy)
	for i := range measureAtOnce + 10 { // more than are measured at first sight
		drop(t, a, "", "new", fmt.Sprintf("17000000%02d.M1P1.host", i), mail(i))
	}
	m, n := open(t, a, Inbox), open(t, b, Inbox)
	must[*Snapshot](t)(m.Sizes(t.Context(), nil))
	equal(t, "unsized", refresh(t, n).Unsized(), 0)
	must[*Snapshot](t)(n.Sizes(t.Context(), nil))

	// A name with letters that mean nothing: no flag changes, so no modseq does.
	name := n.Snapshot().At(0).base
	cur := filepath.Join(root(a), "cur")
	if err := os.Rename(filepath.Join(cur, name+":2,"), filepath.Join(cur, name+":2,X")); err != nil {
		t.Fatal(err)
	}
	refresh(t, m)
	s := refresh(t, n)
	equal(t, "tail", s.At(0).tail, ":2,X")
	must[StoreResult](t)(n.Store(t.Context(), []UID{1}, StoreOp{Flags: []string{`\Seen`}}))
}

func TestKeywordsReachTheOtherProcess(t *testing.T) {
	_, _, a, b := two(t, testPolicy)
	m, n := open(t, a, Inbox), open(t, b, Inbox)
	must[StoreResult](t)(m.Store(t.Context(), []UID{77}, StoreOp{Flags: []string{"later"}})) // no such message: only the keyword is made
	equal(t, "keywords", refresh(t, n).Keywords(), []string{"later"})
}

// What one process could not append to the list of UIDs, because it died, the other
// appends with its next.
func TestListOfUIDsHasNoHoles(t *testing.T) {
	s := newTestStore(t)
	a := s.account("a@example.org")
	deliver(t, a, Inbox, 2)
	victim, err := Open(Options{DataDir: s.data, Locks: locking.NewInProcess(), Bus: notify.NewInProcess()})
	if err != nil {
		t.Fatal(err)
	}
	v, err := victim.Account(t.Context(), "a@example.org", testPolicy)
	if err != nil {
		t.Fatal(err)
	}
	deliver(t, v, Inbox, 1)
	victim.onCommit = func() { v.lock.Close(); panic("killed") }
	func() {
		defer func() { recover() }()
		v.write(t.Context(), func(w *writing) error {
			f := v.byName[Inbox]
			return addByHand(w, f, "1700000009.M1P1.byhand")
		})
	}()
	os.WriteFile(filepath.Join(root(a), "cur", "1700000009.M1P1.byhand:2,"), []byte(mail(1)), 0o600)
	deliver(t, a, Inbox, 1)
	equal(t, "uids", uidsOf(open(t, a, Inbox).Snapshot()), []UID{1, 2, 3, 4, 5})
}

func addByHand(w *writing, f *folder, base string) error {
	c := w.change(f)
	if err := c.reserve(w, 1); err != nil {
		return err
	}
	uid, err := c.nextUID()
	if err != nil {
		return err
	}
	return c.add(w, Message{UID: uid, base: base, tail: ":2,", Size: int64(len(mail(1))), Disk: int64(len(mail(1))), Kind: 1, internal: 1700000009})
}

// A list of UIDs that somebody removed is made again with what it reserved.
func TestListOfUIDsIsMadeAgain(t *testing.T) {
	a := newTestStore(t).account("a@example.org")
	deliver(t, a, Inbox, 3)
	if err := os.Remove(filepath.Join(root(a), "dovecot-uidlist")); err != nil {
		t.Fatal(err)
	}
	deliver(t, a, Inbox, 2)
}

// A change that failed leaves nothing in the list that it would have committed.
func TestFailedChangeLeavesTheListTrue(t *testing.T) {
	a := newTestStore(t).account("a@example.org")
	deliver(t, a, Inbox, 1)
	err := a.write(t.Context(), func(w *writing) error {
		f := a.byName[Inbox]
		if err := addByHand(w, f, "1700000008.M1P1.x"); err != nil {
			return err
		}
		if err := w.change(f).reserve(w, 5000); err != nil {
			return err
		}
		return errBadOps
	})
	if err != errBadOps {
		t.Fatal(err)
	}
	equal(t, "uids", deliver(t, a, Inbox, 2), []UID{2, 3})
}

// Two processes that change one mailbox in turns do not read its directory for it.
func TestOtherProcessCausesNoScan(t *testing.T) {
	_, _, a, b := two(t, testPolicy)
	deliver(t, a, Inbox, 3)
	m, n := open(t, a, Inbox), open(t, b, Inbox)
	refresh(t, m)
	refresh(t, n)
	calm(m)
	calm(n)
	for i, x := range []*Mailbox{m, n, m, n} {
		must[StoreResult](t)(x.Store(t.Context(), []UID{1}, StoreOp{Mode: StoreMode(1 + i%2), Flags: []string{`\Seen`}}))
		for _, y := range []*Mailbox{m, n} {
			if err := y.a.read(t.Context(), func(tx) error {
				_, cur, err := y.f.stale()
				if cur || err != nil {
					t.Errorf("change %d: cur/ has to be read again (%v)", i, err)
				}
				return nil
			}); err != nil {
				t.Fatal(err)
			}
		}
	}
	// After all of them are closed, too.
	deliver(t, b, Inbox, 1)
	must[StoreResult](t)(n.Store(t.Context(), []UID{2}, StoreOp{Flags: []string{`\Seen`}}))
}

// What a session called \Recent is not so for a session of another process, nor after a restart, although a claim has no commit of its own.
func TestRecentIsClaimedOnceAcrossProcesses(t *testing.T) {
	s := newTestStore(t)
	process := func() (*Store, *Account, *Mailbox) {
		p := must[*Store](t)(Open(Options{DataDir: s.data, Locks: locking.NewInProcess(), Bus: notify.NewInProcess()}))
		a := must[*Account](t)(p.Account(t.Context(), "a@example.org", testPolicy))
		return p, a, must[*Mailbox](t)(a.Mailbox(t.Context(), Inbox))
	}
	first, a, m := process()
	second, b, n := process()
	claim := func(m *Mailbox) UID { t.Helper(); return must[UID](t)(m.ClaimRecent(t.Context())) }
	deliver(t, a, Inbox, 3)
	equal(t, "first claim", claim(m), 1)
	equal(t, "second", claim(m), 4)
	refresh(t, n)
	equal(t, "of the other process", claim(n), 4)
	equal(t, "STATUS of the other process", must[Status](t)(b.Status(t.Context(), Inbox, false)).Recent, 0)
	deliver(t, a, Inbox, 1)
	refresh(t, n)
	equal(t, "examined", must[UID](t)(m.RecentFrom(t.Context())), 4)
	equal(t, "of the other process", claim(n), 4)
	equal(t, "after it", claim(m), 5)

	// As after a power failure nothing is left of the notes: closing has written the claim into the index.
	m.Close()
	n.Close()
	a.Close()
	b.Close()
	for _, p := range []*Store{first, second} {
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Truncate(filepath.Join(s.data, "mail/example.org/a/index.lock"), 0); err != nil {
		t.Fatal(err)
	}
	equal(t, "after a restart", must[Status](t)(s.account("a@example.org").Status(t.Context(), Inbox, false)).Recent, 0)
}
