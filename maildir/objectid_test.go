package maildir

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bascule/maildir/disk"
)

// idsOf gives what clients are told of a mailbox: its id, and EMAILID and THREADID of each message.
func idsOf(t *testing.T, m *Mailbox) []string {
	t.Helper()
	out := []string{m.ID()}
	uids := uidsOf(m.Snapshot())
	threads := map[UID]string{}
	err := m.Parsed(t.Context(), uids, func(uid UID, p Parsed) (err error) { threads[uid], err = p.ThreadID(); return err })
	if err != nil {
		t.Fatal(err)
	}
	err = m.EmailIDs(t.Context(), uids, func(uid UID, id string) error {
		out = append(out, fmt.Sprint(uid, " ", id, " ", threads[uid]))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Object ids outlive the index, and two processes that make them at once say the same.
func TestObjectIDsStay(t *testing.T) {
	s, _, a, b := two(t, testPolicy)
	deliver(t, a, Inbox, 300) // more than one batch
	must[MailboxInfo](t)(a.CreateMailbox(t.Context(), "Other", nil))
	m, o := open(t, a, Inbox), open(t, a, "Other")
	must[CopyResult](t)(m.Copy(t.Context(), []UID{1, 299}, o))
	inOther := make(chan []string)
	go func() {
		n, err := b.Mailbox(context.Background(), Inbox)
		if err != nil {
			t.Error(err)
			inOther <- nil
			return
		}
		defer n.Close()
		inOther <- idsOf(t, n)
	}()
	ids, copies := idsOf(t, m), idsOf(t, o)
	equal(t, "in the other process", <-inOther, ids)
	equal(t, "asked again", idsOf(t, m), ids)
	if ids[0] == copies[0] || len(ids) != 301 || len(copies) != 3 {
		t.Fatalf("ids: %d and %v", len(ids), copies)
	}
	equal(t, "a copy's", strings.Fields(copies[2])[1:], strings.Fields(ids[299])[1:])
	equal(t, "renamed", a.RenameMailbox(t.Context(), "Other", "Another"), nil)
	b.Close()
	second := newSecond(t, s, func(dir string) {
		for _, f := range []string{"index.db", "index.db-wal", "index.db-shm"} {
			os.Remove(filepath.Join(dir, f))
		}
		// Somebody copies a folder with its list of UIDs: a mailbox of its own.
		if err := os.CopyFS(filepath.Join(dir, "Maildir", ".Copied"), os.DirFS(filepath.Join(dir, "Maildir", ".Another"))); err != nil {
			t.Fatal(err)
		}
	})
	c := second.account("a@example.org")
	equal(t, "after the index was lost", idsOf(t, open(t, c, Inbox)), ids)
	one, two := open(t, c, "Another").ID(), open(t, c, "Copied").ID()
	if one == two || one != copies[0] && two != copies[0] {
		t.Errorf("the ids of a mailbox and its copy: %s and %s; it was %s", one, two, copies[0])
	}
	equal(t, "kept in the list", guidOf(ids[0]), must[*disk.UIDList](t)(c.dir.ReadUIDList("")).GUID)
}

func TestThreadsAreNamedByTheirFirst(t *testing.T) {
	s := newTestStore(t)
	a := s.account("a@example.org")
	m := open(t, a, Inbox)
	for _, header := range []string{
		"Message-ID: <1@x>\r\n", "Message-ID: <2@x>\r\nIn-Reply-To: your mail <1@x>\r\n", "References: <1@x> <2@x>\r\n",
		"Subject: a\r\n", "Subject: b\r\n", "References: nonsense\r\nMessage-ID: <3@x>\r\n", "message-id: <3@x>\r\n",
	} {
		must[Delivered](t)(a.Deliver(t.Context(), Inbox, strings.NewReader(header+"\r\n"), DeliverOptions{}))
	}
	refresh(t, m)
	var ids []string
	for _, line := range idsOf(t, m)[1:] {
		ids = append(ids, strings.Fields(line)[2])
	}
	same := func(i, j int) bool { return ids[i-1] == ids[j-1] }
	if !same(1, 2) || !same(1, 3) || same(4, 5) || !same(6, 7) || same(1, 6) {
		t.Error(ids)
	}
}

// Previews are made once, and copies have them at once.
func TestPreviewsAreKept(t *testing.T) {
	s := newTestStore(t)
	a := s.account("a@example.org")
	deliver(t, a, Inbox, 3)
	m, trash := open(t, a, Inbox), open(t, a, "Trash")
	get := func(m *Mailbox, lazy bool) (out []string) {
		t.Helper()
		err := m.Previews(t.Context(), uidsOf(refresh(t, m)), lazy, func(uid UID, text string, known bool) error {
			out = append(out, fmt.Sprint(uid, " ", text, " ", known))
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	equal(t, "lazily", get(m, true), []string{"1  false", "2  false", "3  false"})
	made := get(m, false)
	equal(t, "lazily, once made", get(m, true), made)
	must[CopyResult](t)(m.Copy(t.Context(), []UID{2}, trash))
	if got := get(trash, true); len(got) != 1 || strings.HasSuffix(got[0], "false") {
		t.Errorf("a copy's: %v", got)
	}
}
