package dockertest

import (
	"errors"
	"strings"
	"testing"
	"time"

	"bascule/internal/testkit/strict"
)

// TestStopAndRestart: stop says goodbye to every session within its time, a POP3 session that did not QUIT has deleted nothing, and what comes up
// again, in new containers on the old volume, is what was there.
func TestStopAndRestart(t *testing.T) {
	s := deployed(t)
	const user, other = "stop@example.org", "stop2@example.org"
	s.account(t, user)
	s.account(t, other)
	s.deliver(t, user, "one", "two")
	s.deliver(t, other, "one")
	i := s.imap(t, user)
	must(t, i.Select("INBOX"))
	must(t, i.OK(`STORE 1 +FLAGS (\Flagged)`))
	must(t, i.OK("CREATE Projects/2026"))
	uids, uidls, shown := s.uids(t, user), s.uidls(t, user), certificate(t, s.at("imaps"))
	must(t, i.Idle())
	p := s.pop3(t, other)
	_, err := p.Do("DELE 1")
	must(t, err)

	began := time.Now()
	s.compose(t, "", "stop", "pop3", "imap", "lmtp")
	t.Logf("compose stop took %v", time.Since(began).Round(time.Millisecond))
	var bye *strict.Bye
	for err = nil; err == nil; {
		_, err = i.Next(time.Second)
	}
	if !errors.As(err, &bye) {
		t.Errorf("IMAP heard %v, not BYE", err)
	}
	for _, service := range []string{"pop3", "imap", "lmtp"} {
		if code := s.exitCode(t, service); code != 0 {
			t.Errorf("%s ended with exit code %d", service, code)
		}
		log := docker(t, "logs", "-t", "--tail", "50", s.container(t, service))
		if strings.Contains(log, "were cut") {
			t.Errorf("%s had to cut sessions:\n%s", service, log)
		}
		asked, ended := moment(t, log, "stopping"), moment(t, log, "stopped")
		t.Logf("%s stopped %v after it was asked to", service, ended.Sub(asked).Round(time.Millisecond))
	}

	s.compose(t, "", "down")
	s.compose(t, "", "up", "-d", "--no-build", "pop3", "imap", "lmtp")
	for _, service := range []string{"pop3", "imap", "lmtp"} {
		s.healthy(t, service)
	}
	if now := s.uids(t, user); now != uids {
		t.Errorf("UIDVALIDITY and UIDs before %s, after %s", uids, now)
	}
	if now := s.uidls(t, user); now != uidls {
		t.Errorf("UIDLs before %s, after %s", uidls, now)
	}
	if n := len(s.uidls(t, other)); n == 0 {
		t.Error("a DELE without QUIT deleted a message")
	}
	if certificate(t, s.at("imaps")) != shown {
		t.Error("the self-signed certificate is another one now; clients were told to trust the first")
	}
	i = s.imap(t, user)
	must(t, i.Select("Projects/2026"))
	must(t, i.Select("INBOX"))
	if !i.View.Messages[0].Has(`\Flagged`) {
		t.Error("the flag is lost")
	}
}
