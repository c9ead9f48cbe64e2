package maildir

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"bascule/internal/notify"
	"bascule/locking"
	"bascule/maildir/disk"
)

func mv(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

// A stranger renames a file at the moment of our change: what we removed stays removed,
// and flags of both are kept.
func TestForeignRenameAtTheSameMoment(t *testing.T) {
	s := newTestStore(t)
	a := s.account("a@example.org")
	deliver(t, a, Inbox, 4)
	m, trash := open(t, a, Inbox), open(t, a, "Trash")
	cur := filepath.Join(root(a), "cur")
	file := func(uid UID) string { x := m.Snapshot().Find(uid); return filepath.Join(cur, x.base+x.tail) }

	must[StoreResult](t)(m.Store(t.Context(), []UID{1, 2}, StoreOp{Flags: []string{`\Deleted`, `\Seen`}}))
	mv(t, file(1), strings.Replace(file(1), ":2,ST", ":2,FST", 1))
	must[ExpungeResult](t)(m.Expunge(t.Context(), []UID{1}))
	if err := m.Rescan(t.Context()); err != nil {
		t.Fatal(err)
	}
	equal(t, "left", uidsOf(m.Snapshot()), []UID{2, 3, 4})

	mv(t, file(2), strings.Replace(file(2), ":2,ST", ":2,RT", 1)) // answered, and not seen any more
	must[StoreResult](t)(m.Store(t.Context(), []UID{2}, StoreOp{Mode: StoreAdd, Flags: []string{`\Flagged`}}))
	s2 := refresh(t, m)
	equal(t, "flags", s2.FlagNames(s2.Find(2).Flags), []string{`\Answered`, `\Flagged`, `\Deleted`})

	mv(t, file(3), file(3)+"F")
	must[CopyResult](t)(m.Move(t.Context(), []UID{3}, trash))
	if err := m.Rescan(t.Context()); err != nil {
		t.Fatal(err)
	}
	equal(t, "left", uidsOf(m.Snapshot()), []UID{2, 4})
	s3 := refresh(t, trash)
	equal(t, "moved", uidsOf(s3), []UID{1})
	equal(t, "flags", s3.FlagNames(s3.Find(1).Flags), []string{`\Flagged`})

	d := openDrop(t, a, "p1")
	mv(t, file(4), file(4)+"R")
	if err := d.Quit(t.Context(), []int{0}, nil); err != nil {
		t.Fatal(err)
	}
	d.Release()
	if err := m.Rescan(t.Context()); err != nil {
		t.Fatal(err)
	}
	equal(t, "left", uidsOf(m.Snapshot()), []UID{2})
}

// What is no file does no harm: a pipe would be waited for, a directory cannot be read.
func TestWhatIsNoMessageIsLeftAlone(t *testing.T) {
	a := newTestStore(t).account("a@example.org")
	m := open(t, a, Inbox)
	cur := filepath.Join(root(a), "cur")
	if err := syscall.Mkfifo(filepath.Join(cur, "1700000001.pipe:2,"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(root(a), "new", "1700000002.dir"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/nowhere", filepath.Join(cur, "1700000003.link:2,S")); err != nil {
		t.Fatal(err)
	}
	drop(t, a, "", "new", "1700000004.M1P1.host", mail(1))
	equal(t, "messages", refresh(t, m).Len(), 1)
	for _, x := range []string{"cur/1700000001.pipe:2,", "new/1700000002.dir", "cur/1700000003.link:2,S"} {
		if err := os.Remove(filepath.Join(root(a), x)); err != nil {
			t.Error(err)
		}
	}
}

// unreadable fails to open some files, as EACCES or a bad sector would (the tests may
// run as root).
type unreadable struct {
	disk.FS
	name string
}

func (u unreadable) Open(path string) (disk.File, error) {
	if strings.Contains(path, u.name) {
		return nil, &os.PathError{Op: "open", Path: path, Err: syscall.EACCES}
	}
	return u.FS.Open(path)
}

// One file that cannot be read does not keep the others from their reader.
func TestUnreadableFile(t *testing.T) {
	data := t.TempDir()
	if err := Create(data); err != nil {
		t.Fatal(err)
	}
	st, err := Open(Options{DataDir: data, Locks: locking.NewInProcess(), Bus: notify.NewInProcess(), FS: unreadable{disk.OS, ".secret"}})
	if err != nil {
		t.Fatal(err)
	}
	s := &testStore{Store: st, t: t, data: data, used: map[string]bool{}}
	t.Cleanup(func() { s.check(); st.Close() })
	a := s.account("a@example.org")
	drop(t, a, "", "new", "1700000001.secret", mail(1))
	drop(t, a, "", "new", "1700000002.M1P1.host", mail(2))
	d := openDrop(t, a, "p1")
	equal(t, "messages", d.Len(), 2)
	if _, err := d.Open(t.Context(), 0); err == nil || errors.Is(err, ErrGone) {
		t.Errorf("an unreadable message: %v", err)
	}
	b := must[*Body](t)(d.Open(t.Context(), 1))
	b.Close()
	equal(t, "octets", d.Octets(0), len(mail(1)))
	m := open(t, a, Inbox)
	must[StoreResult](t)(m.Store(t.Context(), []UID{1}, StoreOp{Flags: []string{`\Deleted`}}))
	must[ExpungeResult](t)(m.Expunge(t.Context(), nil))
}

// Names that leave no room for flags are served where they are; their flags live in
// the index.
func TestLongNames(t *testing.T) {
	a := newTestStore(t).account("a@example.org")
	m := open(t, a, Inbox)
	for i, n := range []int{255, 253, 250} {
		drop(t, a, "", "new", fmt.Sprintf("170000000%d.", i)+strings.Repeat("x", n-11), mail(i))
	}
	equal(t, "messages", refresh(t, m).Len(), 3)
	all := []UID{1, 2, 3}
	must[StoreResult](t)(m.Store(t.Context(), all, StoreOp{Flags: []string{`\Seen`, `\Flagged`, `\Answered`, "kw"}}))
	if err := m.Rescan(t.Context()); err != nil {
		t.Fatal(err)
	}
	s := m.Snapshot()
	for _, x := range s.All() {
		equal(t, "flags", s.FlagNames(x.Flags), []string{`\Seen`, `\Answered`, `\Flagged`, "kw"})
	}
	c := must[CopyResult](t)(m.Copy(t.Context(), all, open(t, a, "Sent")))
	equal(t, "copied", len(c.Dst), 3)
	uidl := s.At(0).UIDL()
	mv := must[CopyResult](t)(m.Move(t.Context(), all, open(t, a, "Trash")))
	equal(t, "moved", len(mv.Dst), 3)
	equal(t, "uidl", open(t, a, "Trash").Snapshot().At(0).UIDL(), uidl)
}

// Folders that other programs make, rename or remove are noticed while the account is open.
func TestForeignFolders(t *testing.T) {
	a := newTestStore(t).account("a@example.org")
	must[MailboxInfo](t)(a.CreateMailbox(t.Context(), "Gone", nil))
	equal(t, "before", listed(t, a), []string{"INBOX", "Gone", "Sent", "Trash"})
	dir := filepath.Join(root(a), ".Lists.go")
	for _, sub := range []string{"tmp", "new", "cur"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	drop(t, a, ".Lists.go", "new", "1700000001.M1P1.host", mail(1))
	equal(t, "opened by name", open(t, a, "Lists/go").Snapshot().Len(), 1)
	if err := os.RemoveAll(filepath.Join(root(a), ".Gone")); err != nil {
		t.Fatal(err)
	}
	equal(t, "after", listed(t, a), []string{"INBOX", "Lists", "Lists/go", "Sent", "Trash"})
	v := open(t, a, "Lists/go").Snapshot()
	mv(t, dir, filepath.Join(root(a), ".Go"))
	equal(t, "renamed", listed(t, a), []string{"INBOX", "Go", "Sent", "Trash"})
	n := open(t, a, "Go").Snapshot()
	equal(t, "identity", []any{n.UIDValidity(), uidsOf(n)}, []any{v.UIDValidity(), uidsOf(v)})
	if _, err := a.Status(t.Context(), "Gone", false); !errors.Is(err, ErrNoMailbox) {
		t.Errorf("status of what is gone: %v", err)
	}
}

// A file whose length a stranger changed is served as it is, and its size is told right
// from then on.
func TestEditedFile(t *testing.T) {
	a := newTestStore(t).account("a@example.org")
	deliver(t, a, Inbox, 1)
	m := open(t, a, Inbox)
	x := m.Snapshot().At(0)
	parsed := func() (subject string) {
		err := m.Parsed(t.Context(), []UID{1}, func(_ UID, p Parsed) error {
			e, err := p.Envelope()
			if err == nil {
				subject = e.Subject
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return subject
	}
	equal(t, "subject", parsed(), "message 0")
	text := "Subject: edited\n\nanother text, and longer than what was there before the edit\n"
	if err := os.WriteFile(filepath.Join(root(a), "cur", x.base+x.tail), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	b := must[*Body](t)(m.Open(t.Context(), x))
	defer b.Close()
	var out strings.Builder
	must[int64](t)(b.WriteRange(&out, 0, b.Size()))
	equal(t, "body", out.String(), strings.ReplaceAll(text, "\n", "\r\n"))
	equal(t, "size", m.Snapshot().At(0).Size, int64(len(text)+3))
	equal(t, "subject", parsed(), "edited")
}

// A message whose file comes back has its old UID, but only if no session was told of
// its going.
func TestFilesThatComeBack(t *testing.T) {
	a := newTestStore(t).account("a@example.org")
	deliver(t, a, Inbox, 3)
	m := open(t, a, Inbox)
	x := m.Snapshot().At(1)
	file := filepath.Join(root(a), "cur", x.base+x.tail)
	aside := filepath.Join(root(a), "aside")
	mv(t, file, aside)
	equal(t, "gone", uidsOf(refresh(t, m)), []UID{1, 3})
	mv(t, aside, file)
	equal(t, "back", uidsOf(refresh(t, m)), []UID{1, 2, 3})

	mv(t, file, aside)
	equal(t, "gone", uidsOf(refresh(t, m)), []UID{1, 3})
	m.Watch(func() {})() // a session comes and sees the mailbox without it
	mv(t, aside, file)
	equal(t, "back", uidsOf(refresh(t, m)), []UID{1, 3, 4})

	// A client that only asks what went has been told as well, even if nobody is there any more when the file is back.
	since := m.Snapshot().HighestModSeq()
	mv(t, file, aside)
	equal(t, "gone", uidsOf(refresh(t, m)), []UID{1, 3})
	told, complete, err := m.Vanished(t.Context(), since)
	if err != nil || !complete {
		t.Fatal(complete, err)
	}
	equal(t, "told", told, []UID{4})
	mv(t, aside, file)
	equal(t, "back", uidsOf(refresh(t, m)), []UID{1, 3, 5})
}

// The expunge history is bounded, whatever the rhythm of the changes.
func TestExpungeHistoryIsBounded(t *testing.T) {
	s := newTestStore(t)
	s.opts.KeepExpunged = 20
	a := s.account("a@example.org")
	m := open(t, a, Inbox)
	for range 60 {
		uids := deliver(t, a, Inbox, 1)
		must[StoreResult](t)(m.Store(t.Context(), uids, StoreOp{Flags: []string{`\Deleted`}}))
		must[ExpungeResult](t)(m.Expunge(t.Context(), nil))
	}
	err := a.read(t.Context(), func(tx tx) error {
		uids, err := tx.ExpungedSince(m.f.row.ID, 0)
		if len(uids) > 30 {
			t.Errorf("%d removals are remembered", len(uids))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A watched mailbox notices foreign mail after its folder was renamed, and one made under
// its old name notices its own.
func TestWatchFollowsRename(t *testing.T) {
	for _, poll := range []bool{false, true} {
		t.Run(fmt.Sprint("polling ", poll), func(t *testing.T) {
			s := newTestStore(t)
			w := disk.NewWatcher(disk.WatchOptions{ForcePolling: poll, Poll: 5 * time.Millisecond})
			t.Cleanup(w.Close)
			s.opts.Watcher = w
			a := s.account("a@example.org")
			must[MailboxInfo](t)(a.CreateMailbox(t.Context(), "X", nil))
			m := open(t, a, "X")
			woken := make(chan struct{}, 100)
			defer m.Watch(func() { woken <- struct{}{} })()
			if err := a.RenameMailbox(t.Context(), "X", "Y"); err != nil {
				t.Fatal(err)
			}
			must[MailboxInfo](t)(a.CreateMailbox(t.Context(), "X", nil))
			x := open(t, a, "X")
			wokenX := make(chan struct{}, 100)
			defer x.Watch(func() { wokenX <- struct{}{} })()
			drop(t, a, ".Y", "new", "1700000001.M1P1.host", mail(1))
			for m.Snapshot().Len() == 0 {
				<-woken
			}
			drop(t, a, ".X", "new", "1700000002.M1P1.host", mail(2))
			for x.Snapshot().Len() == 0 {
				<-wokenX
			}
		})
	}
}
