package bench

import (
	"bytes"
	"fmt"

	"bascule/internal/bench/client"
	"bascule/internal/bench/mailgen"
)

// A working day of mail clients, hurried: each client has its own account and goes through sessions of 25 commands.
var mixedLoads = []Load{
	{
		Name: "imap-mixed-20", What: "IMAP mixed, 20 clients", Unit: "commands/s", Per: "messages in each mailbox",
		Sizes: [3]int{100, 1000, 10000}, Short: [3]int{30, 40, 50}, Aim: 2,
		Boxes: func(size int) []Box { return boxes(20, mailgen.Mixed, size) }, Run: mixed(20),
	},
	{
		Name: "imap-mixed-200", What: "IMAP mixed, 200 clients", Unit: "commands/s", Per: "messages in each mailbox",
		Sizes: [3]int{50, 200, 1000}, Short: [3]int{30, 40, 50}, Aim: 2,
		Boxes: func(size int) []Box { return boxes(200, mailgen.Mixed, size) }, Run: mixed(200),
	},
}

func mixed(clients int) func(g *Gen) error {
	return func(g *Gen) error {
		var message bytes.Buffer
		mailgen.Sized(3000).Message(&message, 1)
		return g.Measure(func() (int64, error) {
			return g.Parallel(min(clients, len(g.Target.Boxes)), func(i int) (int64, error) {
				s := mixedSession{g: g, box: i, message: message.Bytes(), at: i}
				_, err := g.Loop(s.run)
				return s.commands, err
			})
		})
	}
}

// mixedSession is one client; run is a session from login to logout.
type mixedSession struct {
	g        *Gen
	box      int
	message  []byte
	commands int64
	at       int // which message is read next: different ones each time
	c        *client.IMAP
}

func (s *mixedSession) do(command string, on func(client.Line) error) error {
	s.commands++
	return s.c.Do(command, on)
}

func (s *mixedSession) run() (err error) {
	if s.c, err = s.g.Inbox(s.box); err != nil {
		return err
	}
	defer s.c.Close()
	s.commands += 2
	n := s.g.Box(s.box).Count
	folders := 0
	if err := s.do(`LIST "" "*"`, func(l client.Line) error {
		if bytes.HasPrefix(l.Text, []byte("* LIST ")) {
			folders++
		}
		return nil
	}); err != nil {
		return err
	}
	if folders < 6 {
		return fmt.Errorf("LIST: %d folders", folders)
	}
	for _, folder := range []string{"Sent", "Archive"} {
		if err := s.do("STATUS "+folder+" (MESSAGES UNSEEN UIDNEXT)", nil); err != nil {
			return err
		}
	}
	last := fmt.Sprintf("%d:%d", max(1, n-19), n)
	for _, items := range []string{"(UID FLAGS)", "(UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE)"} {
		if err := s.do("FETCH "+last+" "+items, expectLines(min(n, 20))); err != nil {
			return err
		}
	}
	for range 8 {
		s.at++
		if err := s.read(1 + s.at*7919%n); err != nil {
			return err
		}
	}
	for range 2 {
		if err := s.do("NOOP", nil); err != nil {
			return err
		}
	}
	if err := s.appendAndExpunge(n); err != nil {
		return err
	}
	s.commands++
	return s.c.Logout()
}

// read fetches a message as a client does that shows it, and every third time marks it as read.
func (s *mixedSession) read(number int) error {
	var octets int64
	if err := s.do(fmt.Sprintf("FETCH %d (UID BODY.PEEK[])", number), func(l client.Line) error {
		octets += l.Octets
		return nil
	}); err != nil {
		return err
	}
	if octets < 500 {
		return fmt.Errorf("FETCH of a body: %d octets", octets)
	}
	if s.at%3 != 0 {
		return nil
	}
	sign := "+-"[s.at/3%2]
	return s.do(fmt.Sprintf("STORE %d %cFLAGS (\\Seen)", number, sign), expectLines(1))
}

// appendAndExpunge adds a message and removes it again, so that the mailbox stays as large as it was.
func (s *mixedSession) appendAndExpunge(n int) error {
	s.commands++
	if _, err := s.c.Append("INBOX", `(\Seen)`, s.message, nil); err != nil {
		return err
	}
	if err := s.do(fmt.Sprintf(`STORE %d +FLAGS.SILENT (\Deleted)`, n+1), nil); err != nil {
		return err
	}
	gone := 0
	if err := s.do("EXPUNGE", func(l client.Line) error {
		if _, ok := client.Numbered(l.Text, "EXPUNGE"); ok {
			gone++
		}
		return nil
	}); err != nil {
		return err
	}
	if gone != 1 {
		return fmt.Errorf("EXPUNGE: %d messages", gone)
	}
	return nil
}

// expectLines wants n FETCH responses at most, and complains about more; less is found out by the loads that count.
func expectLines(n int) func(client.Line) error {
	seen := 0
	return func(l client.Line) error {
		if _, ok := client.Numbered(l.Text, "FETCH"); ok {
			if seen++; seen > n {
				return fmt.Errorf("more than %d FETCH responses", n)
			}
		}
		return nil
	}
}
