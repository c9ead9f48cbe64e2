package accounts_test

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"bascule/internal/accounts"
	"bascule/internal/accounts/directorytest"
)

// cheap keeps the tests quick; the shape of the hashes is the same.
var cheap = accounts.Cost{MemoryKiB: 64, Passes: 1, Lanes: 1, SCRAMIterations: 4096}

const anna = accounts.Address("anna@example.org")

type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.now }

func openAt(t testing.TB, path string, opts accounts.Options) *accounts.DB {
	t.Helper()
	opts.Cost = cheap
	if opts.FlushEvery == 0 {
		opts.FlushEvery = time.Hour // only Close and Flush write
	}
	db, err := accounts.Open(t.Context(), path, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func open(t testing.TB) *accounts.DB {
	return openAt(t, filepath.Join(t.TempDir(), "accounts.db"), accounts.Options{})
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestDirectorySuite(t *testing.T) {
	directorytest.Run(t, func(t *testing.T) directorytest.Harness {
		path := filepath.Join(t.TempDir(), "accounts.db")
		db := openAt(t, path, accounts.Options{})
		return directorytest.Harness{
			Directory: db,
			Put: func(t *testing.T, a accounts.Address, password string) {
				err := db.AddAccount(t.Context(), "test", a, accounts.Clear(password))
				if errors.Is(err, accounts.ErrExists) {
					err = db.SetPassword(t.Context(), "test", a, accounts.Clear(password))
				}
				must(t, err)
			},
			Protocols: func(t *testing.T, a accounts.Address, p accounts.Protocols) {
				_, err := db.SetProtocols(t.Context(), "test", accounts.AccountScope(a), p)
				must(t, err)
			},
			Again: func(t *testing.T) accounts.Directory { return openAt(t, path, accounts.Options{}) },
		}
	})
}

func TestInheritance(t *testing.T) {
	db := openAt(t, filepath.Join(t.TempDir(), "accounts.db"), accounts.Options{
		Defaults: accounts.Settings{Protocols: accounts.POP3, QuotaBytes: 7},
	})
	ctx := t.Context()
	must(t, db.AddAccount(ctx, "op", anna, nil))
	account, domain := accounts.AccountScope(anna), accounts.DomainScope("example.org")
	want := func(p accounts.Protocols, from accounts.Level) {
		t.Helper()
		e, err := db.Lookup(ctx, anna)
		if err != nil || e.Protocols != p || e.ProtocolsFrom != from {
			t.Errorf("got %s from the %s (%v), want %s from the %s", e.Protocols, e.ProtocolsFrom, err, p, from)
		}
	}
	set := func(s accounts.Scope, k accounts.Key, v string) {
		t.Helper()
		_, err := db.Set(ctx, "op", s, map[accounts.Key]string{k: v})
		must(t, err)
	}
	want(accounts.POP3, accounts.FromServer)
	set(domain, accounts.KeyProtocols, "both")
	want(accounts.Both, accounts.FromDomain)
	set(account, accounts.KeyProtocols, "imap")
	want(accounts.IMAP, accounts.FromAccount)
	set(domain, accounts.KeyProtocols, "none")
	want(accounts.IMAP, accounts.FromAccount)
	set(account, accounts.KeyProtocols, "inherit")
	want(accounts.None, accounts.FromDomain)
	set(domain, accounts.KeyProtocols, "inherit")
	want(accounts.POP3, accounts.FromServer)
	db.SetDefaults(accounts.Settings{Protocols: accounts.IMAP})
	want(accounts.IMAP, accounts.FromServer)

	set(domain, accounts.KeyQuotaBytes, "2G")
	set(domain, accounts.KeyQuotaMessages, "5")
	set(account, accounts.KeyQuotaMessages, "none")
	set(domain, accounts.KeySeparator, ".")
	set(domain, accounts.KeyInboxPrefix, "true")
	set(domain, accounts.KeyRefusalText, "ask help@example.org")
	set(account, accounts.KeyExclusive, "snapshot")
	set(account, accounts.KeyDelivery, "defer")
	e, err := db.Lookup(ctx, anna)
	must(t, err)
	if e.QuotaBytes != 2<<30 || e.QuotaMessages != 0 || e.Separator != "." || !e.InboxPrefix ||
		e.RefusalText != "ask help@example.org" || e.Exclusive != accounts.ExclusiveSnapshot || e.Delivery != accounts.Defer || e.Status != accounts.Active {
		t.Errorf("%+v", e)
	}
	// Suspending the domain suspends the account; delivery is a setting of its own.
	set(domain, accounts.KeyStatus, "suspended")
	set(domain, accounts.KeyStatusReason, "unpaid")
	if e, _ := db.Lookup(ctx, anna); e.Status != accounts.Suspended || e.StatusReason != "unpaid" || e.Delivery != accounts.Defer {
		t.Errorf("%+v", e)
	}
	set(account, accounts.KeyStatus, "active")
	if e, _ := db.Lookup(ctx, anna); e.Status != accounts.Suspended {
		t.Error("an account escaped the suspension of its domain")
	}
	acc, err := db.Account(ctx, anna)
	must(t, err)
	if len(acc.Own) != 4 || acc.Own[accounts.KeyExclusive] != "snapshot" {
		t.Errorf("own settings: %v", acc.Own)
	}
}

// An administrator is made account by account: no domain, and no source of accounts, makes any.
func TestAdministrators(t *testing.T) {
	db := open(t)
	ctx := t.Context()
	must(t, db.AddAccount(ctx, "op", anna, nil))
	if _, err := db.Set(ctx, "op", accounts.DomainScope("example.org"), map[accounts.Key]string{accounts.KeyAdmin: "server"}); !errors.Is(err, accounts.ErrBadValue) {
		t.Errorf("a domain full of administrators: %v", err)
	}
	if _, _, known, err := accounts.ReadSetting("admin", "server"); known || err != nil {
		t.Errorf("a source may say so: %v", err)
	}
	for _, tt := range []struct {
		value                  string
		herself, near, farAway bool
	}{{"domain", true, true, false}, {"server", true, true, true}, {"inherit", false, false, false}} {
		_, err := db.Set(ctx, "op", accounts.AccountScope(anna), map[accounts.Key]string{accounts.KeyAdmin: tt.value})
		must(t, err)
		e, err := db.Lookup(ctx, anna)
		if err != nil || e.Administers(anna) != tt.herself || e.Administers("x@example.org") != tt.near || e.Administers("x@example.com") != tt.farAway {
			t.Errorf("%s: %+v, %v", tt.value, e, err)
		}
	}
}

func TestSetIsWholeAndAudited(t *testing.T) {
	db := open(t)
	ctx := t.Context()
	must(t, db.AddAccount(ctx, "op", anna, accounts.Clear("secret")))
	s := accounts.AccountScope(anna)
	for name, values := range map[string]map[accounts.Key]string{
		"unknown key":      {"colour": "red"},
		"injected":         {"protocols = 'x' --": "both"},
		"bad value":        {accounts.KeyProtocols: "smtp"},
		"one good one bad": {accounts.KeyProtocols: "none", accounts.KeyQuotaBytes: "lots"},
		"domain's":         {accounts.KeySeparator: "."},
		"two lines":        {accounts.KeyRefusalText: "a\r\n+OK"},
		"too big":          {accounts.KeyQuotaBytes: "9999999999T"},
		"negative":         {accounts.KeyQuotaBytes: "-1"},
	} {
		if _, err := db.Set(ctx, "op", s, values); !errors.Is(err, accounts.ErrBadValue) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if e, _ := db.Lookup(ctx, anna); e.Protocols != accounts.Both {
		t.Error("half of a refused change was made")
	}
	before, _ := db.Changes(ctx)
	change, err := db.SetProtocols(ctx, "op", s, accounts.IMAP)
	if err != nil || !change.Changed() || change.Old != "inherit" || change.New != "imap" {
		t.Fatalf("%+v, %v", change, err)
	}
	after, _ := db.Changes(ctx)
	// Repeating it changes nothing, and tells so.
	if change, err = db.SetProtocols(ctx, "op", s, accounts.IMAP); err != nil || change.Changed() {
		t.Fatalf("%+v, %v", change, err)
	}
	if again, _ := db.Changes(ctx); before == after || after != again {
		t.Errorf("change counter %d, %d, %d", before, after, again)
	}
	lines, err := db.Audit(ctx, accounts.AuditFilter{Subject: string(anna)})
	must(t, err)
	if len(lines) != 2 || lines[0].Action != "set protocols" || lines[0].Who != "op" || lines[0].Old != "inherit" ||
		lines[0].New != "imap" || lines[1].Action != "account.add" || lines[1].New != "ARGON2ID" {
		t.Errorf("%+v", lines)
	}
	for _, missing := range []accounts.Scope{accounts.AccountScope("no@example.org"), accounts.DomainScope("no.example")} {
		if _, err := db.SetProtocols(ctx, "op", missing, accounts.IMAP); !errors.Is(err, accounts.ErrNotFound) && !errors.Is(err, accounts.ErrNoDomain) {
			t.Errorf("%s: %v", missing, err)
		}
	}
}

func TestManage(t *testing.T) {
	db := open(t)
	ctx := t.Context()
	must(t, db.AddDomain(ctx, "op", "example.org"))
	if err := db.AddDomain(ctx, "op", "example.org"); !errors.Is(err, accounts.ErrExists) {
		t.Error(err)
	}
	for _, a := range []accounts.Address{"c@example.org", "a@example.org", "b@example.net", "b@example.org"} {
		must(t, db.AddAccount(ctx, "op", a, nil))
	}
	if err := db.AddAccount(ctx, "op", "a@example.org", nil); !errors.Is(err, accounts.ErrExists) {
		t.Error(err)
	}
	if err := db.DeleteDomain(ctx, "op", "example.org"); !errors.Is(err, accounts.ErrNotEmpty) {
		t.Error(err)
	}
	names := func(q accounts.AccountQuery) (out []string) {
		list, err := db.Accounts(ctx, q)
		must(t, err)
		for _, a := range list {
			out = append(out, a.Address.String())
		}
		return out
	}
	if got := names(accounts.AccountQuery{Limit: 3}); !slices.Equal(got, []string{"a@example.org", "b@example.net", "b@example.org"}) {
		t.Error(got)
	}
	if got := names(accounts.AccountQuery{Domain: "example.org", After: "a@example.org"}); !slices.Equal(got, []string{"b@example.org", "c@example.org"}) {
		t.Error(got)
	}
	domains, err := db.Domains(ctx)
	must(t, err)
	if len(domains) != 2 || domains[1].Accounts != 3 {
		t.Errorf("%+v", domains)
	}
	must(t, db.DeleteAccount(ctx, "op", "b@example.net"))
	if err := db.DeleteAccount(ctx, "op", "b@example.net"); !errors.Is(err, accounts.ErrNotFound) {
		t.Error(err)
	}
	must(t, db.DeleteDomain(ctx, "op", "example.net"))
	if err := db.DeleteDomain(ctx, "op", "example.net"); !errors.Is(err, accounts.ErrNoDomain) {
		t.Error(err)
	}
}

func TestPasswordVersionIsNeverReused(t *testing.T) {
	db := open(t)
	ctx := t.Context()
	seen := map[int64]bool{}
	for range 3 {
		must(t, db.AddAccount(ctx, "op", anna, accounts.Clear("one")))
		for range 2 {
			e, _ := db.Lookup(ctx, anna)
			if seen[e.PasswordVersion] {
				t.Fatal("a remembered password would be good again")
			}
			seen[e.PasswordVersion] = true
			must(t, db.SetPassword(ctx, "op", anna, accounts.Clear("two")))
		}
		must(t, db.DeleteAccount(ctx, "op", anna))
	}
}

func TestUpgradeOfForeignHash(t *testing.T) {
	const hash = "{SHA512-CRYPT}$6$saltsalt$XnbmenwzEe.1wkUi/c.M2eT8ENLI.ivjsElaWXowWOl/x5a3WTEoBjWiBdE5G62UnSpSOwYe53YqfUNgkf9l51"
	for _, keep := range []bool{false, true} {
		db := openAt(t, filepath.Join(t.TempDir(), "accounts.db"), accounts.Options{KeepHashes: keep})
		ctx := t.Context()
		must(t, db.AddAccount(ctx, "op", anna, accounts.Hashed(hash)))
		before, _ := db.Lookup(ctx, anna)
		if ok, _ := db.Verify(ctx, anna, "wrong"); ok {
			t.Fatal("a wrong password was right")
		}
		for range 2 {
			if ok, err := db.Verify(ctx, anna, "pässword1"); !ok || err != nil {
				t.Fatal(ok, err)
			}
		}
		after, _ := db.Lookup(ctx, anna)
		if before.PasswordVersion != after.PasswordVersion {
			t.Error("the same password got a new version")
		}
		acc, err := db.Account(ctx, anna)
		must(t, err)
		want := "ARGON2ID"
		if keep {
			want = "SHA512-CRYPT"
		}
		if acc.Scheme != want || acc.SCRAM == keep {
			t.Errorf("keep %v: %s, SCRAM %v", keep, acc.Scheme, acc.SCRAM)
		}
	}
}

func TestScheduledExactlyOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "accounts.db")
	now := time.Unix(1_700_000_000, 0)
	db := openAt(t, path, accounts.Options{Now: func() time.Time { return now }})
	ctx := t.Context()
	must(t, db.AddAccount(ctx, "op", anna, nil))
	must(t, db.AddAccount(ctx, "op", "gone@example.org", nil))
	var ids []int64
	for i, s := range []string{"anna@example.org", "example.org", "gone@example.org", "anna@example.org"} {
		scope, err := accounts.ParseScope(s)
		must(t, err)
		id, err := db.Schedule(ctx, "op", scope, []accounts.Protocols{accounts.IMAP, accounts.POP3, accounts.Both, accounts.None}[i], now.Add(time.Duration(i+1)*time.Minute))
		must(t, err)
		ids = append(ids, id)
	}
	must(t, db.Unschedule(ctx, "op", ids[3]))
	if err := db.Unschedule(ctx, "op", ids[3]); !errors.Is(err, accounts.ErrNotFound) {
		t.Error(err)
	}
	must(t, db.DeleteAccount(ctx, "op", "gone@example.org"))
	if list, err := db.CarryOut(ctx, now); err != nil || len(list) != 0 {
		t.Fatalf("too early: %+v, %v", list, err)
	}
	// Many processes at the same moment.
	var mu sync.Mutex
	var done []accounts.Switch
	var wg sync.WaitGroup
	for range 6 {
		other := openAt(t, path, accounts.Options{})
		wg.Go(func() {
			list, err := other.CarryOut(ctx, now.Add(time.Hour))
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			done = append(done, list...)
		})
	}
	wg.Wait()
	if len(done) != 3 {
		t.Fatalf("%d carried out, want 3: %+v", len(done), done)
	}
	if done[0].Result != "inherit → imap" || !strings.Contains(done[2].Result, "no such account") {
		t.Errorf("%+v", done)
	}
	if e, _ := db.Lookup(ctx, anna); e.Protocols != accounts.IMAP {
		t.Errorf("%s", e.Protocols)
	}
	left, err := db.Scheduled(ctx, false)
	must(t, err)
	all, err := db.Scheduled(ctx, true)
	must(t, err)
	if len(left) != 0 || len(all) != 3 {
		t.Errorf("%d to come, %d in all", len(left), len(all))
	}
	lines, err := db.Audit(ctx, accounts.AuditFilter{Subject: string(anna)})
	must(t, err)
	n := 0
	for _, l := range lines {
		if l.Action == "set protocols" {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d audit lines for one switch", n)
	}
}

func TestLastLogins(t *testing.T) {
	path := filepath.Join(t.TempDir(), "accounts.db")
	db := openAt(t, path, accounts.Options{})
	ctx := t.Context()
	must(t, db.AddAccount(ctx, "op", anna, nil))
	at := time.Unix(1_700_000_000, 0).UTC()
	db.Record(accounts.Login{Address: anna, Protocol: "imap", At: at, Remote: "192.0.2.1", Client: "K-9"})
	db.Record(accounts.Login{Address: anna, Protocol: "imap", At: at.Add(time.Second), Remote: "192.0.2.2"})
	db.Record(accounts.Login{Address: "ghost@example.org", Protocol: "imap", At: at})
	must(t, db.Flush(ctx))
	db.Record(accounts.Login{Address: anna, Protocol: "pop3", At: at.Add(time.Minute), Remote: "192.0.2.3"})
	// An older note of a slower process does not replace a newer one.
	db.Record(accounts.Login{Address: anna, Protocol: "imap", At: at, Remote: "192.0.2.9"})
	must(t, db.Close())
	acc, err := openAt(t, path, accounts.Options{}).Account(ctx, anna)
	must(t, err)
	want := []accounts.Login{
		{Address: anna, Protocol: "imap", At: at.Add(time.Second), Remote: "192.0.2.2", Client: "K-9"},
		{Address: anna, Protocol: "pop3", At: at.Add(time.Minute), Remote: "192.0.2.3"},
	}
	if !slices.Equal(acc.Logins, want) {
		t.Errorf("%+v", acc.Logins)
	}
}

func BenchmarkLookup(b *testing.B) {
	db := open(b)
	must(b, db.AddAccount(b.Context(), "op", anna, nil))
	for b.Loop() {
		if _, err := db.Lookup(b.Context(), anna); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerifyDefaultCost(b *testing.B) {
	db, err := accounts.Open(b.Context(), filepath.Join(b.TempDir(), "a.db"), accounts.Options{})
	must(b, err)
	defer db.Close()
	must(b, db.AddAccount(b.Context(), "op", anna, accounts.Clear("secret")))
	for b.Loop() {
		if ok, err := db.Verify(b.Context(), anna, "secret"); !ok || err != nil {
			b.Fatal(ok, err)
		}
	}
}
