package maildir

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
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
