package maildir

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"bascule/internal/notify"
	"bascule/locking"
	"bascule/maildir/disk"
)

func who(session string) locking.Holder {
	return locking.Holder{Session: session, Protocol: "test", Remote: "127.0.0.1"}
}

func openDrop(t *testing.T, a *Account, session string) *Maildrop {
	t.Helper()
	d, err := a.OpenMaildrop(context.Background(), who(session), MaildropOptions{HideDeleted: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Release)
	return d
}

func TestMaildropIsFrozen(t *testing.T) {
	a := newTestStore(t).account("a@example.org")
	deliver(t, a, Inbox, 4)
	m := open(t, a, Inbox)
	must[StoreResult](t)(m.Store(t.Context(), []UID{4}, StoreOp{Flags: []string{`\Deleted`}}))
	d := openDrop(t, a, "p1")
	deliver(t, a, Inbox, 1) // never blocked, and not in the list
	equal(t, "messages", d.Len(), 3)
	equal(t, "octets", d.Octets(0), len(mail(0)))
	if _, err := a.OpenMaildrop(t.Context(), who("p2"), MaildropOptions{}); !errors.Is(err, ErrInUse) {
		t.Errorf("second session: %v", err)
	}
	b := must[*Body](t)(d.Open(t.Context(), 1))
	got, _ := io.ReadAll(b.Section(0, b.Size()))
	equal(t, "body", string(got), mail(1))
	b.Close()
	woken := make(chan struct{}, 8)
	defer m.Watch(func() { woken <- struct{}{} })()
	if err := d.Quit(t.Context(), []int{0, 1}, []int{1, 2}); err != nil {
		t.Fatal(err)
	}
	d.Release()
	<-woken
	equal(t, "left", uidsOf(m.Snapshot()), []UID{3, 4, 5})
	equal(t, "seen", m.Snapshot().Find(3).Flags, FlagSeen)
	equal(t, "again", openDrop(t, a, "p3").Len(), 2)
}

func TestDoor(t *testing.T) {
	a := newTestStore(t).account("a@example.org")
	d := openDrop(t, a, "p1")
	door := a.Door(who("i1"))
	waits := 0
	wait := func() { waits++ }
	start := time.Now()
	var inUse *InUseError
	if _, err := door.Enter(t.Context(), Inbox, TouchRead, wait); !errors.As(err, &inUse) || inUse.Holder.Session != "p1" {
		t.Fatalf("entered although POP3 has the maildrop: %v", err)
	}
	if waited := time.Since(start); waited < testPolicy.LockWait {
		t.Errorf("refused after %v", waited)
	}
	if !door.Quiet(Inbox) || door.Quiet("Sent") {
		t.Error("INBOX must be quiet, Sent not")
	}
	for range 10 {
		if _, err := door.Enter(t.Context(), Inbox, TouchRead, wait); !errors.Is(err, ErrInUse) {
			t.Fatal(err)
		}
	}
	equal(t, "waits", waits, 1)
	leave, err := door.Enter(t.Context(), "Sent", TouchAdd, wait)
	if err != nil {
		t.Fatal(err)
	}
	leave()
	d.Release()
	leave, err = door.Enter(t.Context(), Inbox, TouchRemove, wait)
	if err != nil {
		t.Fatal(err)
	}
	inner, err := door.Enter(t.Context(), Inbox, TouchAdd, wait)
	if err != nil {
		t.Fatal(err)
	}
	inner()
	if _, err := a.OpenMaildrop(t.Context(), who("p2"), MaildropOptions{}); !errors.Is(err, ErrInUse) {
		t.Errorf("POP3 came in while an IMAP command was inside: %v", err)
	}
	leave()
	leave()
	openDrop(t, a, "p3").Release()
	p := testPolicy
	p.Exclusivity = ExclusiveRemoval
	a.SetPolicy(p)
	defer openDrop(t, a, "p4").Release()
	if _, err := door.Enter(t.Context(), Inbox, TouchFlags, nil); err != nil {
		t.Errorf("flags under removal: %v", err)
	}
	if _, err := door.Enter(t.Context(), Inbox, TouchRemove, nil); !errors.Is(err, ErrInUse) {
		t.Errorf("removal under removal: %v", err)
	}
}

// Under the snapshot policy IMAP does as it likes, and POP3 can still read what it lists.
func TestSnapshotPolicyKeepsFiles(t *testing.T) {
	p := testPolicy
	p.Exclusivity = ExclusiveSnapshot
	a := newTestStore(t).accountWith("a@example.org", p)
	deliver(t, a, Inbox, 4)
	m, trash := open(t, a, Inbox), open(t, a, "Trash")
	d := openDrop(t, a, "p1")
	must[StoreResult](t)(m.Store(t.Context(), []UID{1, 2}, StoreOp{Flags: []string{`\Deleted`}}))
	must[ExpungeResult](t)(m.Expunge(t.Context(), nil))
	must[CopyResult](t)(m.Move(t.Context(), []UID{3}, trash))
	if err := m.Rescan(t.Context()); err != nil {
		t.Fatal(err)
	}
	equal(t, "IMAP sees", uidsOf(m.Snapshot()), []UID{4})
	for i := range 3 {
		b, err := d.Open(t.Context(), i)
		if err != nil {
			t.Fatalf("message %d: %v", i+1, err)
		}
		got, _ := io.ReadAll(b.Section(0, b.Size()))
		if !strings.Contains(string(got), "body of") {
			t.Errorf("message %d reads %q", i+1, got)
		}
		b.Close()
	}
	if err := d.Quit(t.Context(), []int{0, 3}, nil); err != nil {
		t.Fatal(err)
	}
	d.Release()
	equal(t, "left", len(uidsOf(m.Snapshot())), 0)
	l := must[int](t)(func() (int, error) { x, err := a.dir.Scan(""); return len(x.Entries), err }())
	equal(t, "files", l, 0)
}

func TestBrokenLease(t *testing.T) {
	s := newTestStore(t)
	a := s.account("a@example.org")
	d := openDrop(t, a, "p1")
	if err := s.Locks().Break(t.Context(), "a@example.org"); err != nil {
		t.Fatal(err)
	}
	<-d.Lost()
}

// A POP3 session whose process dies leaves the files that it kept to the others.
func TestKeptFilesGoWhenTheKeeperDies(t *testing.T) {
	p := testPolicy
	p.Exclusivity = ExclusiveSnapshot
	s := newTestStore(t)
	locks := s.Locks()
	other, err := Open(Options{DataDir: s.data, Locks: locks, Bus: notify.NewInProcess()})
	if err != nil {
		t.Fatal(err)
	}
	a := s.accountWith("a@example.org", p)
	deliver(t, a, Inbox, 2)
	m := open(t, a, Inbox)
	b := must[*Account](t)(other.Account(t.Context(), "a@example.org", p))
	d := must[*Maildrop](t)(b.OpenMaildrop(t.Context(), who("p1"), MaildropOptions{}))
	must[StoreResult](t)(m.Store(t.Context(), []UID{1}, StoreOp{Flags: []string{`\Deleted`}}))
	must[ExpungeResult](t)(m.Expunge(t.Context(), nil))
	files := func() int { return len(must[disk.Listing](t)(a.dir.Scan("")).Entries) }
	equal(t, "files while it lives", files(), 2)
	die(other)
	d.lease.Release() // as the kernel does
	must[StoreResult](t)(m.Store(t.Context(), []UID{2}, StoreOp{Flags: []string{`\Seen`}}))
	equal(t, "files after", files(), 1)
}

func TestReleaseTwiceAndAfterClose(t *testing.T) {
	s := newTestStore(t)
	a, err := s.Store.Account(t.Context(), "a@example.org", testPolicy)
	if err != nil {
		t.Fatal(err)
	}
	d := must[*Maildrop](t)(a.OpenMaildrop(t.Context(), who("p1"), MaildropOptions{}))
	a.Close()
	s.Close()
	d.Release()
	d.Release()
	if err := d.Quit(t.Context(), nil, nil); err != nil {
		t.Errorf("QUIT without deletions after the end: %v", err)
	}
}

// Messages that are gone do not keep QUIT from removing the rest.
func TestQuitAfterForeignRemoval(t *testing.T) {
	a := newTestStore(t).account("a@example.org")
	deliver(t, a, Inbox, 3)
	m := open(t, a, Inbox)
	d := openDrop(t, a, "p1")
	x := m.Snapshot().At(0)
	if err := os.Remove(a.dir.PathOf(x.place(""))); err != nil {
		t.Fatal(err)
	}
	refresh(t, m)
	if err := d.Quit(t.Context(), []int{0, 1}, []int{0, 2}); err != nil {
		t.Fatal(err)
	}
	d.Release()
	equal(t, "left", uidsOf(refresh(t, m)), []UID{3})
	equal(t, "flags", m.Snapshot().At(0).Flags, FlagSeen)
}
