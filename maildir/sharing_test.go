package maildir

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"bascule/internal/notify"
	"bascule/locking"
	"bascule/maildir/disk"
)

func TestRightsAreReadAndWritten(t *testing.T) {
	for _, c := range []struct{ in, out, compatible string }{
		{"", "", ""}, {"lrs", "lrs", "lrs"}, {"aetxkpiwsrl", RightLetters, RightLetters + "cd"}, {"c", "kx", "kxc"}, {"d", "te", "ted"}, {"lke", "lke", "lkecd"},
	} {
		r, err := ParseRights(c.in)
		if err != nil || r.String() != c.out || r.Compatible() != c.compatible {
			t.Errorf("%q: %q %q, %v", c.in, r, r.Compatible(), err)
		}
	}
	for _, bad := range []string{"q", "L", "lr ", "0", "+l", "é"} {
		if _, err := ParseRights(bad); !errors.Is(err, ErrBadRight) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// What is given is the sum, what is taken away is taken from it, whatever the order.
func TestRightsOfAUser(t *testing.T) {
	l, err := parseACL("anyone lr\nuser=bob@a.org sw\n-user=bob@a.org r\n-anyone w\nauthenticated i\ngroup=x a\nuser=eve@b.org lr\n")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		user  string
		local bool
		want  string
	}{
		{"bob@a.org", true, "lsi"}, {"carol@a.org", true, "lri"}, {"eve@b.org", false, "lr"}, {"mallory@b.org", false, ""},
	} {
		if got := l.Rights(c.user, c.local).String(); got != c.want {
			t.Errorf("%s has %q, not %q", c.user, got, c.want)
		}
	}
}

// A list that cannot be understood gives nobody anything.
func TestUnreadableListsGiveNothing(t *testing.T) {
	for _, text := range []string{
		"user=bob@a.org lrQ\n", "user=bob@a.org lr\n-group=temps r\n", "\"user=b b\" lr\n", "user=bob@a.org lr :named\n",
		strings.Repeat("user=bob@a.org l\n", 10_000), "-user=nobody r\nuser=bob@a.org lr\n",
	} {
		if l, err := parseACL(text); err == nil || len(l.Grants) > 0 {
			t.Errorf("%.40q gives %v, %v", text, l, err)
		}
	}
}

func FuzzACL(f *testing.F) {
	for _, s := range []string{"anyone lr\nuser=a@b lrs\n-user=a@b r\n", "# x\n\ngroup=g l\n", "-anyone w\nowner lr\nuser=a@b\n"} {
		f.Add(s, "user=a@b l\n")
	}
	f.Fuzz(func(t *testing.T, text, other string) {
		l, err := parseACL(text)
		if err != nil {
			if len(l.Grants) > 0 {
				t.Fatal("rights in spite of an error")
			}
			return
		}
		again, err := parseACL(l.text())
		if err != nil || again.text() != l.text() {
			t.Fatalf("%q is read as %q, %v", l.text(), again.text(), err)
		}
		o, err := parseACL(other)
		if err != nil {
			return
		}
		m := l.meet(o)
		for _, g := range append(slices.Clone(l.Grants), o.Grants...) {
			for _, local := range []bool{true, false} {
				if got := m.Rights(g.Who, local); got&^l.Rights(g.Who, local) != 0 || got&^o.Rights(g.Who, local) != 0 {
					t.Fatalf("the meeting of %q and %q gives %s %s", l.text(), o.text(), g.Who, got)
				}
			}
		}
	})
}

func grant(t *testing.T, a *Account, name, who, letters string) {
	t.Helper()
	r, err := ParseRights(letters)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := a.Grant(t.Context(), name, who, false, func(Rights) Rights { return r }); err != nil {
		t.Fatal(err)
	}
}

func rightsOf(t *testing.T, a *Account, name, who string) string {
	t.Helper()
	r, err := a.Rights(t.Context(), name, who)
	if err != nil {
		t.Fatal(err)
	}
	return r.String()
}

// Rights go with their mailbox: renamed, deleted, made below, and through the loss of the index.
func TestRightsGoWithTheirMailbox(t *testing.T) {
	data := t.TempDir()
	if err := Create(data); err != nil {
		t.Fatal(err)
	}
	var told []string
	sharing := func(_ context.Context, _ string, with []string, exact bool) error {
		if exact {
			told = with
		}
		return nil
	}
	start := func() (*testStore, *Account) {
		s := openTestStore(t, data, locking.NewInProcess(), notify.NewInProcess())
		s.opts.Sharing = sharing
		a := must[*Account](t)(s.Store.Account(t.Context(), "a@example.org", testPolicy))
		s.used["a@example.org"] = true
		return s, a
	}
	s, a := start()
	ctx := t.Context()
	for _, name := range []string{"A", "B"} {
		must[MailboxInfo](t)(a.CreateMailbox(ctx, name, nil))
	}
	grant(t, a, "A", "bob@example.org", "lrk")
	grant(t, a, "B", "carol@example.org", "lr")
	equal(t, "told", told, []string{"bob@example.org", "carol@example.org"})
	must[MailboxInfo](t)(a.CreateMailboxBy(ctx, "bob@example.org", "A/Sub", nil))
	if _, err := a.CreateMailboxBy(ctx, "bob@example.org", "Top", nil); !errors.Is(err, ErrNoMailbox) {
		t.Errorf("a mailbox beside INBOX: %v", err)
	}
	if err := a.RenameMailbox(ctx, "A", "New"); err != nil {
		t.Fatal(err)
	}
	equal(t, "rights in the new mailbox", rightsOf(t, a, "New/Sub", "bob@example.org"), "lrk")
	must[[]Removed](t)(a.DeleteMailbox(ctx, "B"))
	equal(t, "told after a mailbox went", told, []string{"bob@example.org"})
	must[MailboxInfo](t)(a.CreateMailbox(ctx, "B", nil))
	equal(t, "rights in a mailbox made again", rightsOf(t, a, "B", "carol@example.org"), "")
	s.check()
	a.Close()
	s.Close()

	told = nil
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(filepath.Join(disk.AccountDir(data, "a@example.org"), "index.db"+suffix)); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
	}
	delete(s.used, "a@example.org")
	_, a = start()
	t.Cleanup(a.Close)
	equal(t, "rights after the loss of the index", rightsOf(t, a, "New", "bob@example.org"), "lrk")
	equal(t, "rights in the other mailbox", rightsOf(t, a, "B", "carol@example.org"), "")
	equal(t, "told after the loss of the index", told, []string{"bob@example.org"})
}

// What somebody did to the text of a list beside the messages keeps nobody from his mail, and gives nobody rights.
func TestDamagedListsOfRightsKeepNobodyOut(t *testing.T) {
	data := t.TempDir()
	if err := Create(data); err != nil {
		t.Fatal(err)
	}
	text := filepath.Join(disk.AccountDir(data, "a@example.org"), "Maildir", ".Work", disk.ACLFile)
	opened := func() (*testStore, *Account) {
		s := openTestStore(t, data, locking.NewInProcess(), notify.NewInProcess())
		return s, s.account("a@example.org")
	}
	reopened := func(s *testStore, a *Account) (*testStore, *Account) {
		a.Close()
		s.Close()
		delete(s.used, "a@example.org")
		return opened()
	}
	s, a := opened()
	must[MailboxInfo](t)(a.CreateMailbox(t.Context(), "Work", nil))
	grant(t, a, "Work", "bob@example.org", "lr")
	for name, damage := range map[string]func() error{
		"garbled":    func() error { return os.WriteFile(text, []byte("\x00\xffanyone lrswite\n-group=x"), 0o600) },
		"wider":      func() error { return os.WriteFile(text, []byte("anyone lrswite\n"), 0o600) },
		"too long":   func() error { return os.WriteFile(text, make([]byte, 64<<20), 0o600) },
		"unreadable": func() error { return errors.Join(os.Remove(text), os.Symlink("dovecot-acl", text)) },
	} {
		if err := damage(); err != nil {
			t.Fatal(err)
		}
		s, a = reopened(s, a)
		equal(t, name+": rights", rightsOf(t, a, "Work", "bob@example.org"), "lr")
		equal(t, name+": rights of others", rightsOf(t, a, "Work", "carol@example.org"), "")
		got, err := os.ReadFile(text)
		equal(t, name+": text", string(got), "user=bob@example.org lr\n")
		if err != nil {
			t.Error(err)
		}
	}
	// It can be neither read nor replaced: the account opens all the same, and no right is given that cannot be taken away from the text.
	if err := errors.Join(os.Remove(text), os.MkdirAll(text+"/x", 0o700)); err != nil {
		t.Fatal(err)
	}
	s, a = reopened(s, a)
	equal(t, "rights", rightsOf(t, a, "Work", "bob@example.org"), "lr")
	if n, err := a.Ungrant(t.Context(), "bob@example.org"); err == nil {
		t.Errorf("taken from %d mailboxes, and the text stays", n)
	}
	// Without the index nobody but the owner has any.
	a.Close()
	s.Close()
	delete(s.used, "a@example.org")
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(filepath.Join(disk.AccountDir(data, "a@example.org"), "index.db"+suffix)); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
	}
	_, a = opened()
	equal(t, "rights without an index", rightsOf(t, a, "Work", "bob@example.org"), "")
	if problems, err := a.Check(t.Context()); err != nil || len(problems) != 1 || !strings.Contains(problems[0].String(), "list of rights") {
		t.Errorf("the check finds %v, %v", problems, err)
	}
	if err := os.RemoveAll(text); err != nil {
		t.Error(err)
	}
}

// Another process's change of rights acts at the next look, and wakes who watches the mailbox.
func TestRightsReachTheOtherProcess(t *testing.T) {
	bus := notify.NewInProcess()
	one := newTestStore(t)
	one.opts.Bus = bus
	other := openTestStore(t, one.data, locking.NewInProcess(), bus)
	a, b := one.account("a@example.org"), other.account("a@example.org")
	m := open(t, b, Inbox)
	woken := make(chan struct{}, 1)
	defer m.Watch(func() {
		select {
		case woken <- struct{}{}:
		default:
		}
	})()
	grant(t, a, Inbox, "bob@example.org", "lrs")
	<-woken
	equal(t, "rights", must[Rights](t)(m.Rights(t.Context(), "bob@example.org")).String(), "lrs")
	grant(t, a, Inbox, "bob@example.org", "l")
	equal(t, "rights", must[Rights](t)(m.Rights(t.Context(), "bob@example.org")).String(), "l")
	equal(t, "rights", rightsOf(t, b, Inbox, "bob@example.org"), "l")
	if n := must[int](t)(b.Ungrant(t.Context(), "bob@example.org")); n != 1 {
		t.Errorf("taken from %d mailboxes", n)
	}
	equal(t, "rights", rightsOf(t, a, Inbox, "bob@example.org"), "")
}

// Copies between accounts: bytes, flags and dates are kept, the quota is the target's, all or nothing; a move leaves nothing behind.
func TestTransferBetweenAccounts(t *testing.T) {
	s := newTestStore(t)
	a := s.account("a@example.org")
	p := testPolicy
	p.QuotaMessages = 3
	b := s.accountWith("b@example.org", p)
	deliver(t, a, Inbox, 3)
	src, dst := open(t, a, Inbox), open(t, b, Inbox)
	must[StoreResult](t)(src.Store(t.Context(), []UID{1, 2}, StoreOp{Mode: StoreAdd, Flags: []string{`\Seen`, `\Deleted`, "blue"}}))
	res := must[CopyResult](t)(src.Transfer(t.Context(), []UID{1, 2, 9}, dst, Transfer{Drop: FlagDeleted}))
	equal(t, "source", res.Src, []UID{1, 2})
	equal(t, "target", res.Dst, []UID{1, 2})
	got := refresh(t, dst)
	equal(t, "flags", got.FlagNames(got.At(0).Flags), []string{`\Seen`, "blue"})
	equal(t, "date", got.At(1).InternalDate(), src.Snapshot().At(1).InternalDate())
	equal(t, "text", subject(t, dst, got.At(1)), "1")
	if _, err := src.Move(t.Context(), []UID{1, 2}, dst); !errors.Is(err, ErrOverQuota) {
		t.Errorf("over the quota: %v", err)
	}
	equal(t, "kept", uidsOf(refresh(t, src)), []UID{1, 2, 3})
	equal(t, "usage", must[Usage](t)(b.Usage(t.Context())).Messages, int64(2))
	must[CopyResult](t)(src.Move(t.Context(), []UID{3}, dst))
	equal(t, "left", uidsOf(refresh(t, src)), []UID{1, 2})
	equal(t, "arrived", uidsOf(refresh(t, dst)), []UID{1, 2, 3})
}
