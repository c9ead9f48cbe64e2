package proctest

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"bascule/internal/testkit/site"
	"bascule/internal/testkit/strict"
)

func TestSIGTERM(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{Users: []string{user}, Settings: "stop_timeout: 4s\n"})
	p := s.Serve()
	fill(s, 30)
	idler, waiter := selectBox(t, s, "INBOX"), selectBox(t, s, "Sent")
	must(t, idler.Idle())
	pop := s.POP3(user)
	for i := 1; i <= 30; i++ {
		_, err := pop.Do("DELE %d", i)
		must(t, err)
	}
	// QUIT and the signal race. Whoever wins: a QUIT that began is finished and answered, one that did not deletes nothing.
	quit := make(chan error, 1)
	go func() {
		_, err := pop.Do("QUIT")
		quit <- err
	}()
	began := time.Now()
	p.Terminate()
	for _, c := range []*strict.IMAP{idler, waiter} {
		for {
			_, err := c.Next(3 * time.Second)
			if err == nil {
				continue // the deletions
			}
			var bye *strict.Bye
			if !errors.As(err, &bye) {
				t.Errorf("want BYE, got %v", err)
			}
			break
		}
	}
	err := <-quit
	if code := p.Wait(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if took := time.Since(began); took > 4*time.Second {
		t.Errorf("it ended after %v", took)
	}
	if _, err := strict.DialIMAP(p.Addr("imap")); err == nil {
		t.Error("somebody still listens")
	}
	s.Serve()
	left := count(t, s, "INBOX")
	t.Logf("QUIT: %v, %d left", err, left)
	if err == nil && left != 0 || denied(err, "SYS/TEMP") && left != 30 || left != 0 && left != 30 {
		t.Errorf("QUIT says %v and %d messages are left", err, left)
	}
	if err != nil && !denied(err, "SYS/TEMP") && !errors.Is(err, io.EOF) {
		t.Errorf("QUIT says %v", err)
	}
}

// A client that stops reading must not keep the server from ending in time.
func TestSIGTERMWithAStuckClient(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{Users: []string{user}, Settings: "stop_timeout: 2s\n"})
	p := s.Serve()
	s.Deliver(user, mail(1)+strings.Repeat(strings.Repeat("x", 70)+"\r\n", 10_000))
	c := selectBox(t, s, "INBOX")
	must(t, c.Flood(40, "FETCH 1 (BODY.PEEK[])")) // 28 MB that nobody reads
	began := time.Now()
	p.Terminate()
	if code := p.Wait(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("it ended after %v", took)
	}
}

func TestSIGHUPReloads(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{Users: []string{user + " inherit"}})
	p := s.Serve()
	fill(s, 1)
	c := selectBox(t, s, "INBOX")
	must(t, c.Idle())
	s.Configure("accounts: {protocols: pop3, refusal_text: 'Ask help@example.org'}\npop3: {lock_wait: 1s}\n")
	p.Hangup()
	// The new default withdraws IMAP from the account, which the open session is told.
	_, err := c.Next(5 * time.Second)
	var bye *strict.Bye
	if !errors.As(err, &bye) || !strings.Contains(bye.Text, "help@example.org") {
		t.Errorf("want BYE with the new text, got %v", err)
	}
	if !p.Until(func(log string) bool { return strings.Contains(log, "configuration reloaded") }) {
		t.Error("the log does not tell")
	}
	if !strings.Contains(p.Log(), "pop3.lock_wait") {
		t.Error("the log does not name the key that needs a restart")
	}
	if _, err := strict.LoginIMAP(s.Addr("imap"), user, site.Password); !refused(err, "CONTACTADMIN") {
		t.Errorf("want NO [CONTACTADMIN], got %v", err)
	}
	// A broken file changes nothing.
	s.Configure("nonsense: 1\n")
	p.Hangup()
	if !p.Until(func(log string) bool { return strings.Contains(log, "not everything was reloaded") }) {
		t.Error("the log does not tell of the broken file")
	}
	pop := s.POP3(user)
	_, err = pop.Do("QUIT")
	must(t, err)
	s.Configure("")
}
