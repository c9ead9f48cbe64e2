package gate

import (
	"path/filepath"
	"testing"
	"time"

	"bascule/internal/accounts"
)

func TestSwitchEndsSessions(t *testing.T) {
	f := open(t, Options{AllowClear: true})
	ci, ki := client(IMAP, "192.0.2.1")
	cp, kp := client(POP3, "192.0.2.1")
	co, ko := client(IMAP, "192.0.2.1")
	si, sp, so := f.in(ci, string(anna), secret), f.in(cp, string(anna), secret), f.in(co, string(bert), secret)
	defer si.End()
	defer sp.End()
	defer so.End()

	// IMAP is withdrawn: at once. POP3 and the neighbour notice nothing.
	done, err := f.gate.Switch(t.Context(), "op", accounts.AccountScope(anna), accounts.POP3, false)
	if err != nil || done.Evicted != 1 || done.Change.Old != "inherit" || done.Change.New != "pop3" {
		t.Fatalf("%+v, %v", done, err)
	}
	<-si.Evicted()
	if got := ki.all(); len(got) != 1 || !got[0].Now || got[0].Text != "IMAP is off for this account; it uses POP3" || got[0].Reason != Withdrawn {
		t.Errorf("%+v", got)
	}
	if len(kp.all())+len(ko.all()) != 0 {
		t.Error("a session that stays was disturbed")
	}
	// Repeated: nothing new.
	if done, err = f.gate.Switch(t.Context(), "op", accounts.AccountScope(anna), accounts.POP3, false); err != nil || done.Evicted != 0 || done.Change.Changed() {
		t.Errorf("%+v, %v", done, err)
	}

	// POP3 is withdrawn from the domain, but the account has a value of its own.
	if done, err = f.gate.Switch(t.Context(), "op", accounts.DomainScope("example.org"), accounts.IMAP, false); err != nil || done.Evicted != 0 {
		t.Errorf("%+v, %v", done, err)
	}
	// Now the account inherits it: POP3 has time to finish.
	if done, err = f.gate.Switch(t.Context(), "op", accounts.AccountScope(anna), accounts.Inherit, false); err != nil || done.Evicted != 1 {
		t.Errorf("%+v, %v", done, err)
	}
	got := kp.all()
	if len(got) != 1 || got[0].Now || !got[0].Deadline.Equal(f.clock.Now().Add(30*time.Second)) {
		t.Errorf("%+v", got)
	}
	f.clock.advance(30*time.Second - 1)
	select {
	case <-sp.Evicted():
		t.Error("before its time")
	default:
	}
	f.clock.advance(1)
	<-sp.Evicted()
	if got := kp.all(); len(got) != 2 || !got[1].Now {
		t.Errorf("%+v", got)
	}
	f.out(cp, string(anna), secret, SysPerm)
	f.in(ci, string(anna), secret).End()
}

func TestSwitchNowDoesNotWait(t *testing.T) {
	f := open(t, Options{})
	c, k := client(POP3, "127.0.0.1")
	s := f.in(c, string(anna), secret)
	if _, err := f.gate.Switch(t.Context(), "op", accounts.AccountScope(anna), accounts.None, false); err != nil {
		t.Fatal(err)
	}
	done, err := f.gate.Switch(t.Context(), "op", accounts.AccountScope(anna), accounts.None, true)
	if err != nil || done.Evicted != 1 {
		t.Fatalf("%+v, %v", done, err)
	}
	<-s.Evicted()
	if got := k.all(); len(got) != 2 || got[0].Now || !got[1].Now {
		t.Errorf("%+v", got)
	}
	s.End()
	f.clock.advance(time.Hour)
	if n := len(k.all()); n != 2 {
		t.Errorf("kicked after its end, %d times in all", n)
	}
	f.clock.waitTimers(1) // the tick; no timer of the session is left
}

func TestGraceEndsWithTheSession(t *testing.T) {
	f := open(t, Options{})
	c, k := client(POP3, "127.0.0.1")
	s := f.in(c, string(anna), secret)
	f.set(accounts.AccountScope(anna), accounts.KeyProtocols, "imap")
	f.evict(false, 1)
	s.End() // QUIT in time
	f.clock.advance(time.Hour)
	if n := len(k.all()); n != 1 {
		t.Errorf("kicked %d times", n)
	}
}

func TestSuspendedAndDeletedLeaveAtOnce(t *testing.T) {
	f := open(t, Options{})
	ca, ka := client(POP3, "127.0.0.1")
	cb, kb := client(POP3, "127.0.0.1")
	sa, sb := f.in(ca, string(anna), secret), f.in(cb, string(bert), secret)
	defer sa.End()
	defer sb.End()
	f.set(accounts.AccountScope(anna), accounts.KeyStatus, "suspended")
	if err := f.db.DeleteAccount(t.Context(), "op", bert); err != nil {
		t.Fatal(err)
	}
	f.evict(false, 2)
	<-sa.Evicted()
	<-sb.Evicted()
	if a, b := ka.all(), kb.all(); a[0].Reason != Suspended || b[0].Reason != Deleted {
		t.Errorf("%+v, %+v", a, b)
	}
	f.out(cb, string(bert), secret, Auth)
}

// Whatever the moment of the switch, nobody is inside afterwards. The second lookup
// is the one after the registration.
func TestSwitchDuringLogin(t *testing.T) {
	for name, protocol := range map[string]Protocol{"pop3": POP3, "imap": IMAP} {
		for _, after := range []bool{false, true} {
			for at := 1; at <= 2; at++ {
				t.Run(name, func(t *testing.T) {
					f := open(t, Options{})
					c, k := client(protocol, "127.0.0.1")
					hook := func(n int) {
						if n != at {
							return
						}
						f.dir.step(nil, nil)
						if _, err := f.gate.Switch(t.Context(), "op", accounts.AccountScope(anna), accounts.None, false); err != nil {
							t.Error(err)
						}
					}
					if after {
						f.dir.step(nil, hook)
					} else {
						f.dir.step(hook, nil)
					}
					r := f.out(c, string(anna), secret, SysPerm)
					if r.Text != protocol.name()+" is off for this account" {
						t.Error(r.Text)
					}
					if len(k.all()) != 0 {
						t.Error("a connection without a session was kicked")
					}
				})
			}
		}
	}
}

func TestOtherProcessSwitches(t *testing.T) {
	f := open(t, Options{})
	c, k := client(IMAP, "127.0.0.1")
	s := f.in(c, string(anna), secret)
	defer s.End()
	other, err := accounts.Open(t.Context(), f.path, accounts.Options{Cost: cheap})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	f.clock.advance(5 * time.Second)
	if len(k.all()) != 0 {
		t.Fatal("evicted for nothing")
	}
	if _, err := other.SetProtocols(t.Context(), "op", accounts.AccountScope(anna), accounts.POP3); err != nil {
		t.Fatal(err)
	}
	f.clock.advance(time.Second)
	<-s.Evicted()
	if len(k.all()) != 1 {
		t.Errorf("%+v", k.all())
	}
}

func TestScheduledSwitch(t *testing.T) {
	f := open(t, Options{})
	c, _ := client(IMAP, "127.0.0.1")
	s := f.in(c, string(anna), secret)
	defer s.End()
	if _, err := f.db.Schedule(t.Context(), "op", accounts.AccountScope(anna), accounts.POP3, f.clock.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	f.clock.advance(59 * time.Second)
	select {
	case <-s.Evicted():
		t.Fatal("too early")
	default:
	}
	f.clock.advance(time.Second)
	<-s.Evicted()
	lines, err := f.db.Audit(t.Context(), accounts.AuditFilter{Subject: string(anna), Limit: 1})
	if err != nil || len(lines) != 1 || lines[0].Who != "op" || lines[0].Action != "set protocols" {
		t.Errorf("%+v, %v", lines, err)
	}
}

func TestEvictionIsRepeatedAfterAFailure(t *testing.T) {
	f := open(t, Options{})
	c, k := client(IMAP, "127.0.0.1")
	s := f.in(c, string(anna), secret)
	defer s.End()
	f.set(accounts.AccountScope(anna), accounts.KeyProtocols, "pop3")
	f.dir.mu.Lock()
	f.dir.broken = filepath.ErrBadPattern
	f.dir.mu.Unlock()
	f.clock.advance(3 * time.Second)
	if len(k.all()) != 0 {
		t.Error("evicted by a rule that could not be read")
	}
	f.dir.mu.Lock()
	f.dir.broken = nil
	f.dir.mu.Unlock()
	f.clock.advance(time.Second)
	<-s.Evicted()
}
