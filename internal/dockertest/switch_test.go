package dockertest

import (
	"strings"
	"testing"
	"time"

	"bascule/internal/testkit/strict"
)

// TestSwitchAcrossContainers: a command in one container ends the session in the other; IMAP idles on and is told of new mail.
func TestSwitchAcrossContainers(t *testing.T) {
	s := deployed(t)
	const user = "switch@example.org"
	s.account(t, user)
	s.deliver(t, user, "one")
	uidls := s.uidls(t, user)
	i := s.imap(t, user)
	must(t, i.Select("INBOX"))
	p := s.pop3(t, user)
	out := s.compose(t, "", "exec", "-T", "imap", "bascule", "switch", user, "imap", "--now")
	if !strings.Contains(out, "1 session told to end") {
		t.Errorf("switch says %q", out)
	}
	if _, err := p.Goodbye(); err != nil {
		t.Error(err)
	}
	_, err := strict.LoginPOP3(s.at("pop3s"), user, password)
	if d := denied(t, err); d.Code != "SYS/PERM" || !strings.Contains(d.Text, "POP3") {
		t.Errorf("the refusal: %v", d)
	}
	must(t, i.Idle())
	s.deliver(t, user, "two")
	if _, err := i.Next(patience); err != nil {
		t.Error(err)
	}
	_, err = i.Done()
	must(t, err)
	s.compose(t, "", "exec", "-T", "pop3", "bascule", "switch", user, "both")
	if now := s.uidls(t, user); !strings.HasPrefix(now, uidls+" ") {
		t.Errorf("UIDLs before the switch %q, after it %q", uidls, now)
	}
}

// TestLockAcrossContainers: a POP3 session in one container keeps INBOX from IMAP in the other, and from a second POP3 session.
func TestLockAcrossContainers(t *testing.T) {
	s := deployed(t)
	const user = "lock@example.org"
	s.account(t, user)
	s.deliver(t, user, "one")
	p := s.pop3(t, user)
	i := s.imap(t, user)
	began := time.Now()
	_, err := i.Must("SELECT INBOX")
	if r := refused(t, err); r.Code != "INUSE" {
		t.Errorf("SELECT: %v", err)
	}
	t.Logf("SELECT was refused after %v", time.Since(began).Round(time.Millisecond))
	_, err = strict.LoginPOP3(s.at("pop3s"), user, password)
	if d := denied(t, err); d.Code != "IN-USE" {
		t.Errorf("a second POP3 session: %v", d)
	}
	s.deliver(t, user, "two") // is never blocked
	if out := s.compose(t, "", "exec", "-T", "lmtp", "bascule", "lock", "list"); !strings.Contains(out, user) || !strings.Contains(out, "exclusive") {
		t.Errorf("lock list: %s", out)
	}
	_, err = p.Do("QUIT")
	must(t, err)
	must(t, i.Select("INBOX"))
	if n := len(i.View.Messages); n != 2 {
		t.Errorf("%d messages", n)
	}
}

// TestKill: a container that is killed in the middle of a session frees the mailbox and has deleted nothing.
func TestKill(t *testing.T) {
	s := deployed(t)
	const user = "kill@example.org"
	s.account(t, user)
	s.deliver(t, user, "one", "two", "three")
	uidls := s.uidls(t, user)
	p := s.pop3(t, user)
	for _, command := range []string{"RETR 1", "DELE 1", "DELE 2"} {
		var err error
		if strings.HasPrefix(command, "RETR") {
			_, err = p.Lines("%s", command)
		} else {
			_, err = p.Do("%s", command)
		}
		must(t, err)
	}
	docker(t, "kill", s.container(t, "pop3"))
	began := time.Now()
	i := s.imap(t, user)
	must(t, i.Select("INBOX"))
	t.Logf("the mailbox was free, login included, %v after the kill", time.Since(began).Round(time.Millisecond))
	if n := len(i.View.Messages); n != 3 {
		t.Errorf("%d messages after the kill", n)
	}
	s.compose(t, "", "up", "-d", "--no-build", "pop3")
	s.healthy(t, "pop3")
	if now := s.uidls(t, user); now != uidls {
		t.Errorf("UIDLs before the kill %q, after it %q", uidls, now)
	}
}
