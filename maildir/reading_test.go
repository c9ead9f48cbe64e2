package maildir

import (
	"bytes"
	"errors"
	"os"
	"testing"
)

// What happens to messages and their mailbox while they are read one after another is seen as by Mailbox.Open.
func TestReading(t *testing.T) {
	a := newTestStore(t).account("a@example.org")
	must[MailboxInfo](t)(a.CreateMailbox(t.Context(), "A", nil))
	deliver(t, a, "A", 12)
	m := open(t, a, "A")
	s := refresh(t, m)
	r := m.Reading()
	defer r.Close()
	read := func(i int, want string) {
		t.Helper()
		b, err := r.Open(t.Context(), s.At(i))
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		var out bytes.Buffer
		must[int64](t)(b.WriteRange(&out, 0, b.Size()))
		equal(t, "message", out.String(), want)
		if whole, ok := r.ReadWhole(s.At(i), nil); ok {
			equal(t, "the whole", string(whole), want)
		}
	}
	for i := range 5 {
		read(i, mail(i))
	}
	equal(t, "held", r.held != nil, true)
	path := func(i int) string { return a.dir.PathOf(s.At(i).place(m.where.Load().dir)) }
	for _, err := range []error{
		os.Rename(path(5), path(5)+"F"),
		os.WriteFile(path(6), []byte(mail(6)+"more\r\n"), 0o600),
		os.Truncate(path(7), int64(len(mail(7))-2)),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	read(5, mail(5))
	read(6, mail(6)+"more\r\n")
	read(7, mail(7)[:len(mail(7))-2])
	must[StoreResult](t)(m.Store(t.Context(), []UID{s.At(8).UID}, StoreOp{Mode: StoreAdd, Flags: []string{`\Deleted`}}))
	must[ExpungeResult](t)(m.Expunge(t.Context(), []UID{s.At(8).UID}))
	if _, err := r.Open(t.Context(), s.At(8)); !errors.Is(err, ErrGone) {
		t.Errorf("expunged meanwhile: %v", err)
	}
	if err := a.RenameMailbox(t.Context(), "A", "B"); err != nil {
		t.Fatal(err)
	}
	read(9, mail(9))
	read(10, mail(10))
}
