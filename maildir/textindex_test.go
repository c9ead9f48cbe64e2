package maildir

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"bascule/internal/notify"
	"bascule/locking"
	"bascule/maildir/disk"
	"bascule/maildir/search"
)

var indexed = Policy{TextIndex: TextIndexOn}

func addText(t *testing.T, a *Account, mailbox, text string) {
	t.Helper()
	must[Delivered](t)(a.Deliver(t.Context(), mailbox, strings.NewReader("Subject: s\r\n\r\n"+text+"\r\n"), DeliverOptions{}))
}

func fillTexts(t *testing.T, a *Account) {
	t.Helper()
	if more := must[bool](t)(a.FillTexts(t.Context(), false)); more {
		t.Fatal("not filled")
	}
}

// mayHave lists the messages that may have a text.
func mayHave(t *testing.T, m *Mailbox, text string) (uids []UID) {
	t.Helper()
	h := m.FindTexts(t.Context(), []string{text}, false)
	for _, msg := range m.Snapshot().All() {
		if !h.Lacks(0, msg.UID) {
			uids = append(uids, msg.UID)
		}
	}
	return uids
}

func TestTextIndexNarrowsASearch(t *testing.T) {
	s := newTestStore(t)
	a := s.accountWith("a@example.org", indexed)
	for _, text := range []string{"alpha quokka", "beta", "gamma"} {
		addText(t, a, Inbox, text)
	}
	m := open(t, a, Inbox)
	equal(t, "without an index", mayHave(t, m, "quokka"), []UID{1, 2, 3})
	fillTexts(t, a)
	equal(t, "with it", mayHave(t, m, "quokka"), []UID{1})
	equal(t, "too short", mayHave(t, m, "qu"), []UID{1, 2, 3})
	addText(t, a, Inbox, "delta")
	equal(t, "not indexed yet", mayHave(t, refreshed(t, m), "quokka"), []UID{1, 4})
	addText(t, a, Inbox, strings.Repeat("large ", search.MaxText/6))
	fillTexts(t, a)
	equal(t, "too large to be indexed", mayHave(t, refreshed(t, m), "quokka"), []UID{1, 5})
	info := must[TextIndexInfo](t)(a.TextIndex(t.Context()))
	if info.Messages != 4 || info.Unread != 1 || info.Bytes == 0 || info.Mode != TextIndexOn {
		t.Errorf("%+v", info)
	}
	if usage := must[Usage](t)(a.Usage(t.Context())); usage.Bytes != m.Snapshot().disk {
		t.Errorf("the quota counts %d of %d", usage.Bytes, m.Snapshot().disk)
	}
	a.SetPolicy(Policy{TextIndex: TextIndexOff})
	equal(t, "switched off", mayHave(t, m, "quokka"), []UID{1, 2, 3, 4, 5})
}

func refreshed(t *testing.T, m *Mailbox) *Mailbox {
	t.Helper()
	refresh(t, m)
	return m
}

// rowsOf lists the messages that have a row.
func rowsOf(t *testing.T, a *Account, m *Mailbox) (uids []uint32) {
	t.Helper()
	db := must[*search.DB](t)(a.texts.acquire(t.Context()))
	defer a.texts.release()
	if err := db.Read(t.Context(), func(tx search.Tx) error { return tx.Rows(m.folderID, func(uid uint32) { uids = append(uids, uid) }) }); err != nil {
		t.Fatal(err)
	}
	return uids
}

func TestRemovedMessagesLeaveTheTextIndex(t *testing.T) {
	s := newTestStore(t)
	a := s.accountWith("a@example.org", indexed)
	deliver(t, a, Inbox, 5)
	must[MailboxInfo](t)(a.CreateMailbox(t.Context(), "Gone", nil))
	addText(t, a, "Gone", "quokka")
	m := open(t, a, Inbox)
	fillTexts(t, a)
	must[StoreResult](t)(m.Store(t.Context(), []UID{2, 3}, StoreOp{Mode: StoreAdd, Flags: []string{`\Deleted`}}))
	must[ExpungeResult](t)(m.Expunge(t.Context(), nil))
	if _, err := a.DeleteMailbox(t.Context(), "Gone"); err != nil {
		t.Fatal(err)
	}
	equal(t, "before", rowsOf(t, a, m), []uint32{1, 2, 3, 4, 5})
	fillTexts(t, a)
	equal(t, "after", rowsOf(t, a, m), []uint32{1, 4, 5})
	if info := must[TextIndexInfo](t)(a.TextIndex(t.Context())); info.Messages != 3 {
		t.Errorf("%+v", info)
	}
}

// A message that comes back with its UID is found: its row was kept, although it was gone when the index was swept.
func TestComebacksAreFound(t *testing.T) {
	s := newTestStore(t)
	a := s.accountWith("a@example.org", indexed)
	addText(t, a, Inbox, "quokka")
	deliver(t, a, Inbox, 2)
	m := open(t, a, Inbox)
	fillTexts(t, a)
	p := a.dir.PathOf(m.Snapshot().Find(1).place(""))
	if err := os.Rename(p, p+".away"); err != nil {
		t.Fatal(err)
	}
	away := strings.Replace(p, "/cur/", "/tmp/", 1)
	if err := os.Rename(p+".away", away); err != nil {
		t.Fatal(err)
	}
	if err := m.Rescan(t.Context()); err != nil {
		t.Fatal(err)
	}
	equal(t, "gone", uidsOf(m.Snapshot()), []UID{2, 3})
	fillTexts(t, a)
	if err := os.Rename(away, p); err != nil {
		t.Fatal(err)
	}
	if err := m.Rescan(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, back := m.Snapshot().Index(1); !back {
		t.Fatal("it has another UID")
	}
	equal(t, "found", mayHave(t, m, "quokka"), []UID{1})
}

// So is one that was gone when the index was filled past its UID.
func TestComebacksFromBeforeTheFillAreFound(t *testing.T) {
	s := newTestStore(t)
	a := s.accountWith("a@example.org", indexed)
	addText(t, a, Inbox, "quokka")
	deliver(t, a, Inbox, 2)
	m := open(t, a, Inbox)
	p := a.dir.PathOf(m.Snapshot().Find(1).place(""))
	away := strings.Replace(p, "/cur/", "/tmp/", 1)
	if err := os.Rename(p, away); err != nil {
		t.Fatal(err)
	}
	if err := m.Rescan(t.Context()); err != nil {
		t.Fatal(err)
	}
	equal(t, "gone", uidsOf(m.Snapshot()), []UID{2, 3})
	fillTexts(t, a)
	if err := os.Rename(away, p); err != nil {
		t.Fatal(err)
	}
	if err := m.Rescan(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, back := m.Snapshot().Index(1); !back {
		t.Fatal("it has another UID")
	}
	equal(t, "found", mayHave(t, m, "quokka"), []UID{1})
}

// An index of messages that is made anew may give a message that was removed its UID back: what the text index swept is not believed.
func TestTextIndexOfALostIndexIsNotBelieved(t *testing.T) {
	for name, lose := range map[string]func(path string) error{
		"lost":    func(path string) error { os.Remove(path + "-wal"); os.Remove(path + "-shm"); return os.Remove(path) },
		"damaged": func(path string) error { return os.WriteFile(path, []byte(strings.Repeat("garbage ", 4096)), 0o600) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newTestStore(t)
			first := must[*Store](t)(Open(Options{DataDir: s.data, Locks: locking.NewInProcess(), Bus: s.opts.Bus}))
			a := must[*Account](t)(first.Account(t.Context(), "a@example.org", indexed))
			addText(t, a, Inbox, "quokka")
			deliver(t, a, Inbox, 2)
			m := must[*Mailbox](t)(a.Mailbox(t.Context(), Inbox))
			fillTexts(t, a)
			p := a.dir.PathOf(m.Snapshot().Find(1).place(""))
			data := must[[]byte](t)(os.ReadFile(p))
			must[StoreResult](t)(m.Store(t.Context(), []UID{1}, StoreOp{Mode: StoreAdd, Flags: []string{`\Deleted`}}))
			must[ExpungeResult](t)(m.Expunge(t.Context(), nil))
			fillTexts(t, a)
			equal(t, "swept", rowsOf(t, a, m), []uint32{2, 3})
			path := filepath.Join(s.indexDir("a@example.org"), "index.db")
			m.Close()
			a.Close()
			first.Close()
			if err := lose(path); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(p, data, 0o600); err != nil {
				t.Fatal(err)
			}
			a = s.accountWith("a@example.org", indexed)
			m = open(t, a, Inbox)
			equal(t, "back", uidsOf(m.Snapshot()), []UID{1, 2, 3})
			equal(t, "may have it", mayHave(t, m, "quokka"), []UID{1, 2, 3})
			fillTexts(t, a)
			equal(t, "found", mayHave(t, m, "quokka"), []UID{1})
		})
	}
}

// A lost or damaged index costs nothing but time, and one of another mailbox of the same id is not believed.
func TestTextIndexIsMadeAnew(t *testing.T) {
	for name, damage := range map[string]func(path string){
		"lost":    func(path string) { os.Remove(path) },
		"cut":     func(path string) { os.Truncate(path, 5000) },
		"garbage": func(path string) { os.WriteFile(path, []byte(strings.Repeat("garbage ", 4096)), 0o600) },
		"foreign": func(path string) {
			db := must[*search.DB](t)(search.Open(t.Context(), path))
			defer db.Close()
			err := db.Write(t.Context(), func(tx search.Tx) error {
				return tx.Save(search.Folder{ID: 1, ObjectID: "of another", UIDValidity: 1, Below: 5})
			})
			if err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newTestStore(t)
			first := must[*Store](t)(Open(Options{DataDir: s.data, Locks: locking.NewInProcess(), Bus: s.opts.Bus}))
			a := must[*Account](t)(first.Account(t.Context(), "a@example.org", indexed))
			addText(t, a, Inbox, "quokka")
			deliver(t, a, Inbox, 3)
			fillTexts(t, a)
			path := a.texts.path
			a.Close()
			first.Close()
			damage(path)
			a = s.accountWith("a@example.org", indexed)
			m := open(t, a, Inbox)
			if got := mayHave(t, m, "quokka"); !slices.Contains(got, 1) {
				t.Fatalf("not found: %v", got)
			}
			a.FillTexts(t.Context(), false) // may find the damage, and remove the file
			fillTexts(t, a)
			equal(t, "made anew", mayHave(t, m, "quokka"), []UID{1})
			if err := a.RebuildTexts(t.Context()); err != nil {
				t.Fatal(err)
			}
			equal(t, "rebuilt", mayHave(t, m, "quokka"), []UID{1})
		})
	}
}

// Who puts an older index.db back, alone or with the mail of then, beside the text index of now, finds everything: UIDs that were given since may be
// given to other messages, and messages are there again whose rows are gone.
func TestATextIndexIsNotBelievedBesideAnOlderIndex(t *testing.T) {
	for name, mailToo := range map[string]bool{"alone": false, "with the mail": true} {
		t.Run(name, func(t *testing.T) {
			s := newTestStore(t)
			opened := func(fn func(a *Account)) {
				st := must[*Store](t)(Open(Options{DataDir: s.data, Locks: locking.NewInProcess(), Bus: s.opts.Bus}))
				defer st.Close()
				a := must[*Account](t)(st.Account(t.Context(), "a@example.org", indexed))
				defer a.Close()
				fn(a)
			}
			dir := disk.AccountDir(s.data, "a@example.org")
			kept := t.TempDir()
			opened(func(a *Account) {
				addText(t, a, Inbox, "quokka")
				deliver(t, a, Inbox, 2)
				fillTexts(t, a)
			})
			names := []string{"index.db"}
			if mailToo {
				names = append(names, "Maildir")
			}
			for _, name := range names {
				if out, err := exec.Command("cp", "-a", filepath.Join(dir, name), kept).CombinedOutput(); err != nil {
					t.Fatalf("%v: %s", err, out)
				}
			}
			opened(func(a *Account) {
				m := open(t, a, Inbox)
				deliver(t, a, Inbox, 3)
				must[StoreResult](t)(m.Store(t.Context(), []UID{1, 4, 5, 6}, StoreOp{Mode: StoreAdd, Flags: []string{`\Deleted`}}))
				fillTexts(t, a)
				must[ExpungeResult](t)(m.Expunge(t.Context(), nil))
				must[bool](t)(a.FillTexts(t.Context(), false)) // sweeps
			})
			for _, suffix := range []string{"-wal", "-shm"} {
				if err := os.Remove(filepath.Join(dir, "index.db") + suffix); err != nil && !isMissing(err) {
					t.Fatal(err)
				}
			}
			for _, name := range names {
				if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
					t.Fatal(err)
				}
				if out, err := exec.Command("cp", "-a", filepath.Join(kept, name), dir).CombinedOutput(); err != nil {
					t.Fatalf("%v: %s", err, out)
				}
			}
			if !mailToo {
				// The list of UIDs is lost as well, which else remembers those that were given.
				if err := os.Remove(filepath.Join(dir, "Maildir", "dovecot-uidlist")); err != nil {
					t.Fatal(err)
				}
			}
			a := s.accountWith("a@example.org", indexed)
			for range 4 {
				addText(t, a, Inbox, "quokka")
			}
			m := open(t, a, Inbox)
			check := func(when string) {
				t.Helper()
				got := mayHave(t, m, "quokka")
				for _, msg := range m.Snapshot().All() {
					body := must[*Body](t)(m.Open(t.Context(), msg))
					b := must[[]byte](t)(io.ReadAll(body.Section(0, body.Size())))
					body.Close()
					if strings.Contains(string(b), "quokka") && !slices.Contains(got, msg.UID) {
						t.Errorf("%s: UID %d is not found", when, msg.UID)
					}
				}
			}
			check("before it is filled")
			fillTexts(t, a)
			check("when it is filled")
		})
	}
}

// A stranger who changes a file makes its row worthless.
func TestChangedFilesAreRead(t *testing.T) {
	s := newTestStore(t)
	a := s.accountWith("a@example.org", indexed)
	addText(t, a, Inbox, "one")
	m := open(t, a, Inbox)
	fillTexts(t, a)
	equal(t, "before", mayHave(t, m, "quokka"), []UID(nil))
	msg := m.Snapshot().At(0)
	if err := os.WriteFile(a.dir.PathOf(msg.place("")), []byte("Subject: s\r\n\r\nanother text with a quokka\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	b := must[*Body](t)(m.Open(t.Context(), msg))
	b.Close()
	equal(t, "after", mayHave(t, m, "quokka"), []UID{1})
}

// Two processes: what one indexes the other uses, what one removes the other sweeps.
func TestTwoProcessesShareTheTextIndex(t *testing.T) {
	_, _, a, b := two(t, Policy{TextIndex: TextIndexOn})
	m, n := open(t, a, Inbox), open(t, b, Inbox)
	for i := range 20 {
		addText(t, []*Account{a, b}[i%2], Inbox, fmt.Sprintf("number %d of the quokkas", i))
		if i%5 == 0 {
			fillTexts(t, []*Account{b, a}[i/5%2])
		}
	}
	fillTexts(t, a)
	for i, box := range []*Mailbox{refreshed(t, m), refreshed(t, n)} {
		equal(t, fmt.Sprint("process ", i), mayHave(t, box, "number 7 of"), []UID{8})
	}
	must[StoreResult](t)(n.Store(t.Context(), []UID{8}, StoreOp{Mode: StoreAdd, Flags: []string{`\Deleted`}}))
	must[ExpungeResult](t)(n.Expunge(t.Context(), nil))
	fillTexts(t, a)
	if slices.Contains(rowsOf(t, b, n), 8) {
		t.Error("its row is left")
	}
	// The right to fill is one process's at a time.
	if !a.lock.TryFill() {
		t.Fatal("nobody fills, and it cannot be had")
	}
	if _, err := b.FillTexts(t.Context(), false); err != errFilling {
		t.Errorf("both fill: %v", err)
	}
	a.lock.EndFill()
}

// Killed between any two batches, or with the file gone at any moment, the index never hides a message.
func TestKilledFillersHideNothing(t *testing.T) {
	s := newTestStore(t)
	a := s.accountWith("a@example.org", Policy{TextIndex: TextIndexOff})
	const n = fillMessages*2 + 10
	m := open(t, a, Inbox)
	var in []Incoming
	for i := range n {
		text := "text " + fmt.Sprint(i)
		if i%50 == 0 {
			text += " quokka"
		}
		in = append(in, Incoming{R: strings.NewReader("Subject: s\r\n\r\n" + text + "\r\n")})
	}
	if _, err := m.Append(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	a.SetPolicy(Policy{TextIndex: TextIndexAuto})
	var want []UID
	for i := 0; i < n; i += 50 {
		want = append(want, UID(i+1))
	}
	for range 4 {
		victim := must[*Store](t)(Open(Options{DataDir: s.data, Locks: locking.NewInProcess(), Bus: s.opts.Bus}))
		v := must[*Account](t)(victim.Account(t.Context(), "a@example.org", Policy{TextIndex: TextIndexAuto}))
		db := must[*search.DB](t)(search.Open(t.Context(), v.texts.path))
		f := filler{a: v, db: db}
		box := must[*Mailbox](t)(v.Mailbox(t.Context(), Inbox))
		snap := box.Snapshot()
		var have search.Folder
		if err := db.Read(t.Context(), func(tx search.Tx) (err error) {
			have, err = tx.Folder(box.folderID, box.id, snap.UIDValidity())
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if have.Below < uint32(snap.UIDNext()) {
			below := must[UID](t)(f.gather(t.Context(), box, snap, UID(have.Below)))
			if err := f.commit(t.Context(), have, below, snap.HighestModSeq()); err != nil {
				t.Fatal(err)
			}
		}
		db.Close()
		box.Close()
		v.Close()
		victim.Close() // as a kill would: nothing of it is in memory
		may := mayHave(t, m, "quokka")
		for _, uid := range want {
			if !slices.Contains(may, uid) {
				t.Fatalf("UID %d is hidden", uid)
			}
		}
	}
	equal(t, "at the end", mayHave(t, m, "quokka"), want)
}

// A delivery has the index filled by itself, a search of many messages begins one, and one that is switched off goes.
func TestTextIndexIsFilledInTheBackground(t *testing.T) {
	s := newTestStore(t)
	filled := make(chan struct{}, 100)
	s.fill.delay, s.fill.onFilled = 0, func() { filled <- struct{}{} }
	a := s.accountWith("a@example.org", indexed)
	for {
		deliver(t, a, Inbox, 1)
		<-filled
		if info := must[TextIndexInfo](t)(a.TextIndex(t.Context())); info.Messages > 0 {
			break
		}
	}
	auto := Policy{TextIndex: TextIndexAuto}
	b := s.accountWith("b@example.org", auto)
	m := open(t, b, Inbox)
	var in []Incoming
	for i := range beginTexts {
		in = append(in, Incoming{R: strings.NewReader(mail(i))})
	}
	must[AppendResult](t)(m.Append(t.Context(), in))
	m.FindTexts(t.Context(), []string{"quokka"}, false) // a search that need not read bodies
	if b.texts.exists() {
		t.Error("an index was begun for nothing")
	}
	m.FindTexts(t.Context(), []string{"quokka"}, true)
	for {
		<-filled
		if info := must[TextIndexInfo](t)(b.TextIndex(t.Context())); info.Messages == beginTexts {
			break
		}
	}
	if may := mayHave(t, m, "body of 77\r"); !slices.Contains(may, 78) || len(may) > beginTexts/50 {
		t.Errorf("found %v", may)
	}
}

// An index that is switched off goes when its account is next opened.
func TestSwitchedOffTextIndexesGo(t *testing.T) {
	s := newTestStore(t)
	first := must[*Store](t)(Open(Options{DataDir: s.data, Locks: locking.NewInProcess(), Bus: s.opts.Bus}))
	a := must[*Account](t)(first.Account(t.Context(), "a@example.org", Policy{TextIndex: TextIndexAuto}))
	deliver(t, a, Inbox, 1)
	fillTexts(t, a)
	gone := make(chan struct{}, 100)
	s.fill.delay, s.fill.onFilled = 0, func() { gone <- struct{}{} }
	b := s.accountWith("a@example.org", Policy{})
	<-gone
	if !b.texts.exists() {
		t.Error("it was removed although another process has the account open")
	}
	a.Close()
	first.Close()
	if was := must[bool](t)(b.dropTexts()); !was || b.texts.exists() {
		t.Error("it is still there")
	}
}

// An opening while another process delivers and indexes does not take the text index for a newer one.
func TestTextIndexOpenedWhileOthersFill(t *testing.T) {
	data := fastDir(t)
	if err := Create(data); err != nil {
		t.Fatal(err)
	}
	one := openTestStore(t, data, locking.NewInProcess(), notify.NewInProcess())
	a := one.accountWith("a@example.org", indexed)
	deliver(t, a, Inbox, 1)
	fillTexts(t, a)
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		for ctx.Err() == nil {
			deliver(t, a, Inbox, 1)
			if _, err := a.FillTexts(t.Context(), false); err != nil {
				t.Error(err)
			}
		}
	})
	var said bytes.Buffer
	for range 300 {
		other, err := Open(Options{DataDir: data, Locks: locking.NewInProcess(), Bus: notify.NewInProcess(), Log: slog.New(slog.NewTextHandler(&said, nil))})
		if err != nil {
			t.Fatal(err)
		}
		b, err := other.Account(t.Context(), "a@example.org", indexed)
		if err == nil {
			_, err = b.Mailboxes(t.Context())
			b.Close()
		}
		if err := errors.Join(err, other.Close()); err != nil {
			t.Error(err)
		}
	}
	stop()
	wg.Wait()
	if strings.Contains(said.String(), "older") {
		t.Error(said.String())
	}
}
