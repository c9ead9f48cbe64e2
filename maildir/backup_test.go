package maildir

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// messagesOf lists what a program sees of an account: its mailboxes, their UIDVALIDITY, UIDs, flags, dates and texts.
func messagesOf(t *testing.T, a *Account, numbers bool) (out []string) {
	t.Helper()
	for _, name := range listed(t, a) {
		m, err := a.Mailbox(t.Context(), name)
		if errors.Is(err, ErrNoMailbox) {
			continue // only a level between others
		}
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		if err := m.Rescan(t.Context()); err != nil {
			t.Fatal(err)
		}
		s := m.Snapshot()
		for _, x := range s.All() {
			id := ""
			if numbers {
				id = fmt.Sprint(s.UIDValidity(), " ", x.UID, " ")
			}
			out = append(out, fmt.Sprint(name, " ", id, s.FlagNames(x.Flags), " ", x.internal, " ", subject(t, m, x)))
		}
	}
	return out
}

// populated has two folders, flags, a keyword, gaps between the UIDs and one message that a POP3 switch gave a UIDL.
func populated(t *testing.T, s *testStore) *Account {
	a := s.account("a@example.org")
	deliver(t, a, Inbox, 5)
	must[MailboxInfo](t)(a.CreateMailbox(t.Context(), "Work/2026", nil))
	deliver(t, a, "Work/2026", 3)
	in, work := open(t, a, Inbox), open(t, a, "Work/2026")
	must[StoreResult](t)(in.Store(t.Context(), []UID{2, 4}, StoreOp{Mode: StoreAdd, Flags: []string{`\Seen`, "Green"}}))
	must[StoreResult](t)(in.Store(t.Context(), []UID{1}, StoreOp{Mode: StoreAdd, Flags: []string{`\Deleted`}}))
	must[ExpungeResult](t)(in.Expunge(t.Context(), []UID{1}))
	must[CopyResult](t)(in.Move(t.Context(), []UID{5}, work))
	return a
}

// lateInTheSecond moves the files' times to the end of their seconds, as most deliveries have them.
func lateInTheSecond(t *testing.T, a *Account) {
	files, err := filepath.Glob(filepath.Join(root(a), "cur", "*"))
	below, berr := filepath.Glob(filepath.Join(root(a), ".*", "cur", "*"))
	if err != nil || berr != nil {
		t.Fatal(err, berr)
	}
	for _, file := range append(files, below...) {
		st, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		late := st.ModTime().Truncate(time.Second).Add(999 * time.Millisecond)
		if err := os.Chtimes(file, late, late); err != nil {
			t.Fatal(err)
		}
	}
}

func TestBackupAndRestore(t *testing.T) {
	s := newTestStore(t)
	a := populated(t, s)
	lateInTheSecond(t, a)
	var archive bytes.Buffer
	done := must[Archived](t)(a.Backup(t.Context(), &archive))
	equal(t, "messages", done.Messages, 7)
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(root(a)), "backup.*")); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	want := messagesOf(t, a, true)

	other := newTestStore(t)
	equal(t, "restored", must[Archived](t)(other.Restore(t.Context(), "b@example.org", bytes.NewReader(archive.Bytes()))), done)
	b := other.account("b@example.org")
	equal(t, "whole", messagesOf(t, b, true), want)
	if _, err := other.Restore(t.Context(), "b@example.org", bytes.NewReader(archive.Bytes())); !errors.Is(err, ErrHasMail) {
		t.Errorf("over a Maildir: %v", err)
	}

	equal(t, "into", must[Archived](t)(b.RestoreInto(t.Context(), bytes.NewReader(archive.Bytes()), "Back")), done)
	var below []string
	for _, line := range messagesOf(t, b, false) {
		if rest, ok := strings.CutPrefix(line, "Back/"); ok {
			below = append(below, rest)
		}
	}
	equal(t, "below", below, messagesOf(t, a, false))
}

// A backup that is made while messages are moved, marked, added and removed has each message that was there all the
// while once, and those of a MOVE in one mailbox or in the other.
func TestBackupOfOneMoment(t *testing.T) {
	s := newTestStore(t)
	a := s.account("a@example.org")
	deliver(t, a, Inbox, 30)
	in, trash := open(t, a, Inbox), open(t, a, "Trash")
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		for from, to := in, trash; ctx.Err() == nil; from, to = to, from {
			uids := uidsOf(from.Snapshot())
			if _, err := from.Store(t.Context(), uids, StoreOp{Mode: StoreAdd, Flags: []string{`\Flagged`}}); err != nil {
				t.Error(err)
			}
			if _, err := from.Move(t.Context(), uids, to); err != nil {
				t.Error(err)
			}
		}
	})
	for range 20 {
		var archive bytes.Buffer
		if done := must[Archived](t)(a.Backup(t.Context(), &archive)); done.Messages != 30 {
			t.Errorf("%d messages", done.Messages)
		}
	}
	stop()
	wg.Wait()
}

func TestBadArchives(t *testing.T) {
	s := newTestStore(t)
	file := func(name string) *tar.Header {
		return &tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o600, Size: 1}
	}
	cur := &tar.Header{Name: "Maildir/cur/", Typeflag: tar.TypeDir, Mode: 0o700}
	for what, list := range map[string][]*tar.Header{
		"no Maildir":  {file("etc/passwd")},
		"upwards":     {cur, file("Maildir/../../x")},
		"absolute":    {cur, file("/Maildir/cur/1.a.b")},
		"deep":        {cur, file("Maildir/.A/cur/x/1.a.b")},
		"a link":      {cur, {Name: "Maildir/cur/1.a.b", Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"}},
		"a hard link": {cur, {Name: "Maildir/cur/1.a.b", Typeflag: tar.TypeLink, Linkname: "/etc/passwd"}},
		"a link up":   {cur, {Name: "Maildir/cur/1.a.b", Typeflag: tar.TypeLink, Linkname: "Maildir/../../../passwd"}},
		"a dead link": {cur, {Name: "Maildir/cur/1.a.b", Typeflag: tar.TypeLink, Linkname: "Maildir/cur/2.a.b"}},
		"a directory": {cur, {Name: "Maildir/new", Typeflag: tar.TypeLink, Linkname: "Maildir/cur"}},
		"twice":       {cur, file("Maildir/cur/1.a.b"), file("Maildir/cur/1.a.b")},
		"no cur":      {file("Maildir/subscriptions")},
		"nothing":     {},
	} {
		var b bytes.Buffer
		w := tar.NewWriter(&b)
		for _, h := range list {
			if err := w.WriteHeader(h); err != nil {
				t.Fatal(err)
			}
			if h.Size > 0 {
				w.Write([]byte("x"))
			}
		}
		w.Close()
		if _, err := s.Restore(t.Context(), "b@example.org", &b); !errors.Is(err, ErrBadArchive) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := s.Restore(t.Context(), "b@example.org", strings.NewReader(strings.Repeat("no tar ", 1000))); !errors.Is(err, ErrBadArchive) {
		t.Errorf("text: %v", err)
	}

	var whole bytes.Buffer
	must[Archived](t)(populated(t, s).Backup(t.Context(), &whole))
	for cut := 100; cut < whole.Len()-512; cut += 111 {
		if _, err := s.Restore(t.Context(), "b@example.org", bytes.NewReader(whole.Bytes()[:cut])); err == nil {
			t.Errorf("cut after %d of %d bytes: restored", cut, whole.Len())
		}
	}
	entries, err := os.ReadDir(filepath.Join(s.data, "mail", "example.org", "b"))
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) > 0 {
		t.Errorf("left: %v", entries)
	}
}

// tar notes of a message and its copy, which are one file, the second as a link to the first.
func TestRestoreOfTarWithCopies(t *testing.T) {
	s := newTestStore(t)
	a := populated(t, s)
	must[CopyResult](t)(open(t, a, Inbox).Copy(t.Context(), []UID{2, 3}, open(t, a, "Work/2026")))
	archive, err := exec.Command("tar", "-C", filepath.Dir(root(a)), "-cf", "-", "Maildir").Output()
	if err != nil {
		t.Fatal(err)
	}
	other := newTestStore(t)
	done := must[Archived](t)(other.Restore(t.Context(), "b@example.org", bytes.NewReader(archive)))
	b := other.account("b@example.org")
	equal(t, "whole", messagesOf(t, b, true), messagesOf(t, a, true))
	equal(t, "messages", done.Messages, 9)
	equal(t, "into", must[Archived](t)(b.RestoreInto(t.Context(), bytes.NewReader(archive), "Back")), done)
}

// What others have put among the messages, or removed, does not keep an account from being backed up.
func TestBackupOfWhatOthersLeft(t *testing.T) {
	s := newTestStore(t)
	a := populated(t, s)
	cur := filepath.Join(root(a), "cur")
	elsewhere := filepath.Join(t.TempDir(), "kept elsewhere")
	err := errors.Join(
		os.WriteFile(elsewhere, []byte(mail(8)), 0o600),
		os.Symlink(elsewhere, filepath.Join(cur, "1000000001.a.b:2,")),
		os.Symlink("nothing", filepath.Join(cur, "1000000002.a.b:2,")),
		os.Symlink(cur, filepath.Join(cur, "1000000003.a.b:2,")),
		os.Mkdir(filepath.Join(cur, "1000000004.a.b:2,"), 0o700),
		os.Mkdir(filepath.Join(cur, ".AppleDouble"), 0o700),
		unix.Mkfifo(filepath.Join(cur, "1000000005.a.b:2,"), 0o600),
		os.RemoveAll(filepath.Join(root(a), ".Work.2026")),
	)
	if err != nil {
		t.Fatal(err)
	}
	var archive bytes.Buffer
	done := must[Archived](t)(a.Backup(t.Context(), &archive))
	equal(t, "messages", done.Messages, 4)

	other := newTestStore(t)
	equal(t, "restored", must[Archived](t)(other.Restore(t.Context(), "b@example.org", &archive)), done)
	in := open(t, other.account("b@example.org"), Inbox)
	equal(t, "seen", refresh(t, in).Len(), 4)
	for _, leftover := range []string{"1000000002", "1000000003", "1000000004", "1000000005"} {
		if err := os.Remove(filepath.Join(cur, leftover+".a.b:2,")); err != nil {
			t.Error(err)
		}
	}
}

// What killed backups and restores left goes with a later opening, though nobody backs the account up again.
func TestWorkLeftBehind(t *testing.T) {
	s := newTestStore(t)
	place := filepath.Join(s.data, "mail", "example.org", "a")
	for name, age := range map[string]time.Duration{"backup.1.tmp": 30 * time.Hour, "restore.1.tmp": 30 * time.Hour, "backup.2.tmp": time.Hour, "backup.1": 30 * time.Hour} {
		dir, then := filepath.Join(place, name), time.Now().Add(-age)
		if err := errors.Join(os.MkdirAll(filepath.Join(dir, "cur"), 0o700), os.WriteFile(filepath.Join(dir, "cur", "1.a.b:2,"), nil, 0o600),
			os.Chtimes(dir, then, then)); err != nil {
			t.Fatal(err)
		}
	}
	open(t, s.account("a@example.org"), Inbox)
	left, err := filepath.Glob(filepath.Join(place, "*.1*"))
	more, _ := filepath.Glob(filepath.Join(place, "*.2*"))
	equal(t, "left", append(left, more...), []string{filepath.Join(place, "backup.1"), filepath.Join(place, "backup.2.tmp")})
	if err != nil {
		t.Error(err)
	}
}

// A folder whose directory has no name that clients could use does not keep the others from being restored.
func TestRestoreIntoPastOddFolder(t *testing.T) {
	s := newTestStore(t)
	a := populated(t, s)
	for _, sub := range []string{"cur", "new", "tmp"} {
		if err := os.MkdirAll(filepath.Join(root(a), ".A..B", sub), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(root(a), ".A..B", "cur", "1000000001.a.b:2,"), []byte(mail(8)), 0o600); err != nil {
		t.Fatal(err)
	}
	var archive bytes.Buffer
	equal(t, "backup", must[Archived](t)(a.Backup(t.Context(), &archive)).Messages, 8)
	b := s.account("b@example.org")
	equal(t, "into", must[Archived](t)(b.RestoreInto(t.Context(), &archive, "Back")).Messages, 7)
}
