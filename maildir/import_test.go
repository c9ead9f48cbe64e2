package maildir

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"bascule/internal/notify"
	"bascule/locking"
	"bascule/maildir/disk"
	"bascule/maildir/disk/disktest"
)

// foreignMaildir makes the account's Maildir as another server left it: five messages
// and its list of UIDs.
func foreignMaildir(t *testing.T, data, list string) {
	t.Helper()
	dir := disk.MaildirDir(disk.AccountDir(data, "a@example.org"))
	for _, sub := range []string{"tmp", "new", "cur"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 5 {
		name := fmt.Sprintf("170000000%d.M1P1.host", i)
		if err := os.WriteFile(filepath.Join(dir, "cur", name+":2,S"), []byte(mail(i)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "dovecot-uidlist"), []byte(list), 0o600); err != nil {
		t.Fatal(err)
	}
}

const dovecotList = "3 V1234567 N40 G0123456789abcdef0123456789abcdef\n" +
	"11 Pold-11 :1700000000.M1P1.host\n13 :1700000001.M1P1.host\n17 :1700000002.M1P1.host\n31 :1700000003.M1P1.host\n"

const imported = "11=old-11 13=0000000d0012d687 17=000000110012d687 31=0000001f0012d687 "

// known lists the messages that the other server knew. The fifth one's UID may be any
// later one: a kill may cost a block of reserved ones.
func known(m *Mailbox) string {
	var b strings.Builder
	for _, x := range m.Snapshot().All() {
		if x.UID >= 40 {
			continue
		}
		fmt.Fprintf(&b, "%d=%s ", x.UID, x.UIDL())
	}
	return b.String()
}

// The other server's UIDs and UIDLs are ours, even if the first opening is killed at any
// file call.
func TestImportIsKilledAtEveryCall(t *testing.T) {
	for n := 1; ; n++ {
		data := fastDir(t)
		if err := Create(data); err != nil {
			t.Fatal(err)
		}
		foreignMaildir(t, data, dovecotList)
		f := &disktest.FaultFS{FS: disk.OS, At: n}
		s, err := crashStore(data, "", f)
		if err == nil {
			if a, err := s.Account(t.Context(), "a@example.org", Policy{}); err == nil {
				if m, err := a.Mailbox(t.Context(), Inbox); err == nil {
					equal(t, "at once", known(m), imported)
				}
			}
			die(s)
		}
		if f.Fired() == "" {
			if n < 5 {
				t.Fatal("nothing was killed")
			}
			return
		}
		ts := openTestStore(t, data, locking.NewInProcess(), notify.NewInProcess())
		m := open(t, ts.account("a@example.org"), Inbox)
		equal(t, fmt.Sprintf("killed at call %d (%s)", n, f.Fired()), known(m), imported)
		equal(t, "validity", m.Snapshot().UIDValidity(), 1234567)
	}
}

// A list that has no UIDs left gives way to a new UIDVALIDITY; its UIDLs stay.
func TestImportOfExhaustedList(t *testing.T) {
	s := newTestStore(t)
	foreignMaildir(t, s.data, "3 V1234567 N4294967295\n4294967294 Pold :1700000000.M1P1.host\n")
	m := open(t, s.account("a@example.org"), Inbox)
	equal(t, "uids", uidsOf(m.Snapshot()), []UID{1, 2, 3, 4, 5})
	equal(t, "uidl", m.Snapshot().At(0).UIDL(), "old")
	if m.Snapshot().UIDValidity() == 1234567 {
		t.Error("UIDs begin anew under the old UIDVALIDITY")
	}
}

// Two messages never have one UIDL, whatever a list says.
func TestImportOfDoubledUIDLs(t *testing.T) {
	s := newTestStore(t)
	foreignMaildir(t, s.data, "3 V1234567 N40\n11 Psame :1700000000.M1P1.host\n12 Psame :1700000001.M1P1.host\n")
	m := open(t, s.account("a@example.org"), Inbox)
	equal(t, "first", m.Snapshot().At(0).UIDL(), "same")
}

// Of a large Maildir files are looked at ahead of the rows: UIDs go by arrival all the same, what is no message has none, and an error is an
// error, after which the next opening takes everything over.
func TestImportOfMany(t *testing.T) {
	const many = lookAheadFrom + 5*lookAtOnce/2
	data := fastDir(t)
	if err := Create(data); err != nil {
		t.Fatal(err)
	}
	foreignMaildir(t, data, dovecotList)
	dir := disk.MaildirDir(disk.AccountDir(data, "a@example.org"))
	for i := range many {
		sub, name := "cur", fmt.Sprintf("%d.M1P1.host:2,", 1800000000+i)
		if i%10 == 3 {
			sub, name = "new", strings.TrimSuffix(name, ":2,")
		}
		if err := os.WriteFile(filepath.Join(dir, sub, name), []byte(mail(i)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"1750000000.M1P1.host", "1800000100.M2P1.host:2,S"} {
		if err := os.Mkdir(filepath.Join(dir, "cur", name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for _, at := range []int{1, lookAtOnce, many * 4 / 5} {
		f := &disktest.FaultFS{FS: disk.OS, At: at, Err: syscall.EIO, All: true, Match: func(op, path string) bool {
			return op == "stat" && strings.Contains(path, "/cur/18")
		}}
		s, err := Open(Options{DataDir: data, Locks: locking.NewInProcess(), Bus: notify.NewInProcess(), FS: f})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Account(t.Context(), "a@example.org", Policy{}); !errors.Is(err, syscall.EIO) {
			t.Errorf("fault at stat %d: %v", at, err)
		}
		s.Close()
	}
	s := openTestStore(t, data, locking.NewInProcess(), notify.NewInProcess())
	a := s.account("a@example.org")
	loaded := a.byName[Inbox].kept
	equal(t, "kept while it was taken over", loaded.stamp == a.byName[Inbox].row.Stamp && loaded.changed == 0, true)
	m := open(t, a, Inbox)
	equal(t, "the list's", known(m), imported)
	all := m.Snapshot()
	equal(t, "messages", all.Len(), 5+many)
	last := UID(39)
	for i := range many {
		x := all.At(5 + i)
		if x.UID <= last || x.base != fmt.Sprintf("%d.M1P1.host", 1800000000+i) || x.Disk != int64(len(mail(i))) || x.inNew || x.tail != ":2," {
			t.Fatalf("message %d after UID %d: %+v", i, last, *x)
		}
		last = x.UID
	}
}
