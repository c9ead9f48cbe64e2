package bench

import (
	"bytes"
	"fmt"

	"bascule/internal/bench/client"
	"bascule/internal/bench/mailgen"
)

// The first opening of mail that another program wrote: LF line ends, no sizes in the names, no index. Logging in counts, since Bascule takes
// the Maildir over there and Dovecot at SELECT; it is by SCRAM, whose cost is the client's, so that no password's hash is measured besides.
var openLoads = []Load{
	{
		Name: "first-open", What: "first login and SELECT of a foreign Maildir", Unit: "messages/s", Per: "messages",
		Sizes: [3]int{1000, 10000, 100000}, Short: [3]int{10, 20, 40}, Aim: 1, Fresh: true,
		Boxes: foreign, Untouched: true, Run: firstOpen(""),
	},
	{
		Name: "first-sync", What: "the same, and FETCH of flags and sizes", Unit: "messages/s", Per: "messages",
		Sizes: [3]int{1000, 10000, 100000}, Short: [3]int{10, 20, 40}, Aim: 1, Fresh: true,
		Boxes: foreign, Untouched: true, Run: firstOpen("FETCH 1:* (UID FLAGS RFC822.SIZE)"),
	},
}

func foreign(size int) []Box {
	all := boxes(1, mailgen.Kind{Foreign: true}, size)
	all[0].SCRAM = true
	return all
}

func firstOpen(fetch string) func(g *Gen) error {
	return func(g *Gen) error {
		facts, err := g.Facts(0)
		if err != nil {
			return err
		}
		c, err := g.dialer("imap").IMAP(g.ctx)
		if err != nil {
			return err
		}
		defer c.Close()
		return g.Measure(func() (int64, error) {
			if err := c.LoginSCRAM(&client.SCRAM{User: g.Box(0).Address(), Password: password}); err != nil {
				return 0, err
			}
			n, err := c.Select("SELECT", "INBOX")
			if err != nil {
				return 0, err
			}
			if n != len(facts) {
				return 0, fmt.Errorf("SELECT: %d messages of %d", n, len(facts))
			}
			if fetch == "" {
				return int64(n), nil
			}
			return int64(n), sizes(c, fetch, facts)
		})
	}
}

// sizes checks that the sizes, as they come over the wire, add up.
func sizes(c *client.IMAP, command string, facts mailgen.Facts) error {
	var octets int64
	if err := c.Do(command, func(l client.Line) error {
		n, err := item(l.Text, "RFC822.SIZE ")
		octets += n
		return err
	}); err != nil {
		return err
	}
	if octets != facts.Octets() {
		return fmt.Errorf("%s: sizes add up to %d, not %d", command, octets, facts.Octets())
	}
	return nil
}

// item reads the number behind a FETCH item; 0 if the line has no such item.
func item(text []byte, name string) (n int64, err error) {
	_, rest, ok := bytes.Cut(text, []byte(name))
	if !ok {
		return 0, nil
	}
	digits := 0
	for _, d := range rest {
		if d < '0' || d > '9' {
			break
		}
		n = n*10 + int64(d-'0')
		digits++
	}
	if digits == 0 {
		return 0, fmt.Errorf("no number behind %s", name)
	}
	return n, nil
}
