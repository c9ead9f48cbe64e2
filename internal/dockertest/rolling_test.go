package dockertest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"bascule/internal/testkit/strict"
)

// TestRestartUnderClients: imap restarts twice while mbsync syncs, clients idle, and mail keeps coming. Every message arrives everywhere,
// once; UIDs stay.
func TestRestartUnderClients(t *testing.T) {
	s := deployed(t, "mbsync")
	const user = "rolling@example.org"
	const total = 40
	s.account(t, user)
	s.deliver(t, user, "0")
	first := s.uids(t, user)
	dir := t.TempDir()
	config := mbsyncConfig(t, s, dir, user)

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var clients sync.WaitGroup
	syncs, failures := 0, 0
	clients.Go(func() {
		for ctx.Err() == nil {
			// A sync that a restart cuts fails; the next one goes on where it ended.
			if _, err := output(exec.Command("mbsync", "-q", "-c", config, "-a"), ""); err != nil {
				failures++
			}
			syncs++
		}
	})
	idlers := make([]*idler, 3)
	for n := range idlers {
		idlers[n] = &idler{s: s, user: user}
		clients.Go(func() { idlers[n].run(ctx) })
	}
	for n := 1; n < total; n++ {
		s.deliver(t, user, fmt.Sprint(n))
		if n == total/3 || n == 2*total/3 {
			s.compose(t, "", "restart", "imap")
		}
	}
	s.healthy(t, "imap")
	for _, d := range idlers {
		d.until(t, total)
	}
	cancel()
	clients.Wait()
	if out, err := output(exec.Command("mbsync", "-c", config, "-a"), ""); err != nil {
		t.Fatalf("mbsync after all: %v\n%s", err, out)
	}
	t.Logf("%d syncs, of which %d were cut; idle clients connected %d, %d, %d times", syncs, failures, idlers[0].logins, idlers[1].logins, idlers[2].logins)

	got := map[string]int{}
	for _, sub := range []string{"new", "cur"} {
		files, err := filepath.Glob(filepath.Join(dir, "INBOX", sub, "*"))
		must(t, err)
		for _, f := range files {
			data, err := os.ReadFile(f)
			must(t, err)
			got[subject.FindString(string(data))]++
		}
	}
	for n := range total {
		if c := got[fmt.Sprintf("Subject: %d", n)]; c != 1 {
			t.Errorf("message %d was synced %d times", n, c)
		}
	}
	if now := s.uids(t, user); !strings.HasPrefix(now, strings.TrimSuffix(first, "]")) {
		t.Errorf("UIDs began as %s and are %s", first, now)
	}
}

var subject = regexp.MustCompile(`(?m)^Subject: \d+`)

// mbsyncConfig writes a configuration that trusts the deployment's certificate and gives its name.
func mbsyncConfig(t *testing.T, s *stack, dir, user string) string {
	t.Helper()
	trusted, config := filepath.Join(dir, "ca.pem"), filepath.Join(dir, "mbsyncrc")
	docker(t, "cp", s.container(t, "imap")+":/var/lib/bascule/self-signed.pem", trusted)
	text := fmt.Sprintf(`IMAPStore far
Host localhost
Port %d
User %s
Pass "%s"
SSLType IMAPS
CertificateFile %s

MaildirStore near
Path %s/
Inbox %s/INBOX
SubFolders Verbatim

Channel all
Far :far:
Near :near:
Patterns INBOX
Create Near
Sync All
SyncState *
`, s.ports["imaps"], user, password, trusted, dir, dir)
	must(t, os.WriteFile(config, []byte(text), 0o600))
	return config
}

// idler is a client that idles, connects again when it is told goodbye or refused, and remembers how many messages it was told of.
type idler struct {
	s      *stack
	user   string
	logins int
	mu     sync.Mutex // protects seen and last
	seen   int
	last   error
}

func (d *idler) run(ctx context.Context) {
	for ctx.Err() == nil {
		if err := d.session(ctx); err != nil {
			d.note(-1, err)
			select { // as programs do: not at once
			case <-ctx.Done():
			case <-time.After(100 * time.Millisecond):
			}
		}
	}
}

func (d *idler) session(ctx context.Context) error {
	c, err := strict.LoginIMAP(d.s.at("imaps"), d.user, fmt.Sprintf("%q", password))
	if err != nil {
		return err
	}
	defer c.Close()
	defer context.AfterFunc(ctx, func() { c.Close() })()
	d.logins++
	if err := c.Select("INBOX"); err != nil {
		return err
	}
	d.note(len(c.View.Messages), nil)
	if err := c.Idle(); err != nil {
		return err
	}
	for {
		if _, err := c.Next(patience); err != nil {
			return err
		}
		d.note(len(c.View.Messages), nil)
	}
}

func (d *idler) note(seen int, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err != nil {
		d.last = err
	} else {
		d.seen = seen
	}
}

func (d *idler) until(t *testing.T, want int) {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		d.mu.Lock()
		seen, last := d.seen, d.last
		d.mu.Unlock()
		if seen == want {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("an idle client knows of %d messages, not %d; its last error: %v", seen, want, last)
		}
	}
}
