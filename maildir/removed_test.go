package maildir

import (
	"strings"
	"testing"

	"bascule/internal/notify"
	"bascule/locking"
)

// What is said of removed messages is in their headers, however long these are and whatever their lines end with.
func TestRemovedAreDescribed(t *testing.T) {
	data := t.TempDir()
	if err := Create(data); err != nil {
		t.Fatal(err)
	}
	s, err := Open(Options{DataDir: data, Locks: locking.NewInProcess(), Bus: notify.NewInProcess(), Describe: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	a, err := s.Account(t.Context(), "a@example.org", Policy{})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	field := "X-Long: " + strings.Repeat("x", 60) + "\r\n"
	long := func(octets int) string { return strings.Repeat(field, octets/len(field)) }
	want := []struct{ text, subject, id string }{
		{"Subject: short\r\nMessage-ID: <1@x>\r\n\r\nSubject: body\r\n", "short", "<1@x>"},
		{"From: a@x\r\n\r\nSubject: body\r\n", "", ""},
		{"Subject: no body\r\n", "no body", ""},
		{"\r\nSubject: no header\r\n\r\n", "", ""},
		{long(mostHeaders-70) + "Subject: across\r\n the end of what is read at first\r\nMessage-ID: <2@x>\r\n\r\nbody", "across the end of what is read at first", "<2@x>"},
		{long(describedHeader*3/4) + "Subject: late\r\n\r\nbody", "late", ""},
		{long(describedHeader*2) + "Subject: too late\r\n\r\nbody", "", ""},
		{"Subject: bare\nMessage-ID: <3@x>\n\nSubject: body\n" + strings.Repeat("x\n", mostHeaders), "bare", "<3@x>"},
		{"Subject: 8bit\r\n\r\n" + strings.Repeat("\xff\r\n", mostHeaders), "8bit", ""},
	}
	for _, w := range want {
		if _, err := a.Deliver(t.Context(), Inbox, strings.NewReader(w.text), DeliverOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	m := open(t, a, Inbox)
	var uids []UID
	for _, x := range m.Snapshot().All() {
		uids = append(uids, x.UID)
	}
	if _, err := m.Store(t.Context(), uids, StoreOp{Mode: StoreAdd, Flags: []string{`\Deleted`}}); err != nil {
		t.Fatal(err)
	}
	res, err := m.Expunge(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "removed", len(res.Removed), len(want))
	for i, r := range res.Removed {
		equal(t, "subject", strings.TrimSpace(r.Subject), want[i].subject)
		equal(t, "id", strings.TrimSpace(r.MessageID), want[i].id)
	}
}
