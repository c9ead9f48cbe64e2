package bench

import (
	"bytes"
	"fmt"
	"time"

	"bascule/internal/bench/client"
	"bascule/internal/bench/mailgen"
)

var selectLoads = []Load{
	{
		Name: "select-warm", What: "SELECT, again and again", Unit: "commands/s", Per: "messages",
		Sizes: [3]int{1000, 10000, 100000}, Short: [3]int{10, 20, 40}, Aim: 2,
		Boxes: one,
		Run: func(g *Gen) error {
			c, err := g.Inbox(0)
			if err != nil {
				return err
			}
			defer c.Close()
			return g.Measure(func() (int64, error) {
				return g.Loop(func() error {
					n, err := c.Select("SELECT", "INBOX")
					if err == nil && n != g.Box(0).Count {
						err = fmt.Errorf("SELECT: %d messages of %d", n, g.Box(0).Count)
					}
					return err
				})
			})
		},
	},
	{
		Name: "select-cold", What: "first SELECT after the server was started", Unit: "ms", Lower: true, Per: "messages",
		Sizes: [3]int{1000, 10000, 100000}, Short: [3]int{10, 20, 40}, Aim: 2, Cold: true,
		Boxes: func(size int) []Box { return boxes(3, mailgen.Mixed, size) }, Run: selectCold,
	},
	{
		Name: "select-new", What: "SELECT after 10 new files were put into new/", Unit: "ms", Lower: true, Per: "messages",
		Sizes: [3]int{1000, 10000, 100000}, Short: [3]int{10, 20, 40}, Aim: 2,
		Fresh: true, Boxes: one, Run: selectNew,
	},
}

// selectCold opens three mailboxes in turn. Logging in is not counted, neither its time nor the processor's: after a start it is mostly the
// password's hash, on which the two servers differ by design.
func selectCold(g *Gen) error {
	sessions := make([]*client.IMAP, len(g.Target.Boxes))
	for i := range sessions {
		c, err := g.IMAP(i)
		if err != nil {
			return err
		}
		defer c.Close()
		sessions[i] = c
	}
	var spent time.Duration
	err := g.Measure(func() (int64, error) {
		for i, c := range sessions {
			start := time.Now()
			n, err := c.Select("SELECT", "INBOX")
			if err != nil {
				return 0, err
			}
			spent += time.Since(start)
			if n != g.Box(i).Count {
				return 0, fmt.Errorf("SELECT: %d messages of %d", n, g.Box(i).Count)
			}
		}
		return int64(len(sessions)), nil
	})
	g.Value(milliseconds(spent) / float64(len(sessions)))
	return err
}

// selectNew drops ten files and selects, as often as there is time. Only SELECT counts.
func selectNew(g *Gen) error {
	c, err := g.Inbox(0)
	if err != nil {
		return err
	}
	defer c.Close()
	var message bytes.Buffer
	mailgen.Sized(3000).Message(&message, 1)
	owner := ownerOf(g.Box(0).Maildir)
	want := g.Box(0).Count
	var spent time.Duration
	err = g.Measure(func() (int64, error) {
		return g.Loop(func() error {
			for range 10 {
				if err := mailgen.Drop(g.Box(0).Maildir, message.Bytes(), owner); err != nil {
					return err
				}
			}
			want += 10
			start := time.Now()
			n, err := c.Select("SELECT", "INBOX")
			if err != nil {
				return err
			}
			spent += time.Since(start)
			if n != want {
				return fmt.Errorf("SELECT with new mail: %d messages of %d", n, want)
			}
			return nil
		})
	})
	g.Value(milliseconds(spent) / float64(g.sample.Ops))
	return err
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
