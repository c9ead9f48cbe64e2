package dockertest

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// TestPostfix: mail that comes by SMTP is delivered by LMTP and read by POP3 and IMAP; recipients that are not there are refused at once.
func TestPostfix(t *testing.T) {
	s := deployed(t, "swaks", "curl")
	const user = "post@example.org"
	s.account(t, user)
	i := s.imap(t, user)
	must(t, i.Select("INBOX"))
	s.compose(t, "", "up", "-d", "--no-build", "postfix")
	swaks := func(to string) (string, error) {
		return output(exec.Command("swaks", "--server", "127.0.0.1", "--port", fmt.Sprint(s.ports["smtp"]), "--from", "sender@example.net", "--to", to,
			"--header", "Subject: by SMTP", "--timeout", "60"), "")
	}
	var out string
	var err error
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
		if out, err = swaks(user); err == nil {
			break // before, Postfix was starting, or asked for the recipient for the first time
		}
	}
	if err != nil {
		t.Fatalf("swaks: %v\n%s\n%s", err, out, docker(t, "logs", "--tail", "40", s.container(t, "postfix")))
	}
	must(t, i.Idle())
	for len(i.View.Messages) == 0 {
		if _, err := i.Next(patience); err != nil {
			t.Fatalf("%v\n%s", err, docker(t, "logs", "--tail", "40", s.container(t, "postfix")))
		}
	}
	_, err = i.Done()
	must(t, err)
	for listener, path := range map[string]string{"pop3s": "/1", "imaps": "/INBOX;UID=1"} {
		got := curl(t, user, fmt.Sprintf("%s://127.0.0.1:%d%s", listener, s.ports[listener], path))
		for _, want := range []string{"Subject: by SMTP", "Return-Path: <sender@example.net>", "with LMTP"} {
			if !strings.Contains(got, want) {
				t.Errorf("%s: no %q in\n%s", listener, want, got)
			}
		}
	}
	if out, err := swaks("nobody@example.org"); err == nil || !strings.Contains(out, " 550 ") {
		t.Errorf("a recipient who is not there: %v\n%s", err, out)
	}
	if out, err := swaks("anybody@example.com"); err == nil || !strings.Contains(out, "Relay access denied") {
		t.Errorf("mail for elsewhere: %v\n%s", err, out)
	}
}
