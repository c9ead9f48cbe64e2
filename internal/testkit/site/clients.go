package site

import (
	"bascule/internal/testkit/strict"
)

// Addr is where a protocol is served by a process that lives, the newest first.
func (s *Site) Addr(kind string) string {
	for i := len(s.running) - 1; i >= 0; i-- {
		if p := s.running[i]; p.Alive() && p.Addr(kind) != "" {
			return p.Addr(kind)
		}
	}
	return ""
}

// IMAP logs in. Any failure ends the test, and the connection is dropped with it.
func (s *Site) IMAP(user string) *strict.IMAP {
	s.t.Helper()
	c, err := strict.LoginIMAP(s.Addr("imap"), user, Password)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { c.Close() })
	return c
}

// POP3 logs in, likewise.
func (s *Site) POP3(user string) *strict.POP3 {
	s.t.Helper()
	c, err := strict.LoginPOP3(s.Addr("pop3"), user, Password)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { c.Close() })
	return c
}

// Deliver hands a message in by LMTP.
func (s *Site) Deliver(to, message string) {
	s.t.Helper()
	c, err := strict.DialLMTP(s.Addr("lmtp"))
	if err != nil {
		s.t.Fatal(err)
	}
	defer c.Close()
	if err := c.Deliver(to, message); err != nil {
		s.t.Fatal(err)
	}
}
