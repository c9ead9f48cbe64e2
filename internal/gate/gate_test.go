package gate

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"bascule/internal/accounts"
	"bascule/maildir"
)

func TestPassword(t *testing.T) {
	f := open(t, Options{DefaultDomain: "example.org", Throttle: Throttle{Off: true}})
	for _, user := range []string{"anna@example.org", "ANNA@Example.ORG", "anna", " anna@example.org "} {
		s := f.in(local(IMAP), user, secret)
		if s.Address != anna || s.Account == nil || s.Settings.Address != anna || s.ID == "" {
			t.Errorf("%+v", s)
		}
		s.End()
		s.End()
	}
	for _, user := range []string{"", "@", "ghost@example.org", "../../etc/passwd", "anna@other.org", "a\x00b", strings.Repeat("x", 1<<16), "\xff@\xff"} {
		r := f.out(local(POP3), user, secret, Auth)
		if r.Text != "Authentication failed" {
			t.Errorf("%.20q is told %q", user, r.Text)
		}
	}
	f.out(local(POP3), "anna", "wrong", Auth)
	f.out(local(POP3), "anna", "", Auth)
	f.out(local(POP3), "anna", strings.Repeat("x", 1<<20), Auth)
}

func TestUnknownUsersCostTheSame(t *testing.T) {
	f := open(t, Options{Throttle: Throttle{Off: true}})
	for i, user := range []string{"ghost@example.org", "not an address", ""} {
		f.out(local(IMAP), user, "x", Auth)
		if n := f.dir.count(); n != i+1 {
			t.Errorf("%q: %d passwords were checked, want %d", user, n, i+1)
		}
	}
}

func TestClearText(t *testing.T) {
	f := open(t, Options{})
	c, _ := client(IMAP, "192.0.2.1")
	if m := f.gate.Mechanisms(c); m != nil {
		t.Errorf("in clear text: %v", m)
	}
	f.out(c, string(anna), secret, Privacy)
	if f.dir.count() != 0 {
		t.Error("a password in clear text was checked")
	}
	if _, err := f.gate.SASL(t.Context(), c, "PLAIN"); !isCode(err, Privacy) {
		t.Error(err)
	}
	for _, remote := range []string{"127.0.0.1", "::1", "::ffff:127.0.0.1"} {
		c, _ := client(IMAP, remote)
		if m := f.gate.Mechanisms(c); !slices.Equal(m, []string{"SCRAM-SHA-256", "PLAIN", "LOGIN"}) {
			t.Errorf("%s: %v", remote, m)
		}
	}
	f = open(t, Options{AllowClear: true, Mechanisms: []string{"SCRAM-SHA-256"}})
	if m := f.gate.Mechanisms(c); !slices.Equal(m, []string{"SCRAM-SHA-256"}) {
		t.Errorf("where it is allowed: %v", m)
	}
	f.out(c, string(anna), secret, Privacy) // without PLAIN there is no LOGIN command
}

func isCode(err error, want Code) bool {
	var r *Refusal
	return errors.As(err, &r) && r.Code == want
}

func TestRulesAreToldAfterThePasswordOnly(t *testing.T) {
	f := open(t, Options{})
	account := accounts.AccountScope(anna)
	for _, c := range []struct {
		key      accounts.Key
		value    string
		protocol Protocol
		text     string
	}{
		{accounts.KeyProtocols, "imap", POP3, "POP3 is off for this account; it uses IMAP"},
		{accounts.KeyProtocols, "pop3", IMAP, "IMAP is off for this account; it uses POP3"},
		{accounts.KeyProtocols, "none", IMAP, "IMAP is off for this account"},
		{accounts.KeyRefusalText, "ask help@example.org", POP3, "ask help@example.org"},
		{accounts.KeyStatus, "suspended", IMAP, "This account is suspended"},
		{accounts.KeyStatusReason, "unpaid", IMAP, "This account is suspended: unpaid"},
	} {
		f.set(account, c.key, c.value)
		if r := f.out(local(c.protocol), string(anna), secret, SysPerm); r.Text != c.text {
			t.Errorf("%s %s: %q", c.key, c.value, r.Text)
		}
		f.out(local(c.protocol), string(anna), "wrong", Auth)
	}
	// Delivery and the other account are not concerned.
	f.in(local(POP3), string(bert), secret).End()
}

func TestRefusalsAreNoFailures(t *testing.T) {
	f := open(t, Options{MaxPerAddress: 1})
	c, _ := client(POP3, "192.0.2.1")
	f.gate.opts.AllowClear = true
	f.set(accounts.AccountScope(anna), accounts.KeyProtocols, "imap")
	for range 100 {
		f.out(c, string(anna), secret, SysPerm)
	}
	f.set(accounts.AccountScope(anna), accounts.KeyProtocols, "both")
	s := f.in(c, string(anna), secret)
	defer s.End()
	for range 100 {
		f.out(c, string(anna), secret, Limit)
	}
	if !f.gate.throttle.free(c.Remote.Addr(), bert, f.clock.Now()) {
		t.Error("refusals slow the address down")
	}
}

func TestLimit(t *testing.T) {
	f := open(t, Options{AllowClear: true, Trusted: []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}})
	here, _ := client(IMAP, "192.0.2.1")
	there, _ := client(POP3, "192.0.2.2")
	webmail, _ := client(IMAP, "198.51.100.7")
	var all []*Session
	for range 50 {
		all = append(all, f.in(here, string(anna), secret))
	}
	f.out(here, string(anna), secret, Limit)
	all = append(all, f.in(here, string(bert), secret), f.in(there, string(anna), secret))
	all[0].End()
	all[0].End()
	all = append(all, f.in(here, string(anna), secret))
	f.out(here, string(anna), secret, Limit)
	for range 60 {
		all = append(all, f.in(webmail, string(anna), secret))
	}
	for _, s := range all {
		s.End()
	}
	if len(f.gate.perPlace) != 0 {
		t.Errorf("places left: %v", f.gate.perPlace)
	}
}

func TestPasswordIsRemembered(t *testing.T) {
	f := open(t, Options{PasswordFor: time.Minute})
	login := func(password string, ok bool, checks int) {
		t.Helper()
		before := f.dir.count()
		if ok {
			f.in(local(POP3), string(anna), password).End()
		} else {
			f.out(local(POP3), string(anna), password, Auth)
		}
		if n := f.dir.count() - before; n != checks {
			t.Errorf("%d checks, want %d", n, checks)
		}
	}
	login(secret, true, 1)
	login(secret, true, 0)
	login("wrong", false, 1)
	login(secret, true, 0)
	f.clock.advance(time.Minute)
	login(secret, true, 1)
	login(secret, true, 0)
	if err := f.db.SetPassword(t.Context(), "test", anna, accounts.Clear("new")); err != nil {
		t.Fatal(err)
	}
	login(secret, false, 1)
	login("new", true, 1)
	login("new", true, 0)
	if err := f.db.SetPassword(t.Context(), "test", anna, nil); err != nil {
		t.Fatal(err)
	}
	login("new", false, 1)
	login("", false, 1)
}

func TestPassCacheIsBounded(t *testing.T) {
	c := newPassCache(time.Minute, 10)
	now := time.Unix(1e9, 0)
	for i := range 100 {
		a := accounts.Address(string(rune('a'+i%26)) + strings.Repeat("x", i) + "@example.org")
		c.remember(a, 1, c.mac(a, secret), now)
		if !c.knows(a, 1, c.mac(a, secret), now) || c.knows(a, 2, c.mac(a, secret), now) {
			t.Fatal("just remembered")
		}
	}
	if len(c.entries) > 10 {
		t.Errorf("%d entries", len(c.entries))
	}
	off := newPassCache(-1, 10)
	off.remember(anna, 1, off.mac(anna, secret), now)
	if off.knows(anna, 1, off.mac(anna, secret), now) {
		t.Error("remembered although it is off")
	}
}

func TestLoginDelay(t *testing.T) {
	f := open(t, Options{LoginDelay: time.Minute, LoginBurst: 3})
	for range 3 {
		f.in(local(POP3), string(anna), secret).End()
	}
	for range 5 {
		r := f.out(local(POP3), string(anna), secret, LoginDelay)
		if !strings.Contains(r.Text, "60 seconds") {
			t.Error(r.Text)
		}
	}
	f.in(local(IMAP), string(anna), secret).End() // POP3 only
	f.in(local(POP3), string(bert), secret).End()
	f.clock.advance(time.Minute)
	f.in(local(POP3), string(anna), secret).End()
	f.out(local(POP3), string(anna), secret, LoginDelay)
	f.clock.advance(time.Hour)
	for range 3 {
		f.in(local(POP3), string(anna), secret).End()
	}
	f.out(local(POP3), string(anna), secret, LoginDelay)
}

func TestLoginDelayTableIsBounded(t *testing.T) {
	d := newLoginDelay(time.Minute, 2)
	now := time.Unix(1e9, 0)
	for i := range 10 {
		d.full[accounts.Address(rune(i))] = now.Add(-time.Second)
	}
	d.sweep(now)
	if len(d.full) != 0 {
		t.Errorf("%d entries that say nothing", len(d.full))
	}
}

func TestSessionsAndKick(t *testing.T) {
	f := open(t, Options{AllowClear: true})
	c1, k1 := client(IMAP, "192.0.2.1")
	c2, k2 := client(POP3, "2001:db8::1")
	c3, _ := client(IMAP, "::ffff:192.0.2.1")
	s1 := f.in(c1, string(anna), secret)
	f.clock.advance(100 * time.Millisecond)
	s2 := f.in(c2, string(anna), secret)
	s3 := f.in(c3, string(bert), secret)
	defer s1.End()
	defer s2.End()
	s1.SetClientName("K-9\r\n\x00Mail \xff" + strings.Repeat("ä", 100))
	s1.SetMailbox("INBOX")
	f.clock.advance(100 * time.Millisecond)
	s1.Active()
	list := f.gate.Sessions(Filter{Scope: accounts.AccountScope(anna)})
	if len(list) != 2 || list[0].ID != s1.ID || list[0].Mailbox != "INBOX" || !strings.HasPrefix(list[0].ClientName, "K-9   Mail ?ä") ||
		len(list[0].ClientName) > 128 || !list[0].Active.After(list[0].Since) || list[1].Protocol != POP3 || list[1].TLS {
		t.Errorf("%+v", list)
	}
	if n := len(f.gate.Sessions(Filter{Remote: netip.MustParseAddr("192.0.2.1"), Protocol: IMAP})); n != 2 {
		t.Errorf("%d from one address", n)
	}
	if n := len(f.gate.Sessions(Filter{Scope: accounts.DomainScope("example.org")})); n != 3 {
		t.Errorf("%d of the domain", n)
	}
	s3.End()
	if n := len(f.gate.Sessions(Filter{})); n != 2 {
		t.Errorf("%d after one ended", n)
	}
	if n := f.gate.Kick(Filter{ID: s1.ID}, "maintenance"); n != 1 {
		t.Errorf("kicked %d", n)
	}
	f.gate.Kick(Filter{ID: s1.ID}, "again")
	<-s1.Evicted()
	if got := k1.all(); len(got) != 1 || got[0].Text != "maintenance" || !got[0].Now || got[0].Reason != Kicked {
		t.Errorf("%+v", got)
	}
	if len(k2.all()) != 0 {
		t.Error("the wrong session was kicked")
	}
	// The last login, with the name, is on record.
	if err := f.db.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	acc, err := f.db.Account(t.Context(), anna)
	if err != nil || len(acc.Logins) != 2 || !strings.HasPrefix(acc.Logins[0].Client, "K-9") || acc.Logins[1].Remote != "2001:db8::1" {
		t.Errorf("%+v, %v", acc.Logins, err)
	}
}

func TestBrokenDirectoryIsNotAWrongPassword(t *testing.T) {
	f := open(t, Options{AllowClear: true})
	f.dir.broken = errors.New("disk on fire")
	c, _ := client(IMAP, "192.0.2.1")
	for range 30 {
		if r := f.out(c, string(anna), secret, SysTemp); strings.Contains(r.Text, "fire") {
			t.Error("internals reach the client")
		}
	}
	f.dir.broken = nil
	f.in(c, string(anna), secret).End()
}

// A source that knows the account but cannot check its password just now: no failed login, so nothing is slowed down afterwards.
func TestPasswordThatCannotBeChecked(t *testing.T) {
	f := open(t, Options{AllowClear: true})
	f.dir.mute = accounts.ErrSource
	c, _ := client(POP3, "192.0.2.1")
	for range 30 {
		f.out(c, string(anna), "wrong", SysTemp)
	}
	f.dir.mute = nil
	f.in(c, string(anna), secret).End()
}

func TestClosedGate(t *testing.T) {
	f := open(t, Options{})
	f.gate.Close()
	f.out(local(IMAP), string(anna), secret, Unavailable)
	f.clock.advance(time.Hour)
	f.clock.waitTimers(0)
}

func TestThousandLogins(t *testing.T) {
	f := open(t, Options{Clock: systemClock{}, Hashers: 2, MaxPerAddress: 2000, AllowClear: true})
	var wg sync.WaitGroup
	var mu sync.Mutex
	seen := map[string]bool{}
	for i := range 1000 {
		wg.Go(func() {
			a, p := anna, POP3
			if i%2 == 0 {
				a = bert
			}
			if i%3 == 0 {
				p = IMAP
			}
			c, _ := client(p, "192.0.2.1")
			if i%10 == 0 {
				// Wrong ones in between; they come from elsewhere.
				bad, _ := client(p, "203.0.113.1")
				if _, err := f.gate.Password(t.Context(), bad, string(a), "wrong"); !isCode(err, Auth) {
					t.Error(err)
				}
			}
			s, err := f.gate.Password(t.Context(), c, string(a), secret)
			if err != nil {
				t.Error(err)
				return
			}
			s.SetMailbox("INBOX")
			mu.Lock()
			seen[s.ID] = true
			mu.Unlock()
			if i%7 == 0 {
				f.gate.Kick(Filter{ID: s.ID}, "x")
			}
			f.gate.Sessions(Filter{Protocol: IMAP})
			s.End()
		})
	}
	wg.Wait()
	if len(seen) != 1000 {
		t.Errorf("%d different sessions", len(seen))
	}
	if f.dir.most > 2 {
		t.Errorf("%d passwords were hashed at once", f.dir.most)
	}
	if open, idle := f.store.Opened(); open != idle {
		t.Errorf("%d accounts open, %d unused", open, idle)
	}
}

func TestPolicyReachesTheStore(t *testing.T) {
	f := open(t, Options{})
	account := accounts.AccountScope(anna)
	f.set(account, accounts.KeyQuotaBytes, "1M")
	s := f.in(local(IMAP), string(anna), secret)
	defer s.End()
	if p := s.Account.Policy(); p.QuotaBytes != 1<<20 || p.Exclusivity != maildir.ExclusiveMailbox {
		t.Errorf("%+v", p)
	}
	// A change reaches sessions that are open, at the next look.
	f.set(account, accounts.KeyQuotaBytes, "2M")
	f.set(account, accounts.KeyExclusive, "snapshot")
	f.clock.advance(time.Second)
	if p := s.Account.Policy(); p.QuotaBytes != 2<<20 || p.Exclusivity != maildir.ExclusiveSnapshot {
		t.Errorf("%+v", p)
	}
}

func BenchmarkLoginRemembered(b *testing.B) {
	f := open(b, Options{Clock: systemClock{}})
	c := local(POP3)
	s, err := f.gate.Password(b.Context(), c, string(anna), secret)
	if err != nil {
		b.Fatal(err)
	}
	s.End()
	b.ReportAllocs()
	for b.Loop() {
		s, err := f.gate.Password(b.Context(), c, string(anna), secret)
		if err != nil {
			b.Fatal(err)
		}
		s.End()
	}
}
