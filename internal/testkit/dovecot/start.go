package dovecot

import (
	"context"
	"crypto/tls"
	"os"
	"testing"

	"bascule/internal/testkit/dialogue"
	"bascule/internal/testkit/dovecot/instance"
	"bascule/internal/testkit/programs"
)

const password = "demo"

// polling lets sessions in IDLE hear of news where inotify has no instance left for them, as beside many other programs; Dovecot would
// look every half minute then, and a script waits for a third of that.
const polling = "mailbox_idle_check_interval = 1s\n"

// Start runs a Dovecot until the test ends. extra are accounts beside pop@, imap@ and both@example.org.
func Start(t testing.TB, extra ...string) *dialogue.Target {
	t.Helper()
	return start(t, "", extra)
}

func start(t testing.TB, conf string, users []string) *dialogue.Target {
	t.Helper()
	programs.Dovecot(t)
	// Unix sockets in it need a short path, and Dovecot's users must get in.
	dir, err := os.MkdirTemp("", "dc")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	c := instance.Config{Dir: dir, Extra: polling + conf + "\n"}
	for _, a := range append([]string{"pop@example.org", "imap@example.org", "both@example.org"}, users...) {
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
	return &dialogue.Target{Name: "dovecot", Addrs: i.Addrs, TLS: &tls.Config{InsecureSkipVerify: true}, Password: password, Act: m.act,
		Same: same, Extra: extra, AnyOrder: anyOrder, AnyWords: true}
}
