package proctest

import (
	"testing"
	"time"

	"bascule/internal/testkit/site"
)

// A killed POP3 process leaves no lock, and what it had not been told to delete by QUIT stays.
func TestKilledPOP3ProcessFreesTheMailbox(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{Users: []string{user}})
	s.Serve("imap")
	s.Serve("lmtp")
	fill(s, 3)
	idler := selectBox(t, s, "INBOX")
	for range 3 {
		pop := s.Serve("pop3")
		c := s.POP3(user)
		_, err := c.Do("DELE 1")
		must(t, err)
		_, err = c.Do("DELE 2")
		must(t, err)
		must(t, idler.Idle())
		pop.Kill()
		within(t, time.Second, "SELECT INBOX after kill -9", func() {
			if n := count(t, s, "INBOX"); n != 3 {
				t.Errorf("%d messages are left, want 3", n)
			}
		})
		_, err = idler.Done()
		must(t, err)
		if n := len(idler.View.Messages); n != 3 {
			t.Errorf("an idling session knows %d messages, want 3", n)
		}
	}
	s.Serve("pop3")
	within(t, time.Second, "POP3 login after kill -9", func() { s.POP3(user).Do("QUIT") })
}

// Killed at some moment of a QUIT that deletes many: all of them go or none, whoever looks next.
func TestKilledDuringQuit(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{Users: []string{user}})
	s.Serve("imap")
	s.Serve("lmtp")
	const many = 40
	whole, none := 0, 0
	for round := range 12 {
		fill(s, many-count(t, s, "INBOX"))
		pop := s.Serve("pop3")
		c := s.POP3(user)
		for i := 1; i < many; i++ {
			_, err := c.Do("DELE %d", i)
			must(t, err)
		}
		result := make(chan error, 1)
		go func() {
			_, err := c.Do("QUIT")
			result <- err
		}()
		// The kills sweep over the time that a QUIT takes.
		timer := time.NewTimer(time.Duration(round) * 500 * time.Microsecond)
		<-timer.C
		pop.Kill()
		acked := <-result == nil
		switch left := count(t, s, "INBOX"); {
		case left == many && !acked:
			none++
		case left == 1:
			whole++
		default:
			t.Fatalf("%d messages are left of %d (QUIT was acknowledged: %v)", left, many, acked)
		}
		if problems := s.Check(); problems != "" {
			t.Fatal(problems)
		}
	}
	t.Logf("%d QUITs happened, %d did not", whole, none)
}

// A client that vanishes without QUIT deletes nothing either.
func TestDroppedConnectionDeletesNothing(t *testing.T) {
	inBoth(t, "", func(t *testing.T, s *site.Site) {
		fill(s, 2)
		c := s.POP3(user)
		_, err := c.Do("DELE 1")
		must(t, err)
		c.Close()
		within(t, time.Second, "SELECT INBOX after a drop", func() {
			if n := count(t, s, "INBOX"); n != 2 {
				t.Errorf("%d messages are left, want 2", n)
			}
		})
	})
}
