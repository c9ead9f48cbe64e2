package proctest

import (
	"testing"
	"time"

	"bascule/internal/testkit/site"
	"bascule/internal/testkit/strict"
)

// What came while a POP3 session had the mailbox is told to idling sessions when it ends, however it ends: even if nothing changes
// at its end, and even if its process is killed and can nudge nobody.
func TestNewsHeldBackByPOP3AreTold(t *testing.T) {
	inBoth(t, "", func(t *testing.T, s *site.Site) {
		fill(s, 1)
		phone := selectBox(t, s, "INBOX")
		must(t, phone.Idle())
		pop := s.POP3(user)
		s.Deliver(user, mail(2))
		if line, err := phone.Next(300 * time.Millisecond); err != strict.ErrSilent {
			t.Fatalf("while POP3 has the mailbox IDLE is told %q, %v", line, err)
		}
		pop.Close()
		within(t, time.Second, "news after a dropped POP3 connection", func() { hears(t, phone, "2 EXISTS") })
	})
	t.Run("killed", func(t *testing.T) {
		s := site.New(t, site.Options{Users: []string{user}})
		s.Serve("imap", "lmtp")
		pop3 := s.Serve("pop3")
		fill(s, 1)
		phone := selectBox(t, s, "INBOX")
		must(t, phone.Idle())
		s.POP3(user)
		s.Deliver(user, mail(2))
		if line, err := phone.Next(300 * time.Millisecond); err != strict.ErrSilent {
			t.Fatalf("while POP3 has the mailbox IDLE is told %q, %v", line, err)
		}
		pop3.Kill()
		within(t, 2*time.Second, "news after a killed POP3 process", func() { hears(t, phone, "2 EXISTS") })
	})
}
