package dockertest

import (
	"crypto/tls"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"bascule/internal/testkit/strict"
)

// at is where a listener is reached from the host, in TLS.
func (s *stack) at(listener string) string {
	return fmt.Sprintf("tls://127.0.0.1:%d", s.ports[listener])
}

func (s *stack) imap(t *testing.T, user string) *strict.IMAP {
	t.Helper()
	c, err := strict.LoginIMAP(s.at("imaps"), user, fmt.Sprintf("%q", password))
	must(t, err)
	t.Cleanup(func() { c.Close() })
	return c
}

func (s *stack) pop3(t *testing.T, user string) *strict.POP3 {
	t.Helper()
	c, err := strict.LoginPOP3(s.at("pop3s"), user, password)
	must(t, err)
	t.Cleanup(func() { c.Close() })
	return c
}

// deliver hands in messages by LMTP on the containers' own network.
func (s *stack) deliver(t *testing.T, to string, subjects ...string) {
	t.Helper()
	ip := docker(t, "inspect", "-f", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", s.container(t, "lmtp"))
	c, err := strict.DialLMTP(ip + ":1024")
	must(t, err)
	defer c.Close()
	for _, subject := range subjects {
		must(t, c.Deliver(to, message(to, subject)))
	}
}

func message(to, subject string) string {
	return fmt.Sprintf("From: sender@example.net\r\nTo: %s\r\nSubject: %s\r\nMessage-ID: <%s@example.net>\r\n\r\nBody of %s.\r\n", to, subject, subject, subject)
}

// curl reads an address as an account.
func curl(t *testing.T, user string, args ...string) string {
	t.Helper()
	out, err := output(exec.Command("curl", append([]string{"-sS", "-k", "--max-time", "60", "-u", user + ":" + password}, args...)...), "")
	if err != nil {
		t.Fatalf("curl %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// denied is the -ERR in err.
func denied(t *testing.T, err error) *strict.Denied {
	t.Helper()
	var d *strict.Denied
	if !errors.As(err, &d) {
		t.Fatalf("want -ERR, got %v", err)
	}
	return d
}

// refused is the NO in err.
func refused(t *testing.T, err error) *strict.Reply {
	t.Helper()
	var r *strict.Refused
	if !errors.As(err, &r) {
		t.Fatalf("want NO, got %v", err)
	}
	return r.Reply
}

// uidls are the account's unique-ids as POP3 shows them.
func (s *stack) uidls(t *testing.T, user string) string {
	t.Helper()
	c := s.pop3(t, user)
	list, err := c.UIDL()
	must(t, err)
	_, err = c.Do("QUIT")
	must(t, err)
	return strings.Join(list, " ")
}

// uids are UIDVALIDITY and UIDs of INBOX as IMAP shows them.
func (s *stack) uids(t *testing.T, user string) string {
	t.Helper()
	c := s.imap(t, user)
	must(t, c.Select("INBOX"))
	return fmt.Sprint(c.View.UIDValidity, c.View.UIDs())
}

func shell(command string) *exec.Cmd { return exec.Command("sh", "-c", command) }

// certificate is what a listener shows.
func certificate(t *testing.T, address string) string {
	t.Helper()
	c, err := tls.Dial("tcp", strings.TrimPrefix(address, "tls://"), &tls.Config{InsecureSkipVerify: true})
	must(t, err)
	defer c.Close()
	return string(c.ConnectionState().PeerCertificates[0].Raw)
}
