package bench

import (
	"bytes"
	"fmt"

	"bascule/internal/bench/client"
	"bascule/internal/bench/mailgen"
)

// Each connection delivers to its own mailbox.
var lmtpLoads = []Load{lmtpLoad(1), lmtpLoad(50)}

func lmtpLoad(connections int) Load {
	return Load{
		Name: fmt.Sprintf("lmtp-%d", connections), What: fmt.Sprintf("LMTP delivery, %d parallel", connections), Unit: "messages/s", Per: "octets in each message",
		Sizes: [3]int{2 << 10, 64 << 10, 1 << 20}, Short: [3]int{1 << 10, 2 << 10, 4 << 10}, Aim: 1.5, Fresh: true,
		Boxes: func(int) []Box { return boxes(connections, mailgen.Mixed, 0) }, Run: delivering,
	}
}

func delivering(g *Gen) error {
	var message bytes.Buffer
	mailgen.Sized(g.Size).Message(&message, 1)
	stuffed := client.Stuff(message.Bytes())
	counts := make([]int, len(g.Target.Boxes))
	connections := make([]*client.LMTP, len(counts))
	for i := range connections {
		c, err := g.dialer("lmtp").LMTP(g.ctx)
		if err != nil {
			return err
		}
		defer c.Close()
		connections[i] = c
	}
	if err := g.Measure(func() (int64, error) {
		return g.Parallel(len(connections), func(i int) (int64, error) {
			return g.Loop(func() error {
				counts[i]++
				return connections[i].Deliver(g.Box(i).Address(), stuffed)
			})
		})
	}); err != nil {
		return err
	}
	for i, want := range counts {
		c, err := g.IMAP(i)
		if err != nil {
			return err
		}
		defer c.Close()
		if err := left(c, want); err != nil {
			return fmt.Errorf("after delivery: %w", err)
		}
		if err := checkLast(c, want, message.Bytes()); err != nil {
			return err
		}
	}
	return nil
}
