package crashtest

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"bascule/internal/testkit/site"
	"bascule/internal/testkit/strict"
)

// postman delivers by LMTP.
type postman struct {
	p     *place
	user  string
	known state    // as it was last seen
	acked []string // since then
	doubt string   // sent since then, not acknowledged

	delivered, cut int
}

func newPostman(p *place, user string) *postman { return &postman{p: p, user: user} }

func (w *postman) name() string    { return "postman" }
func (w *postman) needs() []string { return []string{"lmtp"} }
func (w *postman) String() string {
	return fmt.Sprintf("postman: %d deliveries acknowledged, %d cut short and there all the same", w.delivered, w.cut)
}

func (w *postman) work(stop *atomic.Bool) error {
	c, err := strict.DialLMTP(w.p.s.Addr("lmtp"))
	if err != nil {
		return excuse(err)
	}
	defer c.Close()
	for !stop.Load() {
		if err := w.deliver(c); err != nil {
			return err
		}
	}
	return nil
}

func (w *postman) deliver(c *strict.LMTP) error {
	w.doubt = w.p.id()
	if err := c.Deliver(w.user, text(w.doubt)); err != nil {
		return excuse(err)
	}
	w.acked, w.doubt = append(w.acked, w.doubt), ""
	w.delivered++
	return nil
}

// enough is when a mailbox is emptied, so that looking at it stays quick.
const enough = 300

func (w *postman) verify() error {
	found, err := w.p.read(w.user)
	if err != nil {
		return err
	}
	if w.known == nil {
		w.known = found
		return nil
	}
	without, with := w.known.clone(), w.known.clone()
	for _, id := range w.acked {
		without["INBOX"].add(0, id, "")
		with["INBOX"].add(0, id, "")
	}
	possible := []state{without}
	if w.doubt != "" {
		with["INBOX"].add(0, w.doubt, "")
		possible = append(possible, with)
	}
	i, err := settle(found, possible...)
	if err != nil {
		return err
	}
	w.cut += i
	w.acked, w.doubt = nil, ""
	if w.known = found; len(found["INBOX"].entries) > enough {
		w.known, err = w.p.empty(w.user)
	}
	return err
}

// empty deletes everything in INBOX.
func (p *place) empty(user string) (state, error) {
	c, err := strict.LoginIMAP(p.s.Addr("imap"), user, site.Password)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	if err := c.Select("INBOX"); err != nil {
		return nil, err
	}
	if err := c.OK(`STORE 1:* +FLAGS.SILENT (\Deleted)`); err != nil {
		return nil, err
	}
	if err := c.OK("EXPUNGE"); err != nil {
		return nil, err
	}
	return p.read(user)
}

// mixer delivers into an account from which an IMAP client moves everything away at the same time.
type mixer struct {
	p     *place
	post  *postman
	all   map[string]bool // ids that must be there, once
	maybe map[string]bool // ids whose delivery was cut short; a file without a row may be found late
	moves int
}

func newMixer(p *place) *mixer {
	return &mixer{p: p, post: newPostman(p, "mixed@example.org"), all: map[string]bool{}, maybe: map[string]bool{}}
}

func (w *mixer) name() string    { return "mixer" }
func (w *mixer) needs() []string { return []string{"lmtp", "imap"} }
func (w *mixer) String() string {
	return fmt.Sprintf("mixer: %d deliveries and %d moves acknowledged", w.post.delivered, w.moves)
}

func (w *mixer) work(stop *atomic.Bool) error {
	var wg sync.WaitGroup
	var posting error
	wg.Go(func() { posting = w.post.work(stop) })
	moving := w.move(stop)
	wg.Wait()
	if posting != nil {
		return posting
	}
	return moving
}

func (w *mixer) move(stop *atomic.Bool) error {
	c, err := strict.LoginIMAP(w.p.s.Addr("imap"), w.post.user, site.Password)
	if err != nil {
		return excuse(err)
	}
	defer c.Close()
	if err := c.Select("INBOX"); err != nil {
		return excuse(err)
	}
	for !stop.Load() {
		if err := c.OK("NOOP"); err != nil {
			return excuse(err)
		}
		if len(c.View.Messages) == 0 {
			continue
		}
		if err := c.OK("MOVE 1:%d Sent", len(c.View.Messages)); err != nil {
			return excuse(err)
		}
		w.moves++
	}
	return nil
}

func (w *mixer) verify() error {
	found, err := w.p.read(w.post.user)
	if err != nil {
		return err
	}
	seen := map[string]int{}
	for _, b := range found {
		for _, id := range b.ids() {
			seen[id]++
		}
	}
	for _, id := range w.post.acked {
		w.all[id] = true
	}
	if w.post.doubt != "" {
		w.maybe[w.post.doubt] = true
	}
	for id := range w.maybe {
		if seen[id] > 0 {
			w.all[id] = true
			delete(w.maybe, id)
		}
	}
	w.post.acked, w.post.doubt = nil, ""
	for id := range w.all {
		if seen[id] != 1 {
			return wrong("%s is there %d times\n%v", id, seen[id], found)
		}
	}
	for id := range seen {
		if !w.all[id] {
			return wrong("%s was never sent here", id)
		}
	}
	// The folder is emptied now and then, and forgotten with it.
	if sent := found["Sent"]; len(sent.entries) > enough {
		return w.forget(sent.ids())
	}
	return nil
}

func (w *mixer) forget(ids []string) error {
	c, err := strict.LoginIMAP(w.p.s.Addr("imap"), w.post.user, site.Password)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.Select("Sent"); err != nil {
		return err
	}
	if err := c.OK(`STORE 1:* +FLAGS.SILENT (\Deleted)`); err != nil {
		return err
	}
	for id := range w.all {
		if slices.Contains(ids, id) {
			delete(w.all, id)
		}
	}
	return c.OK("CLOSE")
}
