package proctest

import (
	"errors"
	"strings"
	"testing"
	"time"

	"bascule/internal/testkit/site"
	"bascule/internal/testkit/strict"
)

// Waits that can be told apart from none and from each other, and that a test can sit out.
const waits = `
pop3: {lock_wait: 700ms}
imap: {lock_wait: 900ms}
`

func TestPOP3HasTheMailboxForItself(t *testing.T) {
	inBoth(t, waits, func(t *testing.T, s *site.Site) {
		fill(s, 3)
		phone := selectBox(t, s, "INBOX") // will idle
		reader := s.IMAP(user)
		must(t, phone.Idle())
		pop := s.POP3(user)

		t.Run("a second POP3 login is refused after its wait", func(t *testing.T) {
			second, err := strict.DialPOP3(s.Addr("pop3"))
			must(t, err)
			defer second.Close()
			for range 3 { // lock refusals are no failed logins: nothing slows down
				began := time.Now()
				err = second.Login(user, site.Password)
				if took := time.Since(began); took < 600*time.Millisecond || took > 3*time.Second {
					t.Errorf("the refusal came after %v", took)
				}
				var d *strict.Denied
				if !errors.As(err, &d) || d.Code != "IN-USE" {
					t.Fatalf("want -ERR [IN-USE], got %v", err)
				}
				if !strings.Contains(d.Text, "POP3 session has the mailbox since") {
					t.Errorf("the refusal says %q", d.Text)
				}
			}
		})
		t.Run("SELECT INBOX is refused after its wait", func(t *testing.T) {
			began := time.Now()
			r, err := reader.Do("SELECT INBOX")
			must(t, err)
			if r.Kind != "NO" || r.Code != "INUSE" {
				t.Errorf("want NO [INUSE], got %+v", r)
			}
			if took := time.Since(began); took < 800*time.Millisecond || took > 4*time.Second {
				t.Errorf("the refusal came after %v", took)
			}
			if len(r.Codes) != 1 || !strings.HasPrefix(r.Codes[0], "INPROGRESS") {
				t.Errorf("while it waited the client was told %q", r.Untagged)
			}
		})
		t.Run("the next ones are refused at once", func(t *testing.T) {
			within(t, 500*time.Millisecond, "three refusals", func() {
				for _, command := range []string{"SELECT INBOX", "STATUS INBOX (MESSAGES)", "EXAMINE INBOX"} {
					if err := reader.OK("%s", command); !refused(err, "INUSE") {
						t.Errorf("%s: want NO [INUSE], got %v", command, err)
					}
				}
			})
		})
		t.Run("other folders work at once", func(t *testing.T) {
			within(t, 500*time.Millisecond, "SELECT, APPEND, STORE in Sent", func() {
				must(t, reader.Select("Sent"))
				r, err := reader.Append("Sent", "", mail(9))
				if err != nil || !r.OK() {
					t.Fatal(r, err)
				}
				must(t, reader.Learn())
				must(t, reader.OK(`STORE 1 +FLAGS (\Seen)`))
			})
		})
		t.Run("delivery is accepted at once and not listed", func(t *testing.T) {
			within(t, 500*time.Millisecond, "LMTP delivery", func() { s.Deliver(user, mail(4)) })
			if stat, err := pop.Do("STAT"); err != nil || !strings.HasPrefix(stat, "3 ") {
				t.Errorf("STAT says %q, %v", stat, err)
			}
			if ids, err := pop.UIDL(); err != nil || len(ids) != 3 {
				t.Errorf("UIDL lists %v, %v", ids, err)
			}
		})
		t.Run("lock list names the holder", func(t *testing.T) {
			if out := s.CLI("lock", "list"); !strings.Contains(out, user) || !strings.Contains(out, "pop3") {
				t.Errorf("lock list says %q", out)
			}
		})
		t.Run("IDLE is silent until QUIT and told right after it", func(t *testing.T) {
			if _, err := pop.Do("DELE 1"); err != nil {
				t.Fatal(err)
			}
			if _, err := pop.Do("DELE 3"); err != nil {
				t.Fatal(err)
			}
			if line, err := phone.Next(300 * time.Millisecond); err != strict.ErrSilent {
				t.Errorf("while POP3 has the mailbox IDLE is told %q, %v", line, err)
			}
			var quit time.Time
			_, err := pop.Do("QUIT")
			must(t, err)
			quit = time.Now()
			hears(t, phone, "3 EXPUNGE", "1 EXPUNGE", "2 EXISTS")
			took := time.Since(quit)
			t.Logf("IDLE knew %v after QUIT's reply", took)
			if took > time.Second {
				t.Errorf("IDLE was told only %v after QUIT", took)
			}
			_, err = phone.Done()
			must(t, err)
			must(t, phone.Learn())
		})
		must(t, reader.Select("INBOX"))
		if diff := strict.Differ(phone.View, reader.View); diff != "" {
			t.Error(diff)
		}
		if n := len(reader.View.Messages); n != 2 {
			t.Errorf("%d messages are left, want 2", n)
		}
	})
}

func TestIdleSessionsDoNotKeepPOP3Out(t *testing.T) {
	inBoth(t, "", func(t *testing.T, s *site.Site) {
		fill(s, 2)
		for range 3 {
			selectBox(t, s, "INBOX")
		}
		idler := selectBox(t, s, "INBOX")
		must(t, idler.Idle())
		for range 3 {
			within(t, time.Second, "POP3 login beside four IMAP sessions", func() {
				pop := s.POP3(user)
				_, err := pop.Do("QUIT")
				must(t, err)
			})
		}
	})
}

// Busy IMAP sessions take the lock for moments only, one after the other; POP3 must get its turn among them.
func TestBusySessionsDoNotStarvePOP3(t *testing.T) {
	inBoth(t, "", func(t *testing.T, s *site.Site) {
		fill(s, 5)
		stop := make(chan struct{})
		ended := make(chan error)
		const busy = 4
		for range busy {
			c := selectBox(t, s, "INBOX")
			go func() {
				for i := 0; ; i++ {
					select {
					case <-stop:
						ended <- nil
						return
					default:
					}
					flag := []string{"+FLAGS", "-FLAGS"}[i%2]
					if _, err := c.Do(`STORE 1:* %s (\Flagged)`, flag); err != nil {
						ended <- err
						return
					}
				}
			}()
		}
		for range 3 {
			within(t, 2*time.Second, "POP3 login beside four busy IMAP sessions", func() {
				pop := s.POP3(user)
				_, err := pop.Do("QUIT")
				must(t, err)
			})
		}
		close(stop)
		for range busy {
			must(t, <-ended)
		}
	})
}

// Milder settings: with removal IMAP reads and flags beside POP3, with snapshot it does as it likes, and POP3 can still read what it lists.
func TestMilderExclusivity(t *testing.T) {
	inBoth(t, "pop3: {exclusive: removal}\nimap: {lock_wait: 300ms}\n", func(t *testing.T, s *site.Site) {
		fill(s, 2)
		pop := s.POP3(user)
		c := selectBox(t, s, "INBOX")
		must(t, c.OK(`STORE 1 +FLAGS (\Deleted)`))
		if err := c.OK("EXPUNGE"); !refused(err, "INUSE") {
			t.Errorf("EXPUNGE: want NO [INUSE], got %v", err)
		}
		_, err := pop.Do("QUIT")
		must(t, err)
		must(t, c.OK("EXPUNGE"))
	})
	inBoth(t, "pop3: {exclusive: snapshot}\n", func(t *testing.T, s *site.Site) {
		fill(s, 2)
		pop := s.POP3(user)
		c := selectBox(t, s, "INBOX")
		must(t, c.OK(`STORE 1 +FLAGS (\Deleted)`))
		must(t, c.OK("EXPUNGE"))
		lines, err := pop.Lines("RETR 1")
		if err != nil || !strings.Contains(strings.Join(lines, "\n"), "Body of 1.") {
			t.Errorf("what POP3 lists must stay readable: %q, %v", lines, err)
		}
		_, err = pop.Do("QUIT")
		must(t, err)
	})
}
