package maildir

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"bascule/internal/notify"
	"bascule/locking"
)

// Accounts rest when a test says so, however slow the machine is.
func init() { restAfter = time.Hour }

// quiet lets two ticks pass in which nobody uses an account.
func (s *testStore) quiet() {
	s.t.Helper()
	s.Store.rest()
	s.Store.rest()
}

// rests tells whether nobody has the index open: it has taken its log in, and SQLite has removed it.
func rests(a *Account) bool {
	_, err := os.Stat(filepath.Join(a.store.indexDir(a.address), "index.db-wal"))
	return isMissing(err)
}

func TestQuietAccountClosesItsIndex(t *testing.T) {
	s := newTestStore(t)
	a := s.account("a@example.org")
	deliver(t, a, Inbox, 3)
	m := open(t, a, Inbox)
	s.Store.rest()
	equal(t, "rests after use", rests(a), false)
	s.Store.rest()
	equal(t, "rests", rests(a), true)
	equal(t, "packed", m.Snapshot().chunks[0].opened.Load() == nil, true)

	deliver(t, a, Inbox, 1)
	equal(t, "rests after a delivery", rests(a), false)
	equal(t, "UIDs", uidsOf(m.Snapshot()), []UID{1, 2, 3, 4})
	s.quiet()
	equal(t, "rests again", rests(a), true)
	must[StoreResult](t)(m.Store(t.Context(), []UID{1}, StoreOp{Flags: []string{`\Seen`}}))
	equal(t, "flags", refresh(t, m).At(0).Flags, FlagSeen)
}

// What another process did while the index was closed is seen at the next look, and a change builds on it.
func TestRestMissesNothing(t *testing.T) {
	one, _, a, b := two(t, testPolicy)
	m, n := open(t, a, Inbox), open(t, b, Inbox)
	one.quiet()
	deliver(t, b, Inbox, 2)
	equal(t, "delivered", uidsOf(refresh(t, m)), []UID{1, 2})

	one.quiet()
	must[StoreResult](t)(n.Store(t.Context(), []UID{1}, StoreOp{Flags: []string{`\Deleted`, "later"}}))
	must[MailboxInfo](t)(b.CreateMailbox(t.Context(), "Theirs", nil))
	deliver(t, a, Inbox, 1)
	equal(t, "delivered by us", uidsOf(refresh(t, m)), []UID{1, 2, 3})
	equal(t, "keywords", m.Snapshot().Keywords(), []string{"later"})
	open(t, a, "Theirs")

	one.quiet()
	must[ExpungeResult](t)(n.Expunge(t.Context(), nil))
	equal(t, "expunged", uidsOf(refresh(t, m)), []UID{2, 3})
}

// An account that was removed and made anew by another program while its index was closed is another one: its sessions end, and
// nothing of the old one gets into the new.
func TestRestFindsAnotherAccount(t *testing.T) {
	s := newTestStore(t)
	first := must[*Account](t)(s.Store.Account(t.Context(), "a@example.org", testPolicy))
	second := must[*Account](t)(s.Store.Account(t.Context(), "a@example.org", testPolicy))
	deliver(t, first, Inbox, 3)
	m := open(t, first, Inbox)
	woken := make(chan struct{}, 1)
	cancel := m.Watch(func() {
		select {
		case woken <- struct{}{}:
		default:
		}
	})
	defer cancel()
	s.quiet()

	other := openTestStore(t, s.data, locking.NewInProcess(), notify.NewInProcess())
	must[struct{}](t)(struct{}{}, other.Remove("a@example.org"))
	deliver(t, other.account("a@example.org"), Inbox, 1)

	_, err := m.Refresh(t.Context())
	if !errors.Is(err, ErrReplaced) || !errors.Is(err, ErrClosed) {
		t.Errorf("refresh: %v", err)
	}
	<-woken
	equal(t, "deleted", m.Deleted(), true)
	if _, err := second.Mailbox(t.Context(), Inbox); !errors.Is(err, ErrReplaced) {
		t.Errorf("opening by another session: %v", err)
	}
	m.Close()
	first.Close()

	third := s.account("a@example.org")
	equal(t, "found anew", uidsOf(open(t, third, Inbox).Snapshot()), []UID{1})
	second.Close()
	deliver(t, third, Inbox, 1)
	equal(t, "delivered", uidsOf(open(t, third, Inbox).Snapshot()), []UID{1, 2})
	open, idle := s.Opened()
	equal(t, "open", open, 1)
	equal(t, "idle", idle, 0)
}

// The same for an account that nobody used, but that was still open.
func TestRestFindsAnotherAccountAtLogin(t *testing.T) {
	s := newTestStore(t)
	a := must[*Account](t)(s.Store.Account(t.Context(), "a@example.org", testPolicy))
	deliver(t, a, Inbox, 3)
	a.Close()
	s.quiet()
	other := openTestStore(t, s.data, locking.NewInProcess(), notify.NewInProcess())
	must[struct{}](t)(struct{}{}, other.Remove("a@example.org"))
	deliver(t, other.account("a@example.org"), Inbox, 1)
	equal(t, "found", uidsOf(open(t, s.account("a@example.org"), Inbox).Snapshot()), []UID{1})
}

// withoutIndex calls fn while the index of an account cannot be opened, nor is it missing.
func (s *testStore) withoutIndex(address string, fn func()) {
	s.t.Helper()
	dir := s.indexDir(address)
	must[struct{}](s.t)(struct{}{}, os.Rename(dir, dir+".away"))
	must[struct{}](s.t)(struct{}{}, os.WriteFile(dir, nil, 0o600))
	fn()
	must[struct{}](s.t)(struct{}{}, os.Remove(dir))
	must[struct{}](s.t)(struct{}{}, os.Rename(dir+".away", dir))
}

// openApart opens a store whose indexes are not beside the mail.
func openApart(t *testing.T, data string) *testStore {
	t.Helper()
	st, err := Open(Options{DataDir: data, IndexDir: filepath.Join(data, "index"), Locks: locking.NewInProcess(), Bus: notify.NewInProcess()})
	if err != nil {
		t.Fatal(err)
	}
	s := &testStore{Store: st, t: t, data: data, used: map[string]bool{}}
	t.Cleanup(func() { s.check(); st.Close() })
	return s
}

// A delivery that fails, as the index cannot be opened again in that moment, leaves nothing behind: its sender comes again.
func TestRestThatCannotEndLeavesNoMessage(t *testing.T) {
	s := openApart(t, newTestStore(t).data)
	a := s.account("a@example.org")
	m := open(t, a, Inbox)
	in := must[*spooled](t)(a.spool(t.Context(), m.f, Incoming{R: strings.NewReader(mail(1))}))
	defer in.abort()
	s.quiet()
	s.withoutIndex("a@example.org", func() {
		if err := a.addOne(t.Context(), m.f, in); err == nil || errors.Is(err, ErrReplaced) {
			t.Errorf("add: %v", err)
		}
	})
	deliver(t, a, Inbox, 1)
	equal(t, "messages", refresh(t, m).Len(), 1)
}

// News that could not be looked at in that moment are told a while later, although nothing else happens.
func TestRestThatCannotEndHidesNews(t *testing.T) {
	s := openApart(t, newTestStore(t).data)
	s.lookAgain = time.Millisecond
	other := openApart(t, s.data)
	a, b := s.account("a@example.org"), other.account("a@example.org")
	m := open(t, a, Inbox)
	woken := make(chan struct{}, 1)
	defer m.Watch(func() {
		select {
		case woken <- struct{}{}:
		default:
		}
	})()
	s.quiet()
	deliver(t, b, Inbox, 1)
	s.withoutIndex("a@example.org", m.lookUntilQuiet)
	<-woken
	equal(t, "messages", m.Snapshot().Len(), 1)
}

// restingAll lets the stores' accounts rest over and over until stop is called.
func restingAll(stores ...*testStore) (stop func()) {
	end := make(chan struct{})
	var wg sync.WaitGroup
	for _, s := range stores {
		wg.Go(func() {
			for {
				select {
				case <-end:
					return
				default:
					s.Store.rest()
				}
			}
		})
	}
	return func() { close(end); wg.Wait() }
}

// A session that had begun to open a mailbox is not told that there is none: its mail program would forget all that it has.
func TestRestFindsAnotherAccountWhileAMailboxIsOpened(t *testing.T) {
	s := newTestStore(t)
	a := must[*Account](t)(s.Store.Account(t.Context(), "a@example.org", testPolicy))
	defer a.Close()
	m := must[*Mailbox](t)(a.Attach(t.Context(), Inbox))
	defer m.Close()
	s.quiet()
	must[struct{}](t)(struct{}{}, openTestStore(t, s.data, locking.NewInProcess(), notify.NewInProcess()).Remove("a@example.org"))
	for range 2 {
		if _, err := m.Look(t.Context()); !errors.Is(err, ErrReplaced) {
			t.Errorf("look: %v", err)
		}
	}
}

// Where the file system tells no time of birth, the index of another account may have the number of the one before.
func TestRestFindsAnotherAccountInTheSameFile(t *testing.T) {
	s := newTestStore(t)
	a := must[*Account](t)(s.Store.Account(t.Context(), "a@example.org", testPolicy))
	defer a.Close()
	deliver(t, a, Inbox, 3)
	drop := must[*Maildrop](t)(a.OpenMaildrop(t.Context(), locking.Holder{}, MaildropOptions{}))
	defer drop.Release()
	s.quiet()
	path := filepath.Join(s.indexDir("a@example.org"), "index.db")
	kept := filepath.Join(t.TempDir(), "index.db")
	must[struct{}](t)(struct{}{}, os.Link(path, kept))

	other := openTestStore(t, s.data, locking.NewInProcess(), notify.NewInProcess())
	must[struct{}](t)(struct{}{}, other.Remove("a@example.org"))
	made := must[*Account](t)(other.Store.Account(t.Context(), "a@example.org", testPolicy))
	deliver(t, made, Inbox, 3)
	made.Close()
	other.quiet()
	must[struct{}](t)(struct{}{}, os.WriteFile(kept, must[[]byte](t)(os.ReadFile(path)), 0o600))
	must[struct{}](t)(struct{}{}, os.Rename(kept, path))

	if err := drop.Quit(t.Context(), []int{0, 1, 2}, nil); !errors.Is(err, ErrReplaced) {
		t.Errorf("removing what is in the other account: %v", err)
	}
	equal(t, "left", uidsOf(open(t, s.account("a@example.org"), Inbox).Snapshot()), []UID{1, 2, 3})
}
