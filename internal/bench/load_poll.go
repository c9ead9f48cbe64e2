package bench

import (
	"fmt"

	"bascule/internal/bench/mailgen"
)

// What POP3 clients that leave mail on the server do every few minutes, nearly always in vain.
var pollLoads = []Load{{
	Name: "pop3-poll", What: "POP3 poll: login, STAT, UIDL, QUIT, 4 clients", Unit: "sessions/s", Per: "messages in each mailbox",
	Sizes: [3]int{1000, 10000, 50000}, Short: [3]int{10, 20, 40}, Aim: 5,
	Boxes: func(size int) []Box { return boxes(4, mailgen.Mixed, size) },
	Run: func(g *Gen) error {
		return g.Measure(func() (int64, error) {
			return g.Parallel(len(g.Target.Boxes), func(i int) (int64, error) {
				facts, err := g.Facts(i)
				if err != nil {
					return 0, err
				}
				return g.Loop(func() error { return poll(g, i, facts) })
			})
		})
	},
}}

func poll(g *Gen, i int, facts mailgen.Facts) error {
	c, err := g.dialer("pop3").POP3(g.ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.Login(g.Box(i).Address(), password); err != nil {
		return err
	}
	stat, err := c.Do("STAT")
	if err != nil {
		return err
	}
	var count int
	var octets int64
	if _, err := fmt.Sscanf(stat, "+OK %d %d", &count, &octets); err != nil || count != len(facts) || octets != facts.Octets() {
		return fmt.Errorf("STAT: %q, not %d messages of %d octets", stat, len(facts), facts.Octets())
	}
	lines := 0
	if err := c.List("UIDL", func([]byte) error { lines++; return nil }); err != nil {
		return err
	}
	if lines != count {
		return fmt.Errorf("UIDL: %d lines of %d", lines, count)
	}
	return c.Quit()
}
