package maildir

import (
	"errors"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"

	"bascule/internal/notify"
	"bascule/locking"
	"bascule/maildir/disk"
)

// RENAME of INBOX moves what is in it, whole or not at all, and leaves what is below.
func TestRenameOfInboxIsWhole(t *testing.T) {
	a := newTestStore(t).account("a@example.org")
	uids := deliver(t, a, Inbox, 3)
	must[MailboxInfo](t)(a.CreateMailbox(t.Context(), "INBOX/below", nil))
	m := open(t, a, Inbox)
	uidl := m.Snapshot().At(1).UIDL()
	commits := 0
	a.store.onCommit = func() {
		// The open mailbox looks at what became of it, which may be a commit of another goroutine's.
		if strings.Contains(string(debug.Stack()), "renameInbox") {
			commits++
		}
	}
	if err := a.RenameMailbox(t.Context(), Inbox, "Old"); err != nil {
		t.Fatal(err)
	}
	equal(t, "commits", commits, 1)
	equal(t, "inbox", m.Snapshot().Len(), 0)
	o := open(t, a, "Old")
	equal(t, "old", o.Snapshot().Len(), len(uids))
	equal(t, "uidl", o.Snapshot().At(1).UIDL(), uidl)
	equal(t, "names", listed(t, a), []string{"INBOX", "INBOX/below", "Old", "Sent", "Trash"})
	if err := a.RenameMailbox(t.Context(), Inbox, "Old"); !errors.Is(err, ErrMailboxExists) {
		t.Errorf("onto an existing one: %v", err)
	}
}

func TestRenameWithChildren(t *testing.T) {
	a := newTestStore(t).account("a@example.org")
	for _, n := range []string{"A", "A/x", "B/x", "AB"} {
		must[MailboxInfo](t)(a.CreateMailbox(t.Context(), n, nil))
	}
	deliver(t, a, "A", 1)
	// A/x would come upon B/x: nothing happens, neither here nor on disk.
	if err := a.RenameMailbox(t.Context(), "A", "B"); !errors.Is(err, ErrMailboxExists) {
		t.Errorf("a child's name is taken: %v", err)
	}
	equal(t, "names", listed(t, a), []string{"INBOX", "A", "A/x", "AB", "B", "B/x", "Sent", "Trash"})
	equal(t, "messages", open(t, a, "A").Snapshot().Len(), 1)
	if err := a.RenameMailbox(t.Context(), "A", "A/y"); !errors.Is(err, ErrBadName) {
		t.Errorf("into itself: %v", err)
	}
	if err := a.RenameMailbox(t.Context(), "A", "C/d"); err != nil {
		t.Fatal(err)
	}
	equal(t, "names", listed(t, a), []string{"INBOX", "AB", "B", "B/x", "C", "C/d", "C/d/x", "Sent", "Trash"})
	must[MailboxInfo](t)(a.CreateMailbox(t.Context(), "C", nil)) // the level above gets a folder of its own
	equal(t, "messages", open(t, a, "C/d").Snapshot().Len(), 1)
}

// What exists from the start does not come again when its owner has renamed it.
func TestRenamedSpecialFolderStaysRenamed(t *testing.T) {
	s := newTestStore(t)
	a := s.account("a@example.org")
	if err := a.RenameMailbox(t.Context(), "Trash", "Papierkorb"); err != nil {
		t.Fatal(err)
	}
	b := s.again().account("a@example.org")
	equal(t, "names", listed(t, b), []string{"INBOX", "Papierkorb", "Sent"})
}

// A folder that another process deletes while a message for it is on its way.
func TestDeliveryToDeletedFolder(t *testing.T) {
	_, _, a, b := two(t, testPolicy)
	must[MailboxInfo](t)(a.CreateMailbox(t.Context(), "X", nil))
	deliver(t, b, "X", 1)
	r := &during{Reader: strings.NewReader(mail(1)), do: func() {
		if _, err := a.DeleteMailbox(t.Context(), "X"); err != nil {
			t.Error(err)
		}
	}}
	if _, err := b.Deliver(t.Context(), "X", r, DeliverOptions{}); !errors.Is(err, ErrNoMailbox) {
		t.Errorf("delivered: %v", err)
	}
}

// during does something at the first Read.
type during struct {
	*strings.Reader
	do func()
}

func (d *during) Read(p []byte) (int, error) {
	if d.do != nil {
		d.do()
		d.do = nil
	}
	return d.Reader.Read(p)
}

// An index without its mail is an unmounted disk, not an empty mailbox.
func TestMailGoneIndexThere(t *testing.T) {
	data, index := t.TempDir(), t.TempDir()
	if err := Create(data); err != nil {
		t.Fatal(err)
	}
	open2 := func() *Store {
		s, err := Open(Options{DataDir: data, IndexDir: index, Locks: locking.NewInProcess(), Bus: notify.NewInProcess()})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		return s
	}
	s := open2()
	a := must[*Account](t)(s.Account(t.Context(), "a@example.org", Policy{}))
	deliver(t, a, Inbox, 2)
	a.Close()
	s.Close()
	dir := filepath.Dir(disk.AccountDir(data, "a@example.org"))
	mv(t, dir, dir+"-unmounted")
	s = open2()
	if _, err := s.Account(t.Context(), "a@example.org", Policy{}); err == nil {
		t.Error("an account without its mail was opened")
	}
	s.Close()
	if _, err := os.Stat(dir); err == nil {
		os.RemoveAll(dir)
	}
	mv(t, dir+"-unmounted", dir)
	s = open2()
	a = must[*Account](t)(s.Account(t.Context(), "a@example.org", Policy{}))
	defer a.Close()
	equal(t, "messages", uidsOf(open(t, a, Inbox).Snapshot()), []UID{1, 2})
}

// A damaged index is not put aside under a process that uses it.
func TestDamagedIndexInUse(t *testing.T) {
	s := newTestStore(t)
	a := s.account("a@example.org")
	deliver(t, a, Inbox, 2)
	l, err := openWriteLock(filepath.Join(disk.AccountDir(s.data, "a@example.org"), "index.lock"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	b := newAccount(s.Store, "a@example.org")
	b.lock = l
	if err := b.setAside(filepath.Join(disk.AccountDir(s.data, "a@example.org"), "index.db")); err == nil {
		t.Error("took the index from under another process")
	}
}

func TestAppendOfNothing(t *testing.T) {
	a := newTestStore(t).account("a@example.org")
	m := open(t, a, Inbox)
	res := must[AppendResult](t)(m.Append(t.Context(), nil))
	equal(t, "uids", len(res.UIDs), 0)
}
