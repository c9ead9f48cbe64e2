package accounts_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"bascule/internal/accounts"
)

// fakeSource is a source under the test's thumb.
type fakeSource struct {
	mu      sync.Mutex
	bad     map[accounts.Address]error
	entries map[accounts.Address]accounts.Entry
	err     error
	hang    bool
	asked   int
}

func (f *fakeSource) Name() string { return "Fake" }
func (f *fakeSource) Close() error { return nil }

func (f *fakeSource) Find(ctx context.Context, a accounts.Address) (accounts.Entry, error) {
	f.mu.Lock()
	f.asked++
	e, ok := f.entries[a]
	err, hang := f.err, f.hang
	f.mu.Unlock()
	if hang {
		<-ctx.Done()
		return accounts.Entry{}, ctx.Err()
	}
	if err == nil {
		err = f.bad[a]
	}
	if err == nil && !ok {
		err = accounts.ErrNotFound
	}
	return e, err
}

func (f *fakeSource) Changes(context.Context) (string, error) { return "", f.err }

func (f *fakeSource) set(a accounts.Address, password string, settings map[accounts.Key]string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.entries[a] = accounts.Entry{Password: password, Settings: settings}
}

func openForeign(t *testing.T, opts accounts.Options) (*accounts.DB, *fakeSource) {
	f := &fakeSource{entries: map[accounts.Address]accounts.Entry{}}
	opts.Source = f
	return openAt(t, filepath.Join(t.TempDir(), "accounts.db"), opts), f
}

// What the source owns wins and is not set here; all else is as without a source.
func TestSourceOwnsWhatItGives(t *testing.T) {
	db, f := openForeign(t, accounts.Options{})
	ctx, scope := t.Context(), accounts.AccountScope(anna)
	f.set(anna, "{PLAIN}x", map[accounts.Key]string{accounts.KeyProtocols: "imap", accounts.KeyQuotaBytes: "7", accounts.KeySearchIndex: "off"})

	// Before anybody logged in: the setting is the source's, and others can be set.
	if _, err := db.SetProtocols(ctx, "op", scope, accounts.POP3); !errors.Is(err, accounts.ErrForeign) || !strings.Contains(err.Error(), "comes from Fake") {
		t.Errorf("a setting of the source: %v", err)
	}
	if _, err := db.Schedule(ctx, "op", scope, accounts.POP3, time.Now()); !errors.Is(err, accounts.ErrForeign) {
		t.Errorf("a scheduled one: %v", err)
	}
	_, err := db.Set(ctx, "op", scope, map[accounts.Key]string{accounts.KeyQuotaMessages: "9", accounts.KeyIMAPHide: "qresync, notify"})
	must(t, err)
	e, err := db.Lookup(ctx, anna)
	if err != nil || e.Protocols != accounts.IMAP || e.ProtocolsFrom != accounts.FromSource || e.QuotaBytes != 7 || e.QuotaMessages != 9 ||
		e.SearchIndex != accounts.SearchIndexOff || e.IMAPHide != "QRESYNC NOTIFY" {
		t.Errorf("%+v, %v", e, err)
	}

	f.set(anna, "{PLAIN}x", map[accounts.Key]string{accounts.KeyIMAPHide: "none", accounts.KeyShared: "true"})
	if e, _ := db.Lookup(ctx, anna); e.IMAPHide != "" || !e.Shared {
		t.Errorf("%+v", e)
	}

	// Given up by the source, it is Bascule's again; a domain's setting holds too.
	f.set(anna, "{PLAIN}x", nil)
	_, err = db.SetProtocols(ctx, "op", accounts.DomainScope("example.org"), accounts.POP3)
	must(t, err)
	if e, _ := db.Lookup(ctx, anna); e.Protocols != accounts.POP3 || e.ProtocolsFrom != accounts.FromDomain {
		t.Errorf("%+v", e)
	}

	// Suspended there or here: suspended.
	f.set(anna, "{PLAIN}x", map[accounts.Key]string{accounts.KeyStatus: "suspended", accounts.KeyStatusReason: "unpaid"})
	if e, _ := db.Lookup(ctx, anna); e.Status != accounts.Suspended || e.StatusReason != "unpaid" {
		t.Errorf("%+v", e)
	}
	acc, err := db.Account(ctx, anna)
	if err != nil || acc.Source != "Fake" || acc.Scheme != "PLAIN" || acc.SCRAM || acc.Status != accounts.Suspended {
		t.Errorf("%+v, %v", acc, err)
	}
}

func TestSourceKeepsItsAccounts(t *testing.T) {
	db, f := openForeign(t, accounts.Options{})
	ctx := t.Context()
	f.set(anna, "{PLAIN}x", nil)
	for what, err := range map[string]error{
		"add": db.AddAccount(ctx, "op", "new@example.org", accounts.Clear("x")), "password": db.SetPassword(ctx, "op", anna, accounts.Clear("x")),
		"delete": db.DeleteAccount(ctx, "op", anna),
	} {
		if !errors.Is(err, accounts.ErrForeign) || !strings.Contains(err.Error(), "Fake") {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := db.Lookup(ctx, anna); err != nil {
		t.Fatal(err)
	}
	// What is gone there can be seen, and its rules taken away here.
	delete(f.entries, anna)
	if _, err := db.Lookup(ctx, anna); !errors.Is(err, accounts.ErrNotFound) {
		t.Errorf("deleted in the source: %v", err)
	}
	list, err := db.Accounts(ctx, accounts.AccountQuery{})
	if err != nil || len(list) != 1 || list[0].Source != "Fake, but it is gone there" {
		t.Errorf("%+v, %v", list, err)
	}
	must(t, db.DeleteAccount(ctx, "op", anna))
}

// An entry that cannot be used concerns itself alone; the source is not down for it.
func TestBadEntry(t *testing.T) {
	db, f := openForeign(t, accounts.Options{})
	f.set(anna, "{DES}x", nil)
	if ok, err := db.Verify(t.Context(), anna, "x"); ok || !errors.Is(err, accounts.ErrScheme) {
		t.Errorf("%v, %v", ok, err)
	}
	f.set("bert@example.org", "{PLAIN}x", nil)
	if ok, err := db.Verify(t.Context(), "bert@example.org", "x"); !ok || err != nil {
		t.Errorf("%v, %v", ok, err)
	}
	if ok, err := db.Verify(t.Context(), "bert@example.org", ""); ok || err != nil {
		t.Errorf("an empty password: %v, %v", ok, err)
	}
}

// One entry with a value that cannot be does not hide the others from a list.
func TestListWithBadEntry(t *testing.T) {
	db, f := openForeign(t, accounts.Options{})
	for _, a := range []accounts.Address{anna, "bert@example.org"} {
		f.set(a, "{PLAIN}x", nil)
		_, err := db.Lookup(t.Context(), a)
		must(t, err)
	}
	f.bad = map[accounts.Address]error{anna: accounts.ErrBadValue}
	if _, err := db.Lookup(t.Context(), anna); !errors.Is(err, accounts.ErrBadValue) {
		t.Errorf("a value that cannot be: %v", err)
	}
	list, err := db.Accounts(t.Context(), accounts.AccountQuery{})
	if err != nil || len(list) != 2 || !strings.Contains(list[0].Source, "cannot be used") || list[1].Source != "Fake" {
		t.Errorf("%+v, %v", list, err)
	}
}

// A source that hangs costs one time-out; those who come right after do not wait.
func TestSourceThatHangs(t *testing.T) {
	c := &clock{now: time.Unix(1e9, 0)}
	db, f := openForeign(t, accounts.Options{SourceTimeout: time.Millisecond, SourceMemory: time.Minute, Now: c.Now})
	f.set(anna, "{PLAIN}x", nil)
	if _, err := db.Lookup(t.Context(), anna); err != nil {
		t.Fatal(err)
	}
	f.hang = true
	asked := f.asked
	for range 100 {
		if _, err := db.Lookup(t.Context(), anna); err != nil {
			t.Fatal(err)
		}
	}
	if f.asked != asked+1 {
		t.Errorf("asked %d times", f.asked-asked)
	}
	c.mu.Lock()
	c.now = c.now.Add(time.Minute)
	c.mu.Unlock()
	if _, err := db.Lookup(t.Context(), anna); !errors.Is(err, accounts.ErrSource) {
		t.Errorf("after a minute: %v", err)
	}
}

// Somebody who goes away while he waits does not make the source look down.
func TestCallerGone(t *testing.T) {
	db, f := openForeign(t, accounts.Options{})
	f.set(anna, "{PLAIN}x", nil)
	f.hang = true
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := db.Lookup(ctx, anna); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	f.hang = false
	if _, err := db.Lookup(t.Context(), anna); err != nil {
		t.Errorf("%v", err)
	}
}

// Open sessions are looked at again in time, even if the source tells no changes.
func TestRecheck(t *testing.T) {
	c := &clock{now: time.Unix(1e9, 0)}
	db, _ := openForeign(t, accounts.Options{SourceRecheck: 10 * time.Second, Now: c.Now})
	read := func() int64 { n, err := db.Changes(t.Context()); must(t, err); return n }
	a := read()
	c.now = c.now.Add(9 * time.Second)
	b := read()
	c.now = c.now.Add(time.Second)
	if d := read(); a != b || b == d {
		t.Errorf("%d, %d, %d", a, b, d)
	}
}
