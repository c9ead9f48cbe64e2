package bench

import (
	"bytes"
	"fmt"
	"time"

	"bascule/internal/bench/client"
	"bascule/internal/bench/mailgen"
)

// How long after LMTP's 250 a session that idles hears of the message. What comes before the 250 counts as 0.
var noticeLoads = []Load{
	{
		Name: "notice-one", What: "delivery to IDLE notice, all sessions on one mailbox", Unit: "ms (p99)", Lower: true, Per: "sessions",
		Sizes: [3]int{10, 100, 1000}, Short: [3]int{2, 4, 8}, Aim: 2, Fresh: true,
		Boxes: func(int) []Box { return boxes(1, mailgen.Mixed, 100) },
		Run:   func(g *Gen) error { return notice(g, g.Size, deliveries(g, 20)) },
	},
	{
		Name: "notice-many", What: "delivery to IDLE notice, each session on its own mailbox", Unit: "ms (p99)", Lower: true, Per: "sessions",
		Sizes: [3]int{10, 100, 1000}, Short: [3]int{2, 4, 8}, Aim: 2, Fresh: true,
		Boxes: func(size int) []Box { return boxes(size, mailgen.Mixed, 10) },
		Run:   func(g *Gen) error { return notice(g, 1, deliveries(g, 100)) },
	},
}

// deliveries is how many messages are delivered; few in the smoke test, since Dovecot tells of new mail only after half a second.
func deliveries(g *Gen, usual int) int {
	if g.Seconds < 1 {
		return 3
	}
	return usual
}

// heard says when a session heard of its mailbox's n-th message.
type heard struct {
	at  time.Time
	n   int
	err error
}

// notice opens g.Size idle sessions and delivers to one mailbox after the other; each message is heard by listeners sessions.
func notice(g *Gen, listeners, deliveries int) error {
	if err := pollsInsteadOf(g.Target, g.Size); err != nil {
		return err
	}
	ears := make(chan heard, g.Size)
	for i := range g.Size {
		d := g.dialer("imap")
		d.Buffer = 4 << 10
		c, err := g.login(d, i)
		if err != nil {
			return err
		}
		defer c.Close()
		if _, err := c.Select("SELECT", "INBOX"); err != nil {
			return err
		}
		if err := c.Idle(); err != nil {
			return err
		}
		go listen(c, ears)
	}
	mta, err := g.dialer("lmtp").LMTP(g.ctx)
	if err != nil {
		return err
	}
	defer mta.Close()
	var message bytes.Buffer
	mailgen.Sized(2000).Message(&message, 1)
	stuffed := client.Stuff(message.Bytes())
	var latency, total []time.Duration
	if err := g.Measure(func() (int64, error) {
		for d := range deliveries {
			begun := time.Now()
			if err := mta.Deliver(g.Box(d).Address(), stuffed); err != nil {
				return 0, err
			}
			done := time.Now()
			want := g.Box(d).Count + 1 + d/len(g.Target.Boxes)
			for range listeners {
				h := <-ears
				if h.err != nil {
					return 0, h.err
				}
				if h.n != want {
					return 0, fmt.Errorf("a session heard of message %d, not %d", h.n, want)
				}
				latency = append(latency, max(0, h.at.Sub(done)))
				total = append(total, h.at.Sub(begun))
			}
		}
		return int64(len(latency)), nil
	}); err != nil {
		return err
	}
	g.Value(milliseconds(percentile(latency, 99)))
	g.Detail("p50 ms", milliseconds(percentile(latency, 50)))
	g.Detail("p99 ms with delivery", milliseconds(percentile(total, 99)))
	return nil
}

// listen tells of every EXISTS until the connection ends.
func listen(c *client.IMAP, ears chan<- heard) {
	for {
		l, err := c.Wait(2 * time.Minute)
		if err != nil {
			ears <- heard{err: err}
			return
		}
		if n, ok := client.Numbered(l.Text, "EXISTS"); ok {
			ears <- heard{at: time.Now(), n: n}
		}
	}
}
