package bench

import (
	"bytes"
	"fmt"
	"strings"

	"bascule/internal/bench/client"
	"bascule/internal/bench/mailgen"
)

var fetchLoads = []Load{
	{
		Name: "fetch-bodies", What: "FETCH of all bodies", Unit: "messages/s", Per: "messages",
		Sizes: [3]int{1000, 10000, 100000}, Short: [3]int{10, 20, 40}, Aim: 2,
		Boxes: one, Run: fetchLoad(bodies),
	},
	{
		Name: "fetch-bodies-cold", What: "the same, with a server just started", Unit: "messages/s", Per: "messages",
		Sizes: [3]int{1000, 10000, 100000}, Short: [3]int{10, 20, 40}, Aim: 2, Cold: true,
		Boxes: one, Run: fetchOnce(bodies),
	},
	{
		Name: "fetch-flags", What: "FETCH of all flags and UIDs", Unit: "messages/s", Per: "messages",
		Sizes: [3]int{1000, 10000, 100000}, Short: [3]int{10, 20, 40}, Aim: 2,
		Boxes: one, Run: fetchLoad(flags),
	},
	{
		Name: "fetch-flags-cold", What: "the same, with a server just started", Unit: "messages/s", Per: "messages",
		Sizes: [3]int{1000, 10000, 100000}, Short: [3]int{10, 20, 40}, Aim: 2, Cold: true,
		Boxes: one, Run: fetchOnce(flags),
	},
	{
		Name: "fetch-list", What: "FETCH of ENVELOPE, BODYSTRUCTURE and headers", Unit: "messages/s", Per: "messages",
		Sizes: [3]int{1000, 10000, 100000}, Short: [3]int{10, 20, 40}, Aim: 2,
		Boxes: one, Warm: warmWith(listItems), Run: fetchLoad(list),
	},
	{
		Name: "fetch-list-cold", What: "the same, with a server just started", Unit: "messages/s", Per: "messages",
		Sizes: [3]int{1000, 10000, 100000}, Short: [3]int{10, 20, 40}, Aim: 2, Cold: true,
		Boxes: one, Warm: warmWith(listItems), Run: fetchOnce(list),
	},
}

var listItems = "(UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE BODY.PEEK[HEADER.FIELDS (" + strings.ToUpper(strings.Join(mailgen.FieldNames, " ")) + ")])"

// warmWith fetches once what will be measured, so that what a server keeps of it is there.
func warmWith(items string) func(*Gen, *client.IMAP) error {
	return func(_ *Gen, c *client.IMAP) error {
		if _, err := c.Select("SELECT", "INBOX"); err != nil {
			return err
		}
		return c.Do("FETCH 1:* "+items, nil)
	}
}

func fetchLoad(fetch func(*client.IMAP, mailgen.Facts) error) func(g *Gen) error {
	return fetching(fetch, func(g *Gen, op func() error) (int64, error) { return g.Loop(op) })
}

func fetchOnce(fetch func(*client.IMAP, mailgen.Facts) error) func(g *Gen) error {
	return fetching(fetch, func(_ *Gen, op func() error) (int64, error) { return 1, op() })
}

func fetching(fetch func(*client.IMAP, mailgen.Facts) error, repeat func(*Gen, func() error) (int64, error)) func(g *Gen) error {
	return func(g *Gen) error {
		facts, err := g.Facts(0)
		if err != nil {
			return err
		}
		c, err := g.Inbox(0)
		if err != nil {
			return err
		}
		defer c.Close()
		return g.Measure(func() (int64, error) {
			times, err := repeat(g, func() error { return fetch(c, facts) })
			return times * int64(len(facts)), err
		})
	}
}

func bodies(c *client.IMAP, facts mailgen.Facts) error {
	var octets int64
	var sum uint32
	if err := c.Do("FETCH 1:* (UID BODY.PEEK[])", func(l client.Line) error {
		octets += l.Octets
		sum += l.Sum
		return nil
	}); err != nil {
		return err
	}
	if octets != facts.Octets() || sum != facts.Sum() {
		return fmt.Errorf("FETCH of bodies: %d octets of %d, or other ones", octets, facts.Octets())
	}
	return nil
}

func flags(c *client.IMAP, facts mailgen.Facts) error {
	count, seen := 0, 0
	if err := c.Do("FETCH 1:* (UID FLAGS)", func(l client.Line) error {
		if _, ok := client.Numbered(l.Text, "FETCH"); ok {
			count++
			if bytes.Contains(l.Text, []byte(`\Seen`)) {
				seen++
			}
		}
		return nil
	}); err != nil {
		return err
	}
	if want := facts.Count(mailgen.Seen); count != len(facts) || seen != want {
		return fmt.Errorf("FETCH of flags: %d messages of %d, %d read of %d", count, len(facts), seen, want)
	}
	return nil
}

func list(c *client.IMAP, facts mailgen.Facts) error {
	count := 0
	var octets int64
	if err := c.Do("FETCH 1:* "+listItems, func(l client.Line) error {
		if _, ok := client.Numbered(l.Text, "FETCH"); !ok {
			return nil
		}
		count++
		octets += l.Octets
		for _, item := range listed {
			if !bytes.Contains(l.Text, item) {
				return fmt.Errorf("FETCH of a list: no %s in %.300q", item, l.Text)
			}
		}
		return nil
	}); err != nil {
		return err
	}
	if count != len(facts) || octets != facts.Fields() {
		return fmt.Errorf("FETCH of a list: %d messages of %d, %d octets of header fields of %d", count, len(facts), octets, facts.Fields())
	}
	return nil
}

var listed = [][]byte{[]byte("ENVELOPE (\""), []byte("BODYSTRUCTURE ("), []byte("RFC822.SIZE "), []byte("INTERNALDATE \""), []byte(".bench@example.org>\"")}
