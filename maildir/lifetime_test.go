package maildir

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
)

// A mailbox that was given back and unloaded is of no use any more, and does no harm:
// a look for changes may still run when its last session leaves.
func TestUseAfterClose(t *testing.T) {
	a := newTestStore(t).account("a@example.org")
	var left *Mailbox
	for i := range idleMailboxes + 2 {
		name := fmt.Sprint("M", i)
		must[MailboxInfo](t)(a.CreateMailbox(t.Context(), name, nil))
		m := must[*Mailbox](t)(a.Mailbox(t.Context(), name))
		m.Close()
		if i == 0 {
			left = m
		}
	}
	drop(t, a, ".M0", "new", "1700000001.M1P1.host", mail(1))
	deliver(t, a, "M0", 1)
	left.look()
	for what, err := range map[string]error{
		"refresh": second(left.Refresh(t.Context())),
		"rescan":  left.Rescan(t.Context()),
		"store":   second(left.Store(t.Context(), []UID{1}, StoreOp{Flags: []string{`\Seen`}})),
		"expunge": second(left.Expunge(t.Context(), nil)),
		"sizes":   left.learn(t.Context(), nil),
	} {
		if err == nil || errors.Is(err, ErrGone) {
			t.Errorf("%s of an unloaded mailbox: %v", what, err)
		}
	}
	equal(t, "messages", open(t, a, "M0").Snapshot().Len(), 2)
}

func second[T any](_ T, err error) error { return err }

// The mailbox used last stays loaded, whichever were opened first.
func TestLastUsedMailboxStaysLoaded(t *testing.T) {
	a := newTestStore(t).account("a@example.org")
	for i := range idleMailboxes + 1 {
		must[MailboxInfo](t)(a.CreateMailbox(t.Context(), fmt.Sprint("M", i), nil))
		must[*Mailbox](t)(a.Mailbox(t.Context(), fmt.Sprint("M", i))).Close()
	}
	m := must[*Mailbox](t)(a.Mailbox(t.Context(), Inbox))
	m.Close()
	again := open(t, a, Inbox)
	if m != again {
		t.Error("INBOX was unloaded at once")
	}
}

// Accounts that are closed to make room can be opened again at that very moment.
func TestEvictionAndOpening(t *testing.T) {
	s := newTestStore(t)
	s.opts.KeepOpen = 1
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for k := range 15 {
				address := fmt.Sprintf("%c@example.org", 'a'+(i+k)%3)
				a, err := s.Store.Account(t.Context(), address, Policy{})
				if err != nil {
					t.Errorf("%s: %v", address, err)
					return
				}
				if _, err := a.Deliver(t.Context(), Inbox, strings.NewReader(mail(k)), DeliverOptions{}); err != nil {
					t.Errorf("%s: %v", address, err)
				}
				a.Close()
			}
		})
	}
	wg.Wait()
	total := 0
	for _, address := range []string{"a@example.org", "b@example.org", "c@example.org"} {
		total += open(t, s.accountWith(address, Policy{}), Inbox).Snapshot().Len()
	}
	equal(t, "messages", total, 60)
}

// Who watches and who stops watching may do so while others find messages gone.
func TestWatchersComeAndGo(t *testing.T) {
	a := newTestStore(t).account("a@example.org")
	m := open(t, a, Inbox)
	var wg sync.WaitGroup
	wg.Go(func() {
		for range 200 {
			m.Watch(func() {})()
		}
	})
	for i := range 40 {
		drop(t, a, "", "cur", fmt.Sprintf("17000000%02d.M1P1.host:2,", i), mail(i))
		if err := m.Rescan(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	wg.Wait()
}
