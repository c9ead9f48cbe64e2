package bench

import (
	"errors"
	"fmt"

	"bascule/internal/bench/client"
	"bascule/internal/bench/mailgen"
)

// Everything is fetched by one client, in one session after the other.
var retrLoads = []Load{
	{
		Name: "pop3-retr", What: "POP3 RETR of everything", Unit: "MiB/s", Per: "octets in each message",
		Sizes: [3]int{1 << 10, 100 << 10, 10 << 20}, Short: [3]int{1 << 10, 2 << 10, 20 << 10}, Aim: 1.5,
		Boxes: retrBoxes, Warm: warmRead, Run: retr("pop3"),
	},
	{
		Name: "pop3-retr-tls", What: "POP3 RETR of everything, TLS", Unit: "MiB/s", Per: "octets in each message",
		Sizes: [3]int{1 << 10, 100 << 10, 10 << 20}, Short: [3]int{1 << 10, 2 << 10, 20 << 10}, Aim: 1.5,
		Boxes: retrBoxes, Warm: warmRead, Run: retr("pop3s"),
	},
}

// retrBoxes has 64 MiB, or 2,000 messages if they are small.
func retrBoxes(size int) []Box {
	if size <= 20<<10 && size != 1<<10 {
		return boxes(1, mailgen.Sized(size), 5)
	}
	return boxes(1, mailgen.Sized(size), min(2000, 64<<20/size))
}

// warmRead marks all as read: RETR does that, and renaming the files is not what is measured here.
func warmRead(g *Gen, c *client.IMAP) error {
	if err := warmList(g, c); err != nil {
		return err
	}
	return c.Do(`STORE 1:* +FLAGS.SILENT (\Seen)`, nil)
}

func retr(kind string) func(g *Gen) error {
	return func(g *Gen) error {
		facts, err := g.Facts(0)
		if err != nil {
			return err
		}
		err = g.Measure(func() (int64, error) {
			sessions, err := g.Loop(func() error { return retrAll(g, kind, facts) })
			return sessions * int64(len(facts)), err
		})
		g.Value(float64(g.sample.Ops) / float64(len(facts)) * float64(facts.Octets()) / g.sample.Seconds / (1 << 20))
		return err
	}
}

func retrAll(g *Gen, kind string, facts mailgen.Facts) error {
	c, err := g.dialer(kind).POP3(g.ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.Login(g.Box(0).Address(), password); err != nil {
		return err
	}
	for i, f := range facts {
		octets, sum, err := c.Retr(i + 1)
		if err != nil {
			return err
		}
		if octets != int64(f.Octets) || sum != f.Sum {
			return fmt.Errorf("RETR %d: %d octets of %d, or other ones", i+1, octets, f.Octets)
		}
	}
	if c.Resumed() {
		return errors.New("bench: RETR must not profit from a resumed session")
	}
	return c.Quit()
}
