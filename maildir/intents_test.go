package maildir

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"

	"bascule/internal/notify"
	"bascule/locking"
	"bascule/maildir/disk"
)

// again opens the data directory once more after s died like a killed process.
func (s *testStore) again() *testStore {
	s.t.Helper()
	die(s.Store)
	s.used = map[string]bool{}
	return openTestStore(s.t, s.data, locking.NewInProcess(), notify.NewInProcess())
}

func listed(t *testing.T, a *Account) (names []string) {
	t.Helper()
	for _, m := range must[[]MailboxInfo](t)(a.Mailboxes(t.Context())) {
		names = append(names, m.Name)
	}
	return names
}

// What was done to a folder must not be done once more to the one that took its name.
func TestRepeatedIntentsSpareFoldersMadeAgain(t *testing.T) {
	for name, gone := range map[string]func(a *Account) error{
		"delete": func(a *Account) error { _, err := a.DeleteMailbox(t.Context(), "X"); return err },
		"rename": func(a *Account) error { return a.RenameMailbox(t.Context(), "X", "Y") },
		"rename and delete": func(a *Account) error {
			if err := a.RenameMailbox(t.Context(), "X", "Y"); err != nil {
				return err
			}
			_, err := a.DeleteMailbox(t.Context(), "Y")
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newTestStore(t)
			a := s.account("a@example.org")
			must[MailboxInfo](t)(a.CreateMailbox(t.Context(), "X", nil))
			deliver(t, a, "X", 1)
			if err := gone(a); err != nil {
				t.Fatal(err)
			}
			// A stranger may be the one who makes it again: no write of ours comes between.
			dir := filepath.Join(root(a), ".X")
			for _, sub := range []string{"tmp", "new", "cur"} {
				if err := os.MkdirAll(filepath.Join(dir, sub), 0o700); err != nil {
					t.Fatal(err)
				}
			}
			drop(t, a, ".X", "new", "1700000001.M1P1.host", mail(7))
			b := s.again().account("a@example.org")
			equal(t, "messages", open(t, b, "X").Snapshot().Len(), 1)
		})
	}
}

// A folder that another program removed has nothing left to remove: what stands there
// later is somebody else's.
func TestVanishedFolderIsNotRemovedLater(t *testing.T) {
	s := newTestStore(t)
	a := s.account("a@example.org")
	must[MailboxInfo](t)(a.CreateMailbox(t.Context(), "X", nil))
	m := open(t, a, "X")
	dir := filepath.Join(root(a), ".X")
	if err := os.Rename(dir, dir+"-aside"); err != nil {
		t.Fatal(err)
	}
	s.onCommit = func() {
		s.onCommit = nil
		os.Rename(dir+"-aside", dir)
	}
	if _, err := m.Refresh(t.Context()); err != nil && !errors.Is(err, ErrGone) {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "cur")); err != nil {
		t.Errorf("the folder that came back was removed: %v", err)
	}
}

// A disk that is not mounted any more takes no folders from the index.
func TestLostDiskKeepsTheIndex(t *testing.T) {
	s := newTestStore(t)
	a := s.account("a@example.org")
	deliver(t, a, "Sent", 2)
	m := open(t, a, "Sent")
	if err := os.Rename(root(a), root(a)+"-away"); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Refresh(t.Context()); err == nil {
		t.Error("a refresh without a disk says that all is well")
	}
	if err := os.Rename(root(a)+"-away", root(a)); err != nil {
		t.Fatal(err)
	}
	equal(t, "messages", uidsOf(refresh(t, m)), []UID{1, 2})
}

// failing makes operations on directories fail while on is set.
type failing struct {
	disk.FS
	on  bool
	dir string // in the path of what fails
}

func (f *failing) RenameNoReplace(old, new string) error {
	if f.on && strings.HasSuffix(old, f.dir) {
		return &os.LinkError{Op: "rename", Old: old, New: new, Err: syscall.EIO}
	}
	return f.FS.RenameNoReplace(old, new)
}

// While a folder's removal or renaming is decided but could not be done, nothing new
// may take its place on disk, and it is not taken for removed by another program.
func TestFolderOperationsThatFail(t *testing.T) {
	data := t.TempDir()
	if err := Create(data); err != nil {
		t.Fatal(err)
	}
	ffs := &failing{FS: disk.OS, dir: "/.X"}
	st, err := Open(Options{DataDir: data, Locks: locking.NewInProcess(), Bus: notify.NewInProcess(), FS: ffs})
	if err != nil {
		t.Fatal(err)
	}
	s := &testStore{Store: st, t: t, data: data, used: map[string]bool{}}
	t.Cleanup(func() { s.check(); st.Close() })
	a := s.account("a@example.org")
	for _, name := range []string{"X", "W"} {
		must[MailboxInfo](t)(a.CreateMailbox(t.Context(), name, nil))
		deliver(t, a, name, 2)
	}
	ffs.on = true
	if err := a.RenameMailbox(t.Context(), "X", "Y"); err != nil {
		t.Fatal(err)
	}
	if _, err := a.CreateMailbox(t.Context(), "X", nil); err == nil {
		t.Error("made a folder where one waits to be renamed")
	}
	if m, err := a.Mailbox(t.Context(), "Y"); err == nil {
		m.Close()
	}
	ffs.on = false
	y := open(t, a, "Y")
	equal(t, "messages", uidsOf(refresh(t, y)), []UID{1, 2})
	must[MailboxInfo](t)(a.CreateMailbox(t.Context(), "X", nil))

	ffs.on = true
	if _, err := a.DeleteMailbox(t.Context(), "X"); err != nil {
		t.Fatal(err)
	}
	if _, err := a.CreateMailbox(t.Context(), "X", nil); err == nil {
		t.Error("made a folder where one waits to be removed")
	}
	ffs.on = false
	must[MailboxInfo](t)(a.CreateMailbox(t.Context(), "X", nil))
	equal(t, "messages", open(t, a, "X").Snapshot().Len(), 0)
}

func FuzzDecodeOps(f *testing.F) {
	ops := []fileOp{
		{kind: opRename, src: disk.TmpPlace(".A", "x"), dst: disk.Place{Folder: ".A", Sub: disk.Cur, File: "x:2,S"}},
		{kind: opRemoveDir, src: disk.Place{Folder: ".B"}},
	}
	f.Add(encodeOps(ops))
	f.Add([]byte("r\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		ops, err := decodeOps(data)
		if err != nil {
			return
		}
		again, err := decodeOps(encodeOps(ops))
		if err != nil || !reflect.DeepEqual(ops, again) {
			t.Fatalf("%v became %v, %v", ops, again, err)
		}
	})
}
