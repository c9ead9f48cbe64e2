package crashtest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"

	"bascule/internal/testkit/site"
	"bascule/internal/testkit/strict"
)

// popper fetches by POP3: some sessions QUIT with deletions, some are dropped. It fills its own mailbox by LMTP.
type popper struct {
	p    *place
	rnd  *rand.Rand
	post *postman
	left []string          // ids that must be there
	gone []string          // ids that are gone too, if a QUIT is in doubt
	uidl map[string]string // UIDL by id, as first told

	quits, deleted, cut, undone int
}

func newPopper(p *place, rnd *rand.Rand) *popper {
	return &popper{p: p, rnd: rnd, post: newPostman(p, "pop@example.org"), uidl: map[string]string{}}
}

func (w *popper) name() string    { return "popper" }
func (w *popper) needs() []string { return []string{"lmtp", "pop3"} }
func (w *popper) String() string {
	return fmt.Sprintf("popper: %d QUITs acknowledged, which deleted %d; of those cut short %d happened and %d did not", w.quits, w.deleted, w.cut, w.undone)
}

func (w *popper) work(stop *atomic.Bool) error {
	for !stop.Load() {
		if len(w.left) < 20 {
			if err := w.fill(); err != nil {
				return err
			}
		}
		if err := w.session(); err != nil {
			return excuse(err)
		}
	}
	return nil
}

func (w *popper) fill() error {
	c, err := strict.DialLMTP(w.p.s.Addr("lmtp"))
	if err != nil {
		return excuse(err)
	}
	defer c.Close()
	for range 20 {
		if err := w.post.deliver(c); err != nil {
			return err
		}
		w.left = append(w.left, w.post.acked...)
		w.post.acked = nil
	}
	return nil
}

func (w *popper) session() error {
	c, err := strict.LoginPOP3(w.p.s.Addr("pop3"), w.post.user, site.Password)
	if err != nil {
		return err
	}
	defer c.Close()
	ids, err := w.list(c)
	if err != nil {
		return err
	}
	if !slices.Equal(ids, w.left) {
		return wrong("POP3 lists %v, want %v", ids, w.left)
	}
	var gone, left []string
	for i, id := range ids {
		if w.rnd.IntN(2) == 0 {
			left = append(left, id)
			continue
		}
		if _, err := c.Do("DELE %d", i+1); err != nil {
			return err
		}
		gone = append(gone, id)
	}
	if w.rnd.IntN(4) == 0 {
		return nil // dropped
	}
	w.gone = gone
	if _, err := c.Do("QUIT"); err != nil {
		return err
	}
	w.left, w.gone = left, nil
	w.quits++
	w.deleted += len(gone)
	return nil
}

// list gives the ids in order, and verifies that each has the UIDL it always had.
func (w *popper) list(c *strict.POP3) ([]string, error) {
	uidls, err := c.UIDL()
	if err != nil {
		return nil, err
	}
	known := map[string]string{}
	for id, uidl := range w.uidl {
		known[uidl] = id
	}
	ids := make([]string, len(uidls))
	for i, uidl := range uidls {
		if ids[i] = known[uidl]; ids[i] != "" {
			continue
		}
		lines, err := c.Lines("RETR %d", i+1)
		if err != nil {
			return nil, err
		}
		body := strings.Join(lines, "\r\n") + "\r\n"
		m := subject.FindStringSubmatch(body)
		if m == nil || !strings.HasSuffix(body, text(m[1])) {
			return nil, wrong("message %d is not what was sent: %q", i+1, body)
		}
		if old, told := w.uidl[m[1]]; told {
			return nil, wrong("the UIDL of %s was %s and is %s", m[1], old, uidl)
		}
		ids[i], w.uidl[m[1]] = m[1], uidl
	}
	return ids, nil
}

func (w *popper) verify() error {
	found, err := w.p.read(w.post.user)
	if err != nil {
		return err
	}
	got := found["INBOX"].ids()
	if d := w.post.doubt; d != "" && slices.Contains(got, d) {
		w.left = append(w.left, d)
	}
	w.post.doubt = ""
	rest := slices.DeleteFunc(slices.Clone(w.left), func(id string) bool { return slices.Contains(w.gone, id) })
	switch {
	case slices.Equal(got, w.left):
		if len(w.gone) > 0 {
			w.undone++
		}
	case len(w.gone) > 0 && slices.Equal(got, rest):
		w.cut++
		w.left = rest
	default:
		return wrong("INBOX has %v, want %v, or that without %v", got, w.left, w.gone)
	}
	w.gone = nil
	return nil
}
