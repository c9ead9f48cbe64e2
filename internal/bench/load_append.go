package bench

import (
	"bytes"
	"fmt"

	"bascule/internal/bench/client"
	"bascule/internal/bench/mailgen"
)

// Each client appends to its own mailbox.
var appendLoads = []Load{appendLoad(1), appendLoad(50)}

func appendLoad(clients int) Load {
	return Load{
		Name: fmt.Sprintf("append-%d", clients), What: fmt.Sprintf("APPEND, %d parallel", clients), Unit: "messages/s", Per: "octets in each message",
		Sizes: [3]int{2 << 10, 64 << 10, 1 << 20}, Short: [3]int{1 << 10, 2 << 10, 4 << 10}, Aim: 1.5, Fresh: true,
		Boxes: func(int) []Box { return boxes(clients, mailgen.Mixed, 0) }, Run: appending,
	}
}

func appending(g *Gen) error {
	var message bytes.Buffer
	mailgen.Sized(g.Size).Message(&message, 1)
	counts := make([]int, len(g.Target.Boxes))
	sessions := make([]*client.IMAP, len(counts))
	for i := range sessions {
		c, err := g.Inbox(i)
		if err != nil {
			return err
		}
		defer c.Close()
		sessions[i] = c
	}
	if err := g.Measure(func() (int64, error) {
		return g.Parallel(len(sessions), func(i int) (int64, error) {
			return g.Loop(func() error {
				counts[i]++
				uid, err := sessions[i].Append("INBOX", "", message.Bytes(), nil)
				if err == nil && uid != counts[i] {
					err = fmt.Errorf("APPEND: UID %d for message %d", uid, counts[i])
				}
				return err
			})
		})
	}); err != nil {
		return err
	}
	for i, c := range sessions {
		if err := left(c, counts[i]); err != nil {
			return err
		}
	}
	return checkLast(sessions[0], counts[0], message.Bytes())
}

// checkLast reads a message back. It may have header fields before those that were sent, as LMTP adds some.
func checkLast(c *client.IMAP, number int, message []byte) error {
	var octets int64
	if err := c.Do(fmt.Sprintf("FETCH %d BODY.PEEK[TEXT]", number), func(l client.Line) error {
		octets += l.Octets
		return nil
	}); err != nil {
		return err
	}
	_, text, _ := bytes.Cut(message, []byte("\r\n\r\n"))
	if octets != int64(len(text)) {
		return fmt.Errorf("the text of message %d has %d octets, not %d", number, octets, len(text))
	}
	return nil
}
