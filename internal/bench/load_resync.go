package bench

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"bascule/internal/bench/client"
	"bascule/internal/bench/mailgen"
)

// Coming back to a mailbox (RFC 7162 §3.2.5): what SELECT costs that also tells what was missed.
var resyncLoads = []Load{{
	Name: "resync", What: "SELECT (QRESYNC) after 10 changes", Unit: "ms", Lower: true, Per: "messages",
	Sizes: [3]int{1000, 10000, 100000}, Short: [3]int{10, 20, 40}, Aim: 2,
	Fresh: true, Boxes: one, Run: resync,
}}

// Each round has flagged and arrived messages to be fetched, and expunged ones.
const flagged, arrived, removed = 5, 3, 2

// resync makes ten changes by one session and has another one come back, as often as there is time. Only the SELECT of the latter counts:
// logging in is mostly the password's hash, on which the two servers differ by design.
func resync(g *Gen) error {
	other, err := g.Inbox(0)
	if err != nil {
		return err
	}
	defer other.Close()
	back, err := g.IMAP(0)
	if err != nil {
		return err
	}
	defer back.Close()
	if err := back.Do("ENABLE QRESYNC", nil); err != nil {
		return err
	}
	var state resyncState
	if err := state.selects(back, "SELECT INBOX"); err != nil {
		return err
	}
	var message bytes.Buffer
	mailgen.Sized(3000).Message(&message, 1)
	var spent time.Duration
	var octets int
	err = g.Measure(func() (int64, error) {
		round := 0
		return g.Loop(func() error {
			if err := back.Do("UNSELECT", nil); err != nil {
				return err
			}
			if err := tenChanges(other, round, g.Box(0).Count, message.Bytes()); err != nil {
				return err
			}
			round++
			start := time.Now()
			err := state.selects(back, fmt.Sprintf("SELECT INBOX (QRESYNC (%d %d))", state.validity, state.modSeq))
			spent += time.Since(start)
			octets += state.octets
			if err == nil && (state.fetched != flagged+arrived || state.gone != removed) {
				err = fmt.Errorf("SELECT (QRESYNC): told of %d changed and %d expunged messages", state.fetched, state.gone)
			}
			return err
		})
	})
	g.Value(milliseconds(spent) / float64(g.sample.Ops))
	g.Detail("octets", float64(octets)/float64(g.sample.Ops))
	return err
}

// tenChanges never leaves a message as it was: the keyword is another one each round.
func tenChanges(c *client.IMAP, round, count int, message []byte) error {
	first := round*flagged%(count-flagged+1) + 1
	commands := []string{
		fmt.Sprintf("STORE %d:%d FLAGS.SILENT ($round%d)", first, first+flagged-1, round%7),
		fmt.Sprintf(`STORE %d:%d +FLAGS.SILENT (\Deleted)`, count-removed+1, count),
		"EXPUNGE",
	}
	if first+flagged-1 > count-removed { // they must not be those that go
		commands[0] = fmt.Sprintf("STORE 1:%d FLAGS.SILENT ($again%d)", flagged, round%7)
	}
	for range arrived {
		if _, err := c.Append("INBOX", "", message, nil); err != nil {
			return err
		}
	}
	for _, command := range commands {
		if err := c.Do(command, nil); err != nil {
			return err
		}
	}
	return nil
}

// resyncState is what a client knows of the mailbox, and what the last SELECT told.
type resyncState struct {
	validity, modSeq uint64

	fetched, gone, octets int
}

func (s *resyncState) selects(c *client.IMAP, command string) error {
	s.fetched, s.gone, s.octets = 0, 0, 0
	text, err := c.DoText(command, func(l client.Line) (err error) {
		s.octets += len(l.Text) + len("\r\n")
		if v, ok := codeNumber(l.Text, "UIDVALIDITY"); ok {
			s.validity = v
		}
		if v, ok := codeNumber(l.Text, "HIGHESTMODSEQ"); ok {
			s.modSeq = v
		}
		if _, ok := client.Numbered(l.Text, "FETCH"); ok {
			s.fetched++
		}
		if set, ok := bytes.CutPrefix(l.Text, []byte("* VANISHED (EARLIER) ")); ok {
			s.gone += uidsIn(string(set))
		}
		return nil
	})
	s.octets += len("a10 OK \r\n") + len(text)
	if err == nil && (s.validity == 0 || s.modSeq == 0) {
		err = errors.New(command + ": no UIDVALIDITY or HIGHESTMODSEQ")
	}
	return err
}

// uidsIn counts the UIDs of a set.
func uidsIn(set string) (n int) {
	for part := range strings.SplitSeq(set, ",") {
		first, last, run := strings.Cut(part, ":")
		from, _ := strconv.Atoi(first)
		to := from
		if run {
			to, _ = strconv.Atoi(last)
		}
		n += to - from + 1
	}
	return n
}

// codeNumber reads "* OK [NAME number] …".
func codeNumber(text []byte, name string) (uint64, bool) {
	rest, ok := bytes.CutPrefix(text, []byte("* OK ["+name+" "))
	digits, _, closed := bytes.Cut(rest, []byte("]"))
	if !ok || !closed {
		return 0, false
	}
	v, err := strconv.ParseUint(string(digits), 10, 64)
	return v, err == nil
}
