package maildir

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"bascule/internal/notify"
	"bascule/locking"
	"bascule/maildir/disk"
)

// testStore is a store in a temporary directory. When the test ends, every account that
// it opened is checked.
type testStore struct {
	*Store
	t    *testing.T
	data string
	used map[string]bool
}

func newTestStore(t *testing.T) *testStore {
	t.Helper()
	data := t.TempDir()
	if err := Create(data); err != nil {
		t.Fatal(err)
	}
	return openTestStore(t, data, locking.NewInProcess(), notify.NewInProcess())
}

func openTestStore(t *testing.T, data string, locks locking.Manager, bus notify.Bus) *testStore {
	t.Helper()
	s, err := Open(Options{DataDir: data, Locks: locks, Bus: bus})
	if err != nil {
		t.Fatal(err)
	}
	s.keepAll = true
	s.fill.delay = time.Hour // text indexes are filled when a test says so
	ts := &testStore{Store: s, t: t, data: data, used: map[string]bool{}}
	t.Cleanup(func() {
		ts.check()
		s.Close()
	})
	return ts
}

func (s *testStore) check() {
	s.t.Helper()
	for address := range s.used {
		a, err := s.Account(context.Background(), address, testPolicy)
		if err != nil {
			s.t.Errorf("check: %v", err)
			continue
		}
		problems, err := a.Check(context.Background())
		if err != nil {
			s.t.Errorf("check: %v", err)
		}
		for _, p := range problems {
			s.t.Errorf("check: %s", p)
		}
		a.Close()
	}
}

var testPolicy = Policy{LockWait: 50 * time.Millisecond, Folders: []SpecialFolder{{"Trash", `\Trash`}, {"Sent", `\Sent`}}}

func (s *testStore) account(address string) *Account {
	s.t.Helper()
	return s.accountWith(address, testPolicy)
}

func (s *testStore) accountWith(address string, p Policy) *Account {
	s.t.Helper()
	a, err := s.Store.Account(context.Background(), address, p)
	if err != nil {
		s.t.Fatal(err)
	}
	s.used[address] = true
	s.t.Cleanup(a.Close)
	return a
}

func open(t *testing.T, a *Account, name string) *Mailbox {
	t.Helper()
	m, err := a.Mailbox(context.Background(), name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	return m
}

func mail(n int) string {
	return fmt.Sprintf("From: a@example.org\r\nSubject: message %d\r\n\r\nbody of %d\r\n", n, n)
}

func deliver(t *testing.T, a *Account, box string, n int) []UID {
	t.Helper()
	var uids []UID
	for i := range n {
		d, err := a.Deliver(context.Background(), box, strings.NewReader(mail(i)), DeliverOptions{})
		if err != nil {
			t.Fatal(err)
		}
		uids = append(uids, d.UID)
	}
	return uids
}

func refresh(t *testing.T, m *Mailbox) *Snapshot {
	t.Helper()
	s, err := m.Refresh(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func uidsOf(s *Snapshot) (uids []UID) {
	for _, m := range s.All() {
		uids = append(uids, m.UID)
	}
	return uids
}

func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func equal(t *testing.T, what string, got, want any) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func root(a *Account) string { return a.dir.Root() }

// drop writes a file as a foreign program does: into tmp/, then a rename.
func drop(t *testing.T, a *Account, folder, sub, name, content string) {
	t.Helper()
	dir := filepath.Join(root(a), folder)
	tmp := filepath.Join(dir, "tmp", name)
	if err := os.WriteFile(tmp, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(tmp, filepath.Join(dir, sub, name)); err != nil {
		t.Fatal(err)
	}
}

func TestDeliverStoreExpunge(t *testing.T) {
	a := newTestStore(t).account("a@example.org")
	uids := deliver(t, a, Inbox, 5)
	equal(t, "uids", uids, []UID{1, 2, 3, 4, 5})
	m := open(t, a, Inbox)
	before := m.Snapshot()
	equal(t, "len", before.Len(), 5)
	equal(t, "size", before.At(0).Size, len(mail(0)))

	res := must[StoreResult](t)(m.Store(t.Context(), []UID{2, 4, 9}, StoreOp{Mode: StoreAdd, Flags: []string{`\Deleted`, `$Junk`, `\Recent`}}))
	equal(t, "gone", res.Gone, []UID{9})
	equal(t, "flags", res.Snapshot.FlagNames(res.Snapshot.Find(2).Flags), []string{`\Deleted`, `$Junk`})
	equal(t, "old snapshot", before.Find(2).Flags, 0)
	d := Diff(before, res.Snapshot)
	equal(t, "changed", d.Changed, []UID{2, 4})
	again := must[StoreResult](t)(m.Store(t.Context(), []UID{2}, StoreOp{Mode: StoreAdd, Flags: []string{`\Deleted`}}))
	equal(t, "modseq of no change", again.ModSeq, res.ModSeq)
	low := ModSeq(1)
	cond := must[StoreResult](t)(m.Store(t.Context(), []UID{2}, StoreOp{Mode: StoreAdd, Flags: []string{`\Seen`}, UnchangedSince: &low}))
	equal(t, "modified", cond.Modified, []UID{2})

	x := must[ExpungeResult](t)(m.Expunge(t.Context(), []UID{1, 2}))
	equal(t, "expunged", x.UIDs, []UID{2})
	x = must[ExpungeResult](t)(m.Expunge(t.Context(), nil))
	equal(t, "expunged", x.UIDs, []UID{4})
	d = Diff(before, m.Snapshot())
	equal(t, "gone", d.GoneUIDs, []UID{2, 4})
	equal(t, "gone at", d.Gone, []int{1, 3})
	uids2, complete, err := m.Vanished(t.Context(), before.HighestModSeq())
	if err != nil || !complete {
		t.Fatal(complete, err)
	}
	equal(t, "vanished", uids2, []UID{2, 4})
	if _, err := m.Open(t.Context(), before.Find(2)); err == nil {
		t.Error("an expunged message can be opened")
	}
}

func TestForeignChanges(t *testing.T) {
	a := newTestStore(t).account("a@example.org")
	m := open(t, a, Inbox)
	drop(t, a, "", "new", "1700000002.M2P1.host", "Subject: lf\n\n.body\n")
	drop(t, a, "", "new", "1700000001.M2P1.host", mail(1))
	drop(t, a, "", "cur", "1700000003.M2P1.host:2,FS", mail(2))
	s := refresh(t, m)
	equal(t, "uids", uidsOf(s), []UID{1, 2, 3})
	equal(t, "order", s.At(0).Base(), "1700000001.M2P1.host")
	equal(t, "flags", s.FlagNames(s.At(2).Flags), []string{`\Seen`, `\Flagged`})
	equal(t, "wire size", s.At(1).Size, len("Subject: lf\r\n\r\n.body\r\n"))
	equal(t, "uidl", s.At(0).UIDL(), "1700000001.M2P1.host")

	cur := filepath.Join(root(a), "cur")
	if err := os.Rename(filepath.Join(cur, "1700000003.M2P1.host:2,FS"), filepath.Join(cur, "1700000003.M2P1.host:2,RS")); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(cur, "1700000001.M2P1.host:2,")); err != nil {
		t.Fatal(err)
	}
	before := s
	s = refresh(t, m)
	equal(t, "flags", s.FlagNames(s.Find(3).Flags), []string{`\Seen`, `\Answered`})
	equal(t, "delta", Diff(before, s), Delta{Gone: []int{0}, GoneUIDs: []UID{1}, Changed: []UID{3}})

	// Two files of one base name are two messages.
	drop(t, a, "", "new", "1700000003.M2P1.host", mail(7))
	refresh(t, m)
	if err := m.Rescan(t.Context()); err != nil {
		t.Fatal(err)
	}
	equal(t, "uids", uidsOf(m.Snapshot()), []UID{2, 3, 4})
}

func TestOwnChangesCauseNoScan(t *testing.T) {
	a := newTestStore(t).account("a@example.org")
	m := open(t, a, Inbox)
	deliver(t, a, Inbox, 3)
	refresh(t, m)
	calm(m)
	check := func(what string) {
		t.Helper()
		a.mu.Lock()
		defer a.mu.Unlock()
		if _, cur, err := m.f.stale(); err != nil || cur {
			t.Errorf("after %s cur/ has to be read again (%v)", what, err)
		}
	}
	check("deliveries")
	must[StoreResult](t)(m.Store(t.Context(), []UID{1, 2}, StoreOp{Flags: []string{`\Seen`, `\Deleted`}}))
	check("STORE")
	must[ExpungeResult](t)(m.Expunge(t.Context(), []UID{1}))
	check("EXPUNGE")
	must[CopyResult](t)(m.Copy(t.Context(), []UID{2, 3}, m))
	check("COPY")
}

// What was taken over when the account was opened is not looked for again when its mailbox is.
func TestTakenOverIsScannedOnce(t *testing.T) {
	s := newTestStore(t)
	dir := filepath.Join(disk.AccountDir(s.data, "a@example.org"), "Maildir")
	for _, sub := range []string{"new", "tmp", "cur"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 2 * measureAtOnce {
		if err := os.WriteFile(filepath.Join(dir, "cur", fmt.Sprintf("%d.foreign:2,", i)), []byte(mail(i)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	long := time.Now().Add(-time.Minute) // the times of directories that just changed would be looked at once more
	for _, sub := range []string{"new", "cur"} {
		if err := os.Chtimes(filepath.Join(dir, sub), long, long); err != nil {
			t.Fatal(err)
		}
	}
	a := s.account("a@example.org")
	a.mu.Lock()
	readNew, readCur, err := a.byName[Inbox].stale()
	a.mu.Unlock()
	if err != nil || readNew || readCur {
		t.Errorf("to be read again: new/ %v, cur/ %v, %v", readNew, readCur, err)
	}
	m := open(t, a, Inbox)
	equal(t, "messages", m.Snapshot().Len(), 2*measureAtOnce)
	drop(t, a, "", "cur", "1000.foreign:2,", mail(1000))
	equal(t, "with one more", refresh(t, m).Len(), 2*measureAtOnce+1)
}

// calm forgets that cur/ was young when it was read, as if the test had waited and looked
// once more.
func calm(m *Mailbox) {
	m.a.mu.Lock()
	defer m.a.mu.Unlock()
	m.f.youngCur = 0
}

func TestCopyMove(t *testing.T) {
	a := newTestStore(t).account("a@example.org")
	deliver(t, a, Inbox, 4)
	in, trash := open(t, a, Inbox), open(t, a, "Trash")
	must[StoreResult](t)(in.Store(t.Context(), []UID{1, 2}, StoreOp{Flags: []string{`\Seen`, "work"}}))
	must[StoreResult](t)(trash.Store(t.Context(), nil, StoreOp{Flags: []string{"other"}}))
	c := must[CopyResult](t)(in.Copy(t.Context(), []UID{3, 1, 77}, trash))
	equal(t, "src", c.Src, []UID{1, 3})
	equal(t, "dst", c.Dst, []UID{1, 2})
	s := trash.Snapshot()
	equal(t, "flags", s.FlagNames(s.Find(1).Flags), []string{`\Seen`, "work"})
	if s.Find(1).UIDL() == in.Snapshot().Find(1).UIDL() {
		t.Error("a copy has the UIDL of its original")
	}
	one := must[CopyResult](t)(in.Copy(t.Context(), []UID{4}, trash))
	equal(t, "dst", one.Dst, []UID{3})
	uidl := in.Snapshot().Find(2).UIDL()
	mv := must[CopyResult](t)(in.Move(t.Context(), []UID{2, 4}, trash))
	equal(t, "dst", mv.Dst, []UID{4, 5})
	equal(t, "inbox", uidsOf(in.Snapshot()), []UID{1, 3})
	equal(t, "uidl", trash.Snapshot().Find(4).UIDL(), uidl)
	back := must[CopyResult](t)(trash.Move(t.Context(), []UID{4}, in))
	equal(t, "dst", back.Dst, []UID{5})
	equal(t, "uidl", in.Snapshot().Find(5).UIDL(), uidl)
	same := must[CopyResult](t)(in.Move(t.Context(), []UID{1}, in))
	equal(t, "dst", same.Dst, []UID{6})
	equal(t, "inbox", uidsOf(in.Snapshot()), []UID{3, 5, 6})
	b := must[*Body](t)(in.Open(t.Context(), in.Snapshot().Find(6)))
	defer b.Close()
	var out strings.Builder
	must[int64](t)(b.WriteRange(&out, 0, b.Size()))
	equal(t, "body", out.String(), mail(0))
}

func TestAppendManyIsWhole(t *testing.T) {
	a := newTestStore(t).account("a@example.org")
	m := open(t, a, Inbox)
	res := must[AppendResult](t)(m.Append(t.Context(), []Incoming{
		{R: strings.NewReader(mail(1)), Flags: []string{`\Seen`}},
		{R: strings.NewReader("bare\nlines"), Internal: time.Unix(1e9, 0)},
	}))
	equal(t, "uids", res.UIDs, []UID{1, 2})
	equal(t, "date", m.Snapshot().At(1).InternalDate().Unix(), int64(1e9))
	equal(t, "size", m.Snapshot().At(1).Size, len("bare\r\nlines"))
	a.SetPolicy(Policy{QuotaMessages: 3})
	if _, err := m.Append(t.Context(), []Incoming{{R: strings.NewReader("x")}, {R: strings.NewReader("y")}}); !isAny(err, ErrOverQuota) {
		t.Errorf("over quota: %v", err)
	}
	equal(t, "len", m.Snapshot().Len(), 2)
	u := must[Usage](t)(a.Usage(t.Context()))
	equal(t, "bytes", u.Bytes, len(mail(1))+len("bare\nlines"))
}

func TestLostIndexIsRebuilt(t *testing.T) {
	s := newTestStore(t)
	a := s.account("a@example.org")
	deliver(t, a, Inbox, 6)
	m := open(t, a, Inbox)
	must[StoreResult](t)(m.Store(t.Context(), []UID{2}, StoreOp{Flags: []string{`\Deleted`}}))
	must[StoreResult](t)(m.Store(t.Context(), []UID{3}, StoreOp{Flags: []string{`\Flagged`, "invoice", "Urgent"}}))
	must[ExpungeResult](t)(m.Expunge(t.Context(), nil))
	must[CopyResult](t)(m.Move(t.Context(), []UID{6}, m)) // its UIDL stays, its UID is 7
	type seen struct {
		uid   UID
		uidl  string
		flags string
	}
	list := func(m *Mailbox) (out []seen) {
		for _, x := range m.Snapshot().All() {
			out = append(out, seen{x.UID, x.UIDL(), strings.Join(m.Snapshot().FlagNames(x.Flags), " ")})
		}
		return out
	}
	before, validity, modSeq := list(m), m.Snapshot().UIDValidity(), m.Snapshot().HighestModSeq()
	m2 := newSecond(t, s, func(dir string) {
		for _, f := range []string{"index.db", "index.db-wal", "index.db-shm"} {
			os.Remove(filepath.Join(dir, f))
		}
	})
	b := open(t, m2.account("a@example.org"), Inbox)
	equal(t, "validity", b.Snapshot().UIDValidity(), validity)
	equal(t, "messages", list(b), before)
	// What clients know of the old index's modseqs is older than the history of the new one.
	if now := b.Snapshot().HighestModSeq(); now <= modSeq {
		t.Errorf("HIGHESTMODSEQ is %d after %d", now, modSeq)
	}
	if _, complete, err := b.Vanished(t.Context(), modSeq); complete || err != nil {
		t.Errorf("what vanished since the modseq of a lost index is called complete; %v", err)
	}
	if _, complete, err := b.Vanished(t.Context(), b.Snapshot().HighestModSeq()+1); complete || err != nil {
		t.Errorf("a modseq that was never given is believed; %v", err)
	}
	d := must[Delivered](t)(b.Account().Deliver(t.Context(), Inbox, strings.NewReader(mail(9)), DeliverOptions{}))
	if d.UID <= 7 {
		t.Errorf("UID %d was given again", d.UID)
	}
}

// newSecond closes s, lets wreck do what it likes to the account's directory, and opens
// the data directory again.
func newSecond(t *testing.T, s *testStore, wreck func(accountDir string)) *testStore {
	t.Helper()
	s.check()
	s.used = map[string]bool{}
	s.Close()
	wreck(disk.AccountDir(s.data, "a@example.org"))
	return openTestStore(t, s.data, locking.NewInProcess(), notify.NewInProcess())
}

func TestMailboxes(t *testing.T) {
	a := newTestStore(t).account("a@example.org")
	must[MailboxInfo](t)(a.CreateMailbox(t.Context(), "A/B.c/Ü", nil))
	deliver(t, a, "A/B.c/Ü", 2)
	if _, err := a.CreateMailbox(t.Context(), "A/B.c/Ü", nil); !isAny(err, ErrMailboxExists) {
		t.Errorf("create twice: %v", err)
	}
	names := func() (out []string) {
		for _, m := range must[[]MailboxInfo](t)(a.Mailboxes(t.Context())) {
			n := m.Name
			if m.NoSelect {
				n = "(" + n + ")"
			}
			out = append(out, n)
		}
		return out
	}
	equal(t, "names", names(), []string{"INBOX", "(A)", "(A/B.c)", "A/B.c/Ü", "Sent", "Trash"})
	m := open(t, a, "A/B.c/Ü")
	if err := a.RenameMailbox(t.Context(), "A", "X"); err != nil {
		t.Fatal(err)
	}
	equal(t, "name", m.Name(), "X/B.c/Ü")
	b := must[*Body](t)(m.Open(t.Context(), m.Snapshot().At(0)))
	b.Close()
	equal(t, "names", names(), []string{"INBOX", "Sent", "Trash", "(X)", "(X/B.c)", "X/B.c/Ü"})
	deliver(t, a, Inbox, 3)
	if err := a.RenameMailbox(t.Context(), Inbox, "Old"); err != nil {
		t.Fatal(err)
	}
	equal(t, "old", open(t, a, "Old").Snapshot().Len(), 3)
	equal(t, "inbox", open(t, a, Inbox).Snapshot().Len(), 0)
	old := open(t, a, "Old")
	if _, err := a.DeleteMailbox(t.Context(), "Old"); err != nil {
		t.Fatal(err)
	}
	if !old.Deleted() {
		t.Error("an open mailbox does not know that it was deleted")
	}
	v := old.Snapshot().UIDValidity()
	must[MailboxInfo](t)(a.CreateMailbox(t.Context(), "Old", nil))
	if now := open(t, a, "Old").Snapshot().UIDValidity(); now <= v {
		t.Errorf("a mailbox made again has UIDVALIDITY %d after %d", now, v)
	}
	if _, err := a.DeleteMailbox(t.Context(), Inbox); !isAny(err, ErrInbox) {
		t.Errorf("delete INBOX: %v", err)
	}
	if _, err := a.DeleteMailbox(t.Context(), "Trash"); err != nil {
		t.Fatal(err)
	}
	equal(t, "subscriptions", must[[]string](t)(a.Subscriptions(t.Context())), []string{"Sent", "Trash"})
}

func TestTwoProcesses(t *testing.T) {
	one := newTestStore(t)
	two := openTestStore(t, one.data, locking.NewInProcess(), notify.NewInProcess())
	a, b := one.account("a@example.org"), two.account("a@example.org")
	m, n := open(t, a, Inbox), open(t, b, Inbox)
	deliver(t, a, Inbox, 3)
	equal(t, "two sees", uidsOf(refresh(t, n)), []UID{1, 2, 3})
	deliver(t, b, Inbox, 2)
	must[StoreResult](t)(n.Store(t.Context(), []UID{1, 5}, StoreOp{Flags: []string{`\Deleted`, "kw"}}))
	s := refresh(t, m)
	equal(t, "one sees", s.FlagNames(s.Find(5).Flags), []string{`\Deleted`, "kw"})
	must[ExpungeResult](t)(m.Expunge(t.Context(), nil))
	equal(t, "two sees", uidsOf(refresh(t, n)), []UID{2, 3, 4})
	must[MailboxInfo](t)(a.CreateMailbox(t.Context(), "New", nil))
	x := open(t, b, "New")
	must[CopyResult](t)(n.Move(t.Context(), []UID{2, 3}, x))
	equal(t, "one sees", uidsOf(refresh(t, m)), []UID{4})
	if _, err := a.DeleteMailbox(t.Context(), "New"); err != nil {
		t.Fatal(err)
	}
	if _, err := x.Refresh(t.Context()); !isAny(err, ErrGone) {
		t.Errorf("a mailbox deleted elsewhere: %v", err)
	}
	equal(t, "uids", slices.Collect(func(y func(UID) bool) {
		for _, u := range uidsOf(refresh(t, n)) {
			y(u)
		}
	}), []UID{4})
}
