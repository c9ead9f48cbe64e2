package bench

import (
	"bytes"
	"fmt"
	"time"

	"bascule/internal/bench/client"
	"bascule/internal/bench/mailgen"
)

var searchLoads = []Load{
	searchLoad("search-flags", "SEARCH by flags", 2, func(int) (string, func(int) bool) {
		return "FLAGGED UNSEEN", func(i int) bool { return mailgen.Flagged(i) && !mailgen.Seen(i) }
	}),
	searchLoad("search-dates", "SEARCH by dates", 2, func(n int) (string, func(int) bool) {
		from, to := day(mailgen.Date(n/4)), day(mailgen.Date(n/2)).AddDate(0, 0, 1)
		return "SINCE " + from.Format("2-Jan-2006") + " BEFORE " + to.Format("2-Jan-2006"), func(i int) bool {
			return !mailgen.Date(i).Before(from) && mailgen.Date(i).Before(to)
		}
	}),
	searchLoad("search-header", "SEARCH in a header field", 2, func(int) (string, func(int) bool) {
		return "SUBJECT " + mailgen.Topic, mailgen.HasTopic
	}),
	without(searchLoad("search-body", "SEARCH in bodies, without an index", 2, needle)),
	indexed(searchLoad("search-index", "SEARCH in bodies, with our text index (Dovecot has none here)", 20, needle)),
}

func needle(int) (string, func(int) bool) { return "BODY " + mailgen.Needle, mailgen.HasNeedle }

// without is a load on accounts without a text index.
func without(l Load) Load {
	l.Boxes = func(size int) []Box { return indexing(one(size), "off") }
	return l
}

func indexing(all []Box, mode string) []Box {
	for i := range all {
		all[i].SearchIndex = mode
	}
	return all
}

// indexed is a load on accounts whose text index is filled before anything is measured.
func indexed(l Load) Load {
	l.Boxes = func(size int) []Box { return indexing(one(size), "on") }
	return l
}

func day(t time.Time) time.Time { return t.Truncate(24 * time.Hour) }

// searchLoad: criteria gives the search for a mailbox of n messages and which it must find.
func searchLoad(name, what string, aim float64, criteria func(n int) (string, func(i int) bool)) Load {
	return Load{
		Name: name, What: what, Unit: "commands/s", Per: "messages",
		Sizes: [3]int{5000, 15000, 50000}, Short: [3]int{100, 200, 400}, Aim: aim, Boxes: one,
		Warm: func(g *Gen, c *client.IMAP) error {
			if err := warmList(g, c); err != nil {
				return err
			}
			query, _ := criteria(g.Size)
			return c.Do("SEARCH "+query, nil)
		},
		Run: func(g *Gen) error {
			c, err := g.Inbox(0)
			if err != nil {
				return err
			}
			defer c.Close()
			query, matches := criteria(g.Size)
			return g.Measure(func() (int64, error) {
				return g.Loop(func() error { return search(c, query, g.Size, matches) })
			})
		},
	}
}

func search(c *client.IMAP, query string, n int, matches func(i int) bool) error {
	found := 0
	if err := c.Do("SEARCH "+query, func(l client.Line) error {
		rest, ok := bytes.CutPrefix(l.Text, []byte("* SEARCH"))
		if !ok {
			return nil
		}
		for word := range bytes.FieldsSeq(rest) {
			number := 0
			for _, d := range word {
				number = number*10 + int(d-'0')
			}
			if number < 1 || number > n || !matches(number-1) {
				return fmt.Errorf("found message %d", number)
			}
			found++
		}
		return nil
	}); err != nil {
		return err
	}
	want := 0
	for i := range n {
		if matches(i) {
			want++
		}
	}
	if found != want {
		return fmt.Errorf("SEARCH %s: %d messages, not %d", query, found, want)
	}
	return nil
}
