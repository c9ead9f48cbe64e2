package bench

import (
	"fmt"

	"bascule/internal/bench/client"
)

// A flag is set on the first k messages of a mailbox and taken away again.
var storeLoads = []Load{
	storeLoad(1, [3]int{1000, 10000, 100000}),
	storeLoad(100, [3]int{1000, 10000, 100000}),
	storeLoad(10000, [3]int{10000, 30000, 100000}),
}

func storeLoad(k int, sizes [3]int) Load {
	return Load{
		Name: fmt.Sprintf("store-%d", k), What: fmt.Sprintf("STORE of a flag on %d messages", k), Unit: "commands/s", Per: "messages",
		Sizes: sizes, Short: [3]int{20, 30, 40}, Aim: 2, Boxes: one,
		Run: func(g *Gen) error {
			c, err := g.Inbox(0)
			if err != nil {
				return err
			}
			defer c.Close()
			number, sign := 0, '-'
			next := func() error {
				if sign = '+' + '-' - sign; sign == '+' {
					number++
				}
				first, last := 1, min(k, g.Size)
				if k == 1 { // each time another one
					first = 1 + number%g.Size
					last = first
				}
				return storeFlag(c, sign, first, last)
			}
			if err := g.Measure(func() (int64, error) { return g.Loop(next) }); err != nil || sign == '-' {
				return err
			}
			return next() // Dovecot tells nothing of flags that the next run would find set
		},
	}
}

func storeFlag(c *client.IMAP, sign rune, first, last int) error {
	n := 0
	if err := c.Do(fmt.Sprintf(`STORE %d:%d %cFLAGS (\Answered)`, first, last, sign), func(l client.Line) error {
		if _, ok := client.Numbered(l.Text, "FETCH"); ok {
			n++
		}
		return nil
	}); err != nil {
		return err
	}
	if n != last-first+1 {
		return fmt.Errorf("STORE: %d responses for %d messages", n, last-first+1)
	}
	return nil
}
