package bench

import (
	"fmt"
	"strings"

	"bascule/internal/bench/client"
	"bascule/internal/bench/mailgen"
)

// One command on half of a mailbox that has twice as many messages.
var transferLoads = []Load{
	transferLoad("copy", "COPY", 0, copyHalf),
	transferLoad("move", "MOVE", 1, moveHalf),
	transferLoad("expunge", "EXPUNGE", 1, expungeHalf),
}

// transferLoad: goes is 1 if the messages leave the mailbox.
func transferLoad(name, what string, goes int, run func(c *client.IMAP, size int) error) Load {
	return Load{
		Name: name, What: what + " of half of a mailbox", Unit: "messages/s", Per: "messages",
		Sizes: [3]int{100, 1000, 10000}, Short: [3]int{5, 10, 20}, Aim: 2, Fresh: true,
		Boxes: func(size int) []Box { return boxes(1, mailgen.Mixed, 2*size) },
		Run: func(g *Gen) error {
			c, err := g.Inbox(0)
			if err != nil {
				return err
			}
			defer c.Close()
			if name == "expunge" {
				if err := c.Do(fmt.Sprintf(`STORE 1:%d +FLAGS.SILENT (\Deleted)`, g.Size), nil); err != nil {
					return err
				}
			}
			if err := g.Measure(func() (int64, error) { return int64(g.Size), run(c, g.Size) }); err != nil {
				return err
			}
			return left(c, 2*g.Size-goes*g.Size)
		},
	}
}

// left looks at what a mailbox has afterwards, as a new SELECT sees it.
func left(c *client.IMAP, want int) error {
	n, err := c.Select("SELECT", "INBOX")
	if err == nil && n != want {
		err = fmt.Errorf("%d messages are left, not %d", n, want)
	}
	return err
}

func copyHalf(c *client.IMAP, size int) error {
	text, err := c.DoText(fmt.Sprintf("COPY 1:%d Archive", size), nil)
	if err == nil && !strings.HasPrefix(text, "[COPYUID ") {
		err = fmt.Errorf("COPY: no COPYUID in %.100q", text)
	}
	return err
}

func moveHalf(c *client.IMAP, size int) error {
	copied := false
	gone, err := expunged(c, fmt.Sprintf("MOVE 1:%d Archive", size), func(l client.Line) {
		copied = copied || strings.HasPrefix(string(l.Text), "* OK [COPYUID ")
	})
	if err == nil && (gone != size || !copied) {
		err = fmt.Errorf("MOVE: %d of %d messages went, COPYUID %v", gone, size, copied)
	}
	return err
}

func expungeHalf(c *client.IMAP, size int) error {
	gone, err := expunged(c, "EXPUNGE", func(client.Line) {})
	if err == nil && gone != size {
		err = fmt.Errorf("EXPUNGE: %d of %d messages went", gone, size)
	}
	return err
}

// expunged counts the EXPUNGE responses to a command.
func expunged(c *client.IMAP, command string, also func(client.Line)) (n int, err error) {
	err = c.Do(command, func(l client.Line) error {
		if _, ok := client.Numbered(l.Text, "EXPUNGE"); ok {
			n++
		} else {
			also(l)
		}
		return nil
	})
	return n, err
}
