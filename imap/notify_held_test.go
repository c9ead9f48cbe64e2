package imap

import (
	"context"
	"testing"

	"bascule/internal/notify"
	"bascule/locking"
	"bascule/maildir"
)

// A session that keeps news of INBOX back asks four times a second whether it may tell them. As long as POP3 has INBOX that is a look at the lock:
// no mailbox is looked at, until the lock is gone, or a nudge comes.
func TestHeldNewsWaitForTheLockAlone(t *testing.T) {
	data := t.TempDir()
	if err := maildir.Create(data); err != nil {
		t.Fatal(err)
	}
	locks := locking.NewInProcess()
	store, err := maildir.Open(maildir.Options{DataDir: data, Locks: locks, Bus: notify.NewInProcess()})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	acct, err := store.Account(t.Context(), "a@example.org", maildir.Policy{Exclusivity: maildir.ExclusiveMailbox})
	if err != nil {
		t.Fatal(err)
	}
	defer acct.Close()
	home := &mount{acct: acct, door: acct.Door(locking.Holder{Session: "i"})}
	n := &notifySet{}
	n.hold(home)
	n.hold(home)
	if len(n.held) != 1 {
		t.Fatalf("%d are held", len(n.held))
	}
	lease, err := locks.Acquire(context.Background(), "a@example.org", locking.Exclusive, locking.Holder{Session: "p"})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if n.due(false) {
			t.Fatal("all mailboxes are looked at while POP3 has INBOX")
		}
	}
	if !n.due(true) {
		t.Error("a look that was asked for is not made")
	}
	n.dirty.Store(true)
	if !n.due(false) || n.due(false) {
		t.Error("a nudge is good for one look")
	}
	lease.Release()
	if !n.due(false) {
		t.Error("nothing is told when POP3 has gone")
	}
}
