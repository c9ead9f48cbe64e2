package maildir

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"bascule/internal/notify"
	"bascule/locking"
)

// entries shows what a user sees of a mailbox's entries, and below them.
func entries(t *testing.T, a *Account, mailbox, user string, names ...string) string {
	t.Helper()
	list, err := a.Entries(t.Context(), mailbox, user, names, -1)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range list {
		out = append(out, fmt.Sprintf("%s=%s", e.Name, e.Value))
	}
	return strings.Join(out, " ")
}

func annotate(t *testing.T, a *Account, mailbox, user string, pairs ...string) int64 {
	t.Helper()
	change, err := a.SetEntries(t.Context(), mailbox, user, entriesOf(pairs))
	if err != nil {
		t.Fatal(err)
	}
	return change
}

// entriesOf makes entries of names and values; "-" is none.
func entriesOf(pairs []string) (set []Entry) {
	for i := 0; i < len(pairs); i += 2 {
		e := Entry{Name: pairs[i]}
		if pairs[i+1] != "-" {
			e.Value = []byte(pairs[i+1])
		}
		set = append(set, e)
	}
	return set
}

const eve = "eve@example.org"

func TestEntriesAreTheirUsers(t *testing.T) {
	s := newTestStore(t)
	a := s.account("a@example.org")
	annotate(t, a, Inbox, a.address, "/private/comment", "mine", "/shared/comment", "ours", "/shared/vendor/x/y", "", "/shared/vendor/x/y/z", "deep")
	annotate(t, a, Inbox, eve, "/private/comment", "hers", "/SHARED/Comment", "by her")
	annotate(t, a, "", a.address, "/private/vendor/x/y", "of the account")
	equal(t, "the owner's", entries(t, a, Inbox, a.address, "/private", "/shared"), "/private/comment=mine /shared/comment=by her /shared/vendor/x/y= /shared/vendor/x/y/z=deep")
	equal(t, "the visitor's", entries(t, a, Inbox, eve, "/private"), "/private/comment=hers")
	equal(t, "the account's", entries(t, a, "", a.address, "/private", "/shared"), "/private/vendor/x/y=of the account")
	equal(t, "of nothing", entries(t, a, "Sent", a.address, "/private/comment", "/shared"), "")
	equal(t, "beside, not below", entries(t, a, Inbox, a.address, "/shared/vendor/x/y/z/", "/shared/com"), "")
	for depth, want := range []int{0, 1, 2} {
		list := must[[]Entry](t)(a.Entries(t.Context(), Inbox, a.address, []string{"/shared/vendor/x"}, depth))
		equal(t, "by depth", len(list), want)
	}
	equal(t, "a change of nothing", annotate(t, a, Inbox, a.address, "/private/comment", "mine", "/private/none", "-"), int64(0))

	must[[]Removed](t)(a.DeleteMailbox(t.Context(), mustCreate(t, a, "Gone")))
	if _, err := a.SetEntries(t.Context(), "Gone", eve, entriesOf([]string{"/private/comment", "x"})); !errors.Is(err, ErrNoMailbox) {
		t.Errorf("in a mailbox that is gone: %v", err)
	}
	must[int](t)(a.Ungrant(t.Context(), eve))
	equal(t, "after the visitor is gone", entries(t, a, Inbox, eve, "/private", "/shared/comment"), "/shared/comment=by her")
}

func mustCreate(t *testing.T, a *Account, name string) string {
	t.Helper()
	return must[MailboxInfo](t)(a.CreateMailbox(t.Context(), name, nil)).Name
}

func TestEntriesAreBounded(t *testing.T) {
	s := newTestStore(t)
	a := s.account("a@example.org")
	var pairs []string
	for i := range maxEntries {
		pairs = append(pairs, fmt.Sprintf("/private/vendor/x/%d", i), "v")
	}
	annotate(t, a, Inbox, a.address, pairs...)
	annotate(t, a, Inbox, a.address, "/private/vendor/x/0", "another") // is there already
	annotate(t, a, Inbox, a.address, "/shared/comment", "x")           // counted apart
	annotate(t, a, Inbox, eve, pairs...)                               // likewise
	for _, set := range [][]string{{"/private/comment", "x"}, {"/private/vendor/x/1", "changed", "/private/comment", "x"}} {
		if _, err := a.SetEntries(t.Context(), Inbox, a.address, entriesOf(set)); !errors.Is(err, ErrTooManyEntries) {
			t.Errorf("one more: %v", err)
		}
	}
	equal(t, "unchanged", entries(t, a, Inbox, a.address, "/private/vendor/x/1"), "/private/vendor/x/1=v")
	annotate(t, a, Inbox, a.address, "/private/vendor/x/1", "-", "/private/comment", "x")

	// All mailboxes together have room for so many octets.
	big := strings.Repeat("x", MaxEntryValue)
	var err error
	n := 0
	for ; err == nil && n < 100; n++ {
		name := Inbox
		if n%2 == 0 {
			name = "Trash"
		}
		_, err = a.SetEntries(t.Context(), name, a.address, entriesOf([]string{fmt.Sprintf("/shared/vendor/x/%d", n), big}))
	}
	if !errors.Is(err, ErrTooManyEntries) || n < maxEntryOctets/MaxEntryValue-1 || n > maxEntryOctets/MaxEntryValue {
		t.Errorf("%d of the longest values: %v", n, err)
	}
	annotate(t, a, "Trash", a.address, "/shared/vendor/x/0", "-") // less is always possible
}

// Another process hears of changes by a nudge and asks what they were; names of removed entries are among them, not without end.
func TestChangedEntriesReachTheOtherProcess(t *testing.T) {
	bus := notify.NewInProcess()
	defer bus.Close()
	one := newTestStore(t)
	first := openTestStore(t, one.data, locking.NewInProcess(), bus)
	second := openTestStore(t, one.data, locking.NewInProcess(), bus)
	a, b := first.account("a@example.org"), second.account("a@example.org")
	var woken atomic.Int64
	defer b.WatchEntries(func() { woken.Add(1) })()
	since := func(change int64, user string) (out []string, last int64) {
		t.Helper()
		list, last, err := b.EntriesSince(t.Context(), change, user)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range list {
			out = append(out, fmt.Sprintf("%s %s %d", e.Mailbox, e.Name, e.Change))
		}
		return out, last
	}
	equal(t, "first", annotate(t, a, Inbox, a.address, "/private/comment", "x", "/shared/comment", "x"), int64(1))
	equal(t, "woken", woken.Load(), int64(1))
	list, last := since(0, a.address)
	equal(t, "since the beginning", list, []string{"INBOX /private/comment 1", "INBOX /shared/comment 1"})
	equal(t, "last", last, int64(1))
	list, _ = since(0, eve)
	equal(t, "for a visitor", list, []string{"INBOX /shared/comment 1"})
	annotate(t, a, Inbox, a.address, "/private/comment", "-")
	annotate(t, a, "", a.address, "/private/vendor/x/y", "x")
	annotate(t, a, "Trash", a.address, EntrySpecialUse, "")
	a.NudgeServerEntries()
	equal(t, "woken", woken.Load(), int64(5))
	list, last = since(last, a.address)
	equal(t, "then", list, []string{"INBOX /private/comment 2", " /private/vendor/x/y 3", "Trash /private/specialuse 4"})
	equal(t, "last", last, int64(4))
	if err := b.RenameMailbox(t.Context(), "Trash", "Bin"); err != nil {
		t.Fatal(err)
	}
	equal(t, "set", annotate(t, a, "Bin", a.address, EntrySpecialUse, `\Trash`), int64(5))
	list, _ = since(last, a.address)
	equal(t, "under its new name", list, []string{"Bin /private/specialuse 5"})
	equal(t, "special use", entries(t, b, "Bin", a.address, "/private"), `/private/specialuse=\Trash`)

	for i := 0; i < keepRemovedEntries+50; i += 50 {
		var add, remove []string
		for n := range 50 {
			name := fmt.Sprintf("/private/vendor/x/%d", i+n)
			add, remove = append(add, name, "x"), append(remove, name, "-")
		}
		annotate(t, a, Inbox, a.address, add...)
		annotate(t, a, Inbox, a.address, remove...)
	}
	list, _ = since(last+1, a.address)
	if len(list) != keepRemovedEntries {
		t.Errorf("%d names of removed entries are kept", len(list))
	}
}

// FuzzEntryWithin: what the index finds below a name, and what EntryWithin says of it, is the same.
func FuzzEntryWithin(f *testing.F) {
	data := f.TempDir()
	if err := Create(data); err != nil {
		f.Fatal(err)
	}
	s, err := Open(Options{DataDir: data, Locks: locking.NewInProcess(), Bus: notify.NewInProcess()})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { s.Close() })
	a, err := s.Account(f.Context(), "a@example.org", testPolicy)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(a.Close)
	f.Add("/shared/Vendor/x/y", "/shared/vendor", byte(1))
	f.Add("/shared/vendor/x/y", "/shared/vendor/x/y", byte(0))
	f.Add("/shared/vendors", "/shared/vendor", byte(2))
	f.Add("/shared/vendor0", "/shared/vendor/", byte(2))
	f.Add("", "1", byte(0))
	f.Fuzz(func(t *testing.T, entry, name string, depth byte) {
		for _, s := range []string{entry, name} {
			if strings.ContainsFunc(s, func(r rune) bool { return r == 0 || r >= 0x80 }) || strings.HasSuffix(s, "/") || IsPrivate(s) || IsPrivate(s+"/") {
				t.Skip("not what imap lets through")
			}
		}
		want := int(depth%4) - 1
		annotate(t, a, Inbox, a.address, entry, "x")
		list := must[[]Entry](t)(a.Entries(t.Context(), Inbox, a.address, []string{name}, want))
		annotate(t, a, Inbox, a.address, entry, "-")
		if got := len(list) == 1; got != EntryWithin(entry, name, want) {
			t.Errorf("%q is found below %q, %d levels: %v", entry, name, want, got)
		}
	})
}

// RENAME of INBOX copies its entries, but to no more than there is room for: the text beside the mail must stay readable.
func TestCopiedEntriesAreBounded(t *testing.T) {
	s := newTestStore(t)
	a := s.account("a@example.org")
	big := strings.Repeat("x", MaxEntryValue)
	for _, user := range []string{a.address, eve} {
		for i := range 20 {
			annotate(t, a, Inbox, user, fmt.Sprintf("/private/vendor/x/%d", i), big)
		}
	}
	annotate(t, a, Inbox, a.address, "/shared/comment", "ours")
	for i := range 4 {
		if err := a.RenameMailbox(t.Context(), Inbox, fmt.Sprintf("Old%d", i)); err != nil {
			t.Fatal(err)
		}
	}
	for _, user := range []string{a.address, eve, ""} {
		var octets int64
		if err := a.read(t.Context(), func(tx tx) (err error) {
			_, _, octets, err = tx.CountEntries(0, user)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if octets > maxEntryOctets {
			t.Errorf("%q has %d octets of entries", user, octets)
		}
	}
	for i, copied := range []int{20, 0, 0, 0} {
		list := must[[]Entry](t)(a.Entries(t.Context(), fmt.Sprintf("Old%d", i), a.address, []string{"/private"}, -1))
		equal(t, "copied", len(list), copied)
	}
	equal(t, "small ones", entries(t, a, "Old3", a.address, "/shared"), "/shared/comment=ours")
}
