package proctest

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"bascule/internal/testkit/site"
	"bascule/internal/testkit/strict"
)

func TestSwitchActsOnOpenSessions(t *testing.T) {
	inBoth(t, "switch: {grace: 4s}\n", func(t *testing.T, s *site.Site) {
		fill(s, 3)
		pop := s.POP3(user)
		ids, err := pop.UIDL()
		must(t, err)
		_, err = pop.Do("QUIT")
		must(t, err)
		first := selectBox(t, s, "INBOX")
		uids, validity := first.View.UIDs(), first.View.UIDValidity

		// IMAP is withdrawn. One session idles, one waits for commands; a POP3 session is open too.
		idler, waiter := selectBox(t, s, "INBOX"), s.IMAP(user)
		must(t, waiter.Select("Sent"))
		must(t, idler.Idle())
		pop = s.POP3(user)
		out := s.CLI("switch", user, "pop3")
		switched := time.Now()
		t.Logf("switch says: %s", strings.TrimSpace(out))
		for _, c := range []*strict.IMAP{idler, waiter, first} {
			_, err := c.Next(2 * time.Second)
			var bye *strict.Bye
			if !errors.As(err, &bye) {
				t.Fatalf("want BYE, got %v", err)
			}
			if !strings.Contains(bye.Text, "POP3") {
				t.Errorf("BYE says %q, not what the account uses now", bye.Text)
			}
		}
		t.Logf("three IMAP sessions had ended %v after the switch returned", time.Since(switched))
		if _, err := pop.Do("NOOP"); err != nil {
			t.Errorf("the POP3 session noticed: %v", err)
		}
		if _, err := strict.LoginIMAP(s.Addr("imap"), user, site.Password); !refused(err, "CONTACTADMIN") || !strings.Contains(err.Error(), "POP3") {
			t.Errorf("want NO [CONTACTADMIN] with the reason, got %v", err)
		}
		if _, err := pop.Do("QUIT"); err != nil {
			t.Error(err)
		}

		// The other way round: POP3 is withdrawn within its grace.
		s.CLI("switch", user, "both")
		pop = s.POP3(user)
		stays := s.IMAP(user)
		must(t, stays.Select("Sent"))
		_, err = pop.Do("DELE 1")
		must(t, err)
		s.CLI("switch", user, "imap")
		if _, err := pop.Do("STAT"); err != nil {
			t.Errorf("within its grace a POP3 session goes on: %v", err)
		}
		began := time.Now()
		bye, err := pop.Goodbye()
		must(t, err)
		if took := time.Since(began); took > 6*time.Second {
			t.Errorf("after a grace of 4s the session went on for %v", took)
		}
		if bye.Code != "SYS/PERM" || !strings.Contains(bye.Text, "IMAP") {
			t.Errorf("POP3 is told %q %q", bye.Code, bye.Text)
		}
		must(t, stays.OK("NOOP"))
		if _, err := strict.LoginPOP3(s.Addr("pop3"), user, site.Password); !denied(err, "SYS/PERM") || !strings.Contains(err.Error(), "IMAP") {
			t.Errorf("want -ERR [SYS/PERM] with the reason, got %v", err)
		}

		// Back again: nothing is new to any client, and the session cut short deleted nothing.
		s.CLI("switch", user, "both")
		again := selectBox(t, s, "INBOX")
		if again.View.UIDValidity != validity || !slices.Equal(again.View.UIDs(), uids) {
			t.Errorf("UIDs were %d %v and are %d %v", validity, uids, again.View.UIDValidity, again.View.UIDs())
		}
		pop = s.POP3(user)
		now, err := pop.UIDL()
		must(t, err)
		if !slices.Equal(ids, now) {
			t.Errorf("UIDLs were %v and are %v", ids, now)
		}
	})
}

func TestSwitchNowEndsPOP3AtOnce(t *testing.T) {
	inBoth(t, "", func(t *testing.T, s *site.Site) { // switch.grace is 30 s
		fill(s, 2)
		pop := s.POP3(user)
		_, err := pop.Do("DELE 1")
		must(t, err)
		within(t, 2*time.Second, "switch --now and the end of the session", func() {
			s.CLI("switch", user, "imap", "--now")
			_, err := pop.Goodbye()
			must(t, err)
		})
		if n := count(t, s, "INBOX"); n != 2 {
			t.Errorf("%d messages are left, want 2", n)
		}
	})
}

// Within the grace a client can finish what it began, QUIT too.
func TestSwitchLetsQuitFinish(t *testing.T) {
	inBoth(t, "", func(t *testing.T, s *site.Site) {
		fill(s, 2)
		pop := s.POP3(user)
		_, err := pop.Do("DELE 1")
		must(t, err)
		s.CLI("switch", user, "imap")
		_, err = pop.Do("QUIT")
		must(t, err)
		if n := count(t, s, "INBOX"); n != 1 {
			t.Errorf("%d messages are left, want 1", n)
		}
	})
}

func TestKickAndBreak(t *testing.T) {
	inBoth(t, "", func(t *testing.T, s *site.Site) {
		fill(s, 1)
		pop := s.POP3(user)
		if out := s.CLI("session", "list"); !strings.Contains(out, user) || !strings.Contains(out, "pop3") {
			t.Errorf("session list says %q", out)
		}
		s.CLI("lock", "break", user)
		if _, err := pop.Goodbye(); err != nil {
			t.Error(err)
		}
		c := selectBox(t, s, "INBOX")
		must(t, c.Idle())
		s.CLI("session", "kick", user)
		_, err := c.Next(2 * time.Second)
		var bye *strict.Bye
		if !errors.As(err, &bye) {
			t.Errorf("want BYE, got %v", err)
		}
	})
}
