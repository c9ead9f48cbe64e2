package dovecot

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"bascule/internal/testkit/dialogue"
	"bascule/internal/testkit/dovecot/instance"
)

const password = "demo"

// Start runs a Dovecot until the test ends. extra are accounts beside pop@, imap@ and both@example.org.
func Start(t testing.TB, extra ...string) *dialogue.Target {
	t.Helper()
	if os.Getenv("BASCULE_TEST_DOVECOT") == "" {
		t.Skip("BASCULE_TEST_DOVECOT is not set")
	}
	if _, err := instance.Version(); err != nil {
		t.Skip(err)
	}
	// Unix sockets in it need a short path, and Dovecot's users must get in.
	dir, err := os.MkdirTemp("", "dc")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	c := instance.Config{Dir: dir}
	for _, a := range append([]string{"pop@example.org", "imap@example.org", "both@example.org"}, extra...) {
		c.Users = append(c.Users, instance.User{Address: a, Secret: "{PLAIN}" + password})
	}
	i, err := instance.Start(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		i.Stop()
		if t.Failed() {
			t.Log(i.Log())
		}
	})
	m := &mailer{dir: dir}
	return &dialogue.Target{Name: "dovecot", Addrs: i.Addrs, TLS: &tls.Config{InsecureSkipVerify: true}, Password: password, Act: m.act}
}

// mailer carries out the actions that need no server: dropping files.
type mailer struct {
	dir string
	n   atomic.Int64
}

// act knows "mail ADDRESS" (a message into INBOX) and "drop ADDRESS PATH" (a file into the Maildir).
func (m *mailer) act(_ context.Context, words []string, stdin string) (string, error) {
	switch {
	case words[0] == "mail" && len(words) == 2:
		name := fmt.Sprintf("new/%d.M%dP%d.test", time.Now().Unix(), m.n.Add(1), os.Getpid())
		return "", m.drop(words[1], name, strings.ReplaceAll(stdin, "\n", "\r\n"))
	case words[0] == "drop" && len(words) == 3:
		return "", m.drop(words[1], words[2], stdin)
	}
	return "", errors.New("dovecot cannot " + strings.Join(words, " "))
}

func (m *mailer) drop(account, name, data string) error {
	maildir := instance.Maildir(m.dir, account)
	tmp := filepath.Join(maildir, "tmp", filepath.Base(name))
	if err := os.WriteFile(tmp, []byte(data), 0o600); err != nil {
		return err
	}
	if err := instance.Give(tmp); err != nil {
		return err
	}
	return os.Rename(tmp, filepath.Join(maildir, filepath.FromSlash(name)))
}
