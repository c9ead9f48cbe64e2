package stresstest

import (
	"fmt"
	"strings"
	"time"

	"bascule/internal/testkit/strict"
)

// boxes are shared by all clients.
var boxes = []string{"INBOX", "Archive", "Work"}

// crowded is when clients would rather remove than add.
const crowded = 60

// step does one thing at random.
func (c *client) step() error {
	if c.View == nil || c.rnd.IntN(30) == 0 {
		return c.enter(boxes[c.rnd.IntN(len(boxes))])
	}
	if err := c.learn(); err != nil {
		return err
	}
	switch n := len(c.View.Messages); {
	case n < 3:
		return c.append()
	case n > crowded && c.rnd.IntN(3) == 0:
		return c.remove()
	}
	switch c.rnd.IntN(14) {
	case 0, 1:
		_, _, err := c.do("NOOP")
		return err
	case 2:
		return c.idle()
	case 3:
		return c.readOne()
	case 4, 5:
		return c.keep()
	case 6:
		return c.mark()
	case 7:
		return c.search()
	case 8:
		_, _, err := c.do("FETCH 1:* (UID FLAGS)")
		return err
	case 9:
		return c.append()
	case 10:
		return c.transfer("COPY")
	case 11:
		return c.transfer("MOVE")
	case 12:
		return c.remove()
	default:
		_, _, err := c.do("STATUS %s (MESSAGES UIDNEXT UNSEEN)", boxes[c.rnd.IntN(len(boxes))])
		return err
	}
}

// idle listens for a while.
func (c *client) idle() error {
	if err := c.Idle(); err != nil {
		return err
	}
	for range 1 + c.rnd.IntN(5) {
		if _, err := c.Next(time.Duration(c.rnd.IntN(100)) * time.Millisecond); err != nil && err != strict.ErrSilent {
			return err
		}
	}
	if _, err := c.Done(); err != nil {
		return err
	}
	c.counts["IDLE"]++
	return c.wrong
}

// readOne reads a message by its number.
func (c *client) readOne() error {
	seqs, keys := c.some(1)
	if len(seqs) == 0 {
		return nil
	}
	r, done, err := c.do("FETCH %d (BODY.PEEK[])", seqs[0])
	if !done {
		return err
	}
	want := c.l.idOf(keys[0])
	for _, f := range r.Fetches {
		if body, ok := f.Items["BODY[]"]; ok && f.Seq == seqs[0] {
			if m := subject.FindStringSubmatch(body); m == nil || m[1] != want || !strings.HasSuffix(body, "End of "+want+".\r\n") {
				return fmt.Errorf("client %d: number %d is UID %d, %s, but reads %q", c.n, seqs[0], keys[0].uid, want, body)
			}
			return nil
		}
	}
	return fmt.Errorf("client %d: no body of number %d\n%s", c.n, seqs[0], c.Dialogue())
}

// keep sets or removes the keyword that is this client's alone.
func (c *client) keep() error {
	seqs, keys := c.some(6)
	if len(seqs) == 0 {
		return nil
	}
	sign, silent := "+", ""
	if c.rnd.IntN(2) == 0 {
		sign = "-"
	}
	if c.rnd.IntN(2) == 0 {
		silent = ".SILENT"
	}
	for _, k := range keys {
		c.unsure[k] = true
	}
	prefix, set := c.set(seqs, keys)
	r, done, err := c.do("%sSTORE %s %sFLAGS%s (%s)", prefix, set, sign, silent, c.keyword)
	if err != nil {
		return err
	}
	if r.Code == "INUSE" {
		for _, k := range keys {
			delete(c.unsure, k)
		}
		return nil
	}
	for _, k := range keys {
		delete(c.own, k)
		delete(c.unsure, k)
	}
	if !done || r.Code != "" {
		// Some had gone; of the others it was done, but who knows of which. A client that wants to know has to ask.
		_, words := uidSet(keys)
		_, _, err := c.do("UID FETCH %s (FLAGS)", words)
		return err
	}
	for _, k := range keys {
		c.own[k] = sign == "+"
		if silent != "" {
			c.View.Assume(k.uid, c.keyword, sign == "+")
		}
	}
	return nil
}

// uidSet writes a set of UIDs for the UID form of a command.
func uidSet(keys []key) (prefix, set string) {
	var words []string
	for _, k := range keys {
		words = append(words, fmt.Sprint(k.uid))
	}
	return "UID ", strings.Join(words, ",")
}

// mark changes flags that everybody changes.
func (c *client) mark() error {
	seqs, keys := c.some(4)
	if len(seqs) == 0 {
		return nil
	}
	flag := []string{`\Seen`, `\Flagged`, `\Answered`, "$Forwarded", "Shared"}[c.rnd.IntN(5)]
	prefix, set := c.set(seqs, keys)
	_, _, err := c.do("%sSTORE %s %sFLAGS (%s)", prefix, set, []string{"+", "-"}[c.rnd.IntN(2)], flag)
	return err
}

func (c *client) search() error {
	r, done, err := c.do("UID SEARCH KEYWORD %s", c.keyword)
	if !done {
		return err
	}
	found := map[uint32]bool{}
	for _, uid := range r.Search {
		found[uid] = true
	}
	for _, m := range c.View.Messages {
		k := key{c.View.Mailbox, m.UID}
		if want, known := c.own[k]; known && m.UID != 0 && found[m.UID] != want && !c.l.mayVanish(k) {
			return fmt.Errorf("client %d: UID SEARCH KEYWORD %s finds %v; that UID %d is among them should be %v\n%s", c.n, c.keyword, r.Search, m.UID, want, c.Dialogue())
		}
	}
	return nil
}

func text(id string) string {
	return "From: sender@example.net\r\nSubject: " + id + "\r\n\r\n.dot\r\nEnd of " + id + ".\r\n"
}

func (c *client) append() error {
	box, id := boxes[c.rnd.IntN(len(boxes))], c.l.fresh()
	note(c.l, c.l.appended, id)
	m := text(id)
	r, done, err := c.do("APPEND %s (Shared) {%d+}\r\n%s", box, len(m), m)
	if !done {
		return err
	}
	var validity, uid uint32
	if _, err := fmt.Sscanf(r.Code, "APPENDUID %d %d", &validity, &uid); err != nil {
		return fmt.Errorf("client %d: APPEND: %w: %q", c.n, errNoCode, r.Code)
	}
	return c.l.created(key{box, uid}, id)
}

// transfer copies or moves.
func (c *client) transfer(verb string) error {
	seqs, keys := c.some(5)
	if len(seqs) == 0 {
		return nil
	}
	to := boxes[c.rnd.IntN(len(boxes))]
	if verb == "MOVE" {
		if to == c.View.Mailbox {
			return nil
		}
		note(c.l, c.l.moved, keys...)
	}
	from := c.View.Mailbox
	prefix, set := c.set(seqs, keys)
	r, done, err := c.do("%s%s %s %s", prefix, verb, set, to)
	if !done {
		return err
	}
	code := r.Code
	for _, untagged := range r.Codes {
		if strings.HasPrefix(untagged, "COPYUID") {
			code = untagged
		}
	}
	if prefix != "" && !strings.HasPrefix(code, "COPYUID") {
		return nil // all had gone
	}
	words := strings.Fields(code)
	if len(words) != 4 || words[0] != "COPYUID" {
		return fmt.Errorf("client %d: %s: %w\n%s", c.n, verb, errNoCode, c.Dialogue())
	}
	src, err := strict.Set(words[2])
	if err != nil {
		return err
	}
	dst, err := strict.Set(words[3])
	if err != nil || len(src) != len(dst) {
		return fmt.Errorf("client %d: code %q: %w", c.n, code, err)
	}
	for i := range src {
		old := key{from, src[i]}
		if err := c.l.created(key{to, dst[i]}, c.l.idOf(old)); err != nil {
			return fmt.Errorf("client %d: %s: %w\n%s", c.n, verb, err, c.Dialogue())
		}
		c.l.mu.Lock()
		c.l.origin[key{to, dst[i]}] = old
		c.l.mu.Unlock()
		if verb != "MOVE" {
			continue
		}
		c.l.mu.Lock()
		again := c.l.dead[old]
		c.l.dead[old] = true
		c.l.mu.Unlock()
		if again {
			return fmt.Errorf("client %d: %v was removed by two\n%s", c.n, old, c.Dialogue())
		}
	}
	return nil
}

// remove deletes and expunges, its own or whatever is there.
func (c *client) remove() error {
	seqs, keys := c.some(4)
	if len(seqs) == 0 {
		return nil
	}
	note(c.l, c.l.marked, keys...)
	box := c.View.Mailbox
	prefix, set := c.set(seqs, keys)
	if _, done, err := c.do(`%sSTORE %s +FLAGS (\Deleted)`, prefix, set); !done {
		return err
	}
	_, uids := uidSet(keys)
	command := "UID EXPUNGE " + uids
	if c.rnd.IntN(2) == 0 {
		command = "EXPUNGE"
	}
	if _, done, err := c.do("%s", command); !done {
		return err
	}
	// Nobody takes \Deleted back, so they are gone, by us or by another.
	for _, k := range keys {
		if c.View != nil && c.View.Mailbox == box && c.View.Seq(k.uid) != 0 {
			return fmt.Errorf("client %d: after %s UID %d is still there\n%s", c.n, command, k.uid, c.Dialogue())
		}
	}
	return nil
}
