package maildir

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"bascule/internal/notify"
	"bascule/locking"
	"bascule/maildir/disk"
	"bascule/maildir/disk/disktest"
)

// A mailbox that another process renames, or deletes, before any file call of a delivery gets the mail under its new
// name, or refuses it as one that is not there, though another mailbox may have its name by then.
func TestRenamedUnderDelivery(t *testing.T) {
	change := map[string]func(*Account) error{
		"renamed":          func(a *Account) error { return a.RenameMailbox(context.Background(), "A", "B") },
		"deleted":          func(a *Account) error { return errOf(a.DeleteMailbox(context.Background(), "A")) },
		"renamed, made":    func(a *Account) error { return renameAndMake(a) },
		"deleted and made": func(a *Account) error { return deleteAndMake(a) },
	}
	add := map[string]func(*Account, *Mailbox) error{
		"deliver": func(a *Account, _ *Mailbox) error {
			_, err := a.Deliver(context.Background(), "A", strings.NewReader(mail(7)), DeliverOptions{})
			return err
		},
		"append": func(_ *Account, m *Mailbox) error {
			_, err := m.Append(context.Background(), []Incoming{{R: strings.NewReader(mail(7))}})
			return err
		},
		"append two": func(_ *Account, m *Mailbox) error {
			_, err := m.Append(context.Background(), []Incoming{{R: strings.NewReader(mail(7))}, {R: strings.NewReader(mail(8))}})
			return err
		},
		"append binary": func(_ *Account, m *Mailbox) error {
			_, err := m.Append(context.Background(), []Incoming{{R: strings.NewReader(mailWithNUL), Binary: true}})
			return err
		},
	}
	for name, change := range change {
		for how, add := range add {
			t.Run(name+", "+how, func(t *testing.T) {
				for at := 1; changedAt(t, at, change, add, strings.HasPrefix(name, "renamed")); at++ {
				}
			})
		}
	}
}

const mailWithNUL = "Subject: 7\r\nMIME-Version: 1.0\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: binary\r\n\r\na\x00b"

func renameAndMake(a *Account) error {
	if err := a.RenameMailbox(context.Background(), "A", "B"); err != nil {
		return err
	}
	_, err := a.CreateMailbox(context.Background(), "A", nil)
	return err
}

func deleteAndMake(a *Account) error {
	if _, err := a.DeleteMailbox(context.Background(), "A"); err != nil {
		return err
	}
	_, err := a.CreateMailbox(context.Background(), "A", nil)
	return err
}

func errOf[T any](_ T, err error) error { return err }

// changedAt lets another process do change before the at-th file call in the mailbox, and is false where there are not
// so many calls.
func changedAt(t *testing.T, at int, change func(*Account) error, add func(*Account, *Mailbox) error, renamed bool) bool {
	data := fastDir(t)
	if err := Create(data); err != nil {
		t.Fatal(err)
	}
	one := openTestStore(t, data, locking.NewInProcess(), notify.NewInProcess())
	b := one.account("a@example.org")
	must[MailboxInfo](t)(b.CreateMailbox(t.Context(), "A", nil))
	var a *Account
	calls, armed, changed := 0, false, false
	fault := &disktest.FaultFS{FS: disk.OS, All: true, Match: func(_, path string) bool {
		if !armed || !strings.Contains(path, "/.A/") || !a.mu.TryLock() {
			return false // under the account's lock no other process can change anything
		}
		a.mu.Unlock()
		if calls++; calls == at {
			armed, changed = false, true
			if err := change(b); err != nil {
				t.Error(err)
			}
		}
		return false
	}}
	victim, err := Open(Options{DataDir: data, FS: fault, Locks: locking.NewInProcess(), Bus: notify.NewInProcess()})
	if err != nil {
		t.Fatal(err)
	}
	defer victim.Close()
	if a, err = victim.Account(t.Context(), "a@example.org", testPolicy); err != nil {
		t.Fatal(err)
	}
	m := must[*Mailbox](t)(a.Mailbox(t.Context(), "A"))
	defer m.Close()
	armed = true
	err = add(a, m)
	armed = false
	where := fmt.Sprintf("before call %d", at)
	switch {
	case !changed || renamed:
		if err != nil {
			t.Errorf("%s: %v", where, err)
		}
		name := "A"
		if changed {
			name = "B"
		}
		m := open(t, b, name)
		s := refresh(t, m)
		if s.Len() == 0 {
			t.Errorf("%s: %s has no messages", where, name)
		}
		for _, msg := range s.All() {
			body, err := m.Open(t.Context(), msg)
			if err != nil {
				t.Errorf("%s: in %s: %v", where, name, err)
				continue
			}
			body.Close()
		}
	case err != nil && !isAny(err, ErrNoMailbox):
		t.Errorf("%s: %v", where, err)
	case err != nil:
		// The sender is told that it is not here, and may send it elsewhere.
		if left, _ := filepath.Glob(filepath.Join(root(b), ".A", "[cn]*", "*")); len(left) > 0 {
			t.Errorf("%s: refused, and left %v", where, left)
		}
	}
	return changed
}
