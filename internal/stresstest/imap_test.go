package stresstest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"

	"bascule/internal/testkit"
	"bascule/internal/testkit/strict"
)

// client is one IMAP session.
type client struct {
	*strict.IMAP
	n       int
	rnd     *rand.Rand
	l       *ledger
	keyword string       // only this client sets and removes it
	own     map[key]bool // on which messages it is
	unsure  map[key]bool // a STORE of it runs, or ended badly
	counts  map[string]int
	wrong   error // of a callback
}

func newClient(n int, seed uint64, s *testkit.Server, l *ledger) (*client, error) {
	c, err := strict.LoginIMAP(s.Target().Addrs["imap"], user, testkit.Password)
	if err != nil {
		return nil, err
	}
	x := &client{IMAP: c, n: n, rnd: rand.New(rand.NewPCG(seed, uint64(n))), l: l, keyword: fmt.Sprintf("own%d", n),
		own: map[key]bool{}, unsure: map[key]bool{}, counts: map[string]int{}}
	c.Expunge, c.Changed = x.gone, x.changed
	switch n % 4 {
	case 1:
		err = c.OK("ENABLE CONDSTORE")
	case 2:
		err = c.OK("ENABLE IMAP4rev2")
	}
	return x, err
}

// gone is called for each EXPUNGE.
func (c *client) gone(v *strict.View, m strict.Message) {
	if k := (key{v.Mailbox, m.UID}); m.UID != 0 {
		c.l.vanished(k, func() string { return fmt.Sprintf("client %d was told so\n%s", c.n, c.Dialogue()) })
	}
}

// changed is called for each FETCH response.
func (c *client) changed(v *strict.View, f strict.Fetch) {
	m := v.Messages[f.Seq-1]
	if m.UID == 0 {
		return
	}
	k := key{v.Mailbox, m.UID}
	if text, ok := f.Items[subjectItem]; ok {
		if id := subject.FindStringSubmatch(text); id == nil {
			c.complain("the Subject of %v is %q", k, text)
		} else if err := c.l.learn(k, id[1]); err != nil {
			c.complain("%v", err)
		}
	}
	if !f.HasFlags || c.unsure[k] {
		return
	}
	has := m.Has(c.keyword)
	if want, known := c.own[k]; known && has != want {
		c.complain("%v (%s) has %v; that %s is set there should be %v", k, c.l.idOf(k), m.Flags, c.keyword, want)
	}
	c.own[k] = has
}

func (c *client) complain(format string, args ...any) {
	if c.wrong == nil {
		c.wrong = fmt.Errorf(format, args...)
	}
}

const subjectItem = "BODY[HEADER.FIELDS (SUBJECT)]"

var subject = regexp.MustCompile(`(?i)Subject: (id-[0-9]+)\r\n`)

// busy are the refusals that others can cause.
func busy(r *strict.Reply) bool {
	return r.Kind == "NO" && (r.Code == "INUSE" || r.Code == "EXPUNGEISSUED")
}

// do sends a command. It may be refused since POP3 has the mailbox, or since messages have gone; done is false then.
func (c *client) do(format string, args ...any) (r *strict.Reply, done bool, err error) {
	r, err = c.Do(format, args...)
	if err == nil {
		err = c.wrong
	}
	verb, _, _ := strings.Cut(fmt.Sprintf(format, args...), " ")
	switch {
	case err != nil:
		return nil, false, fmt.Errorf("client %d: %w", c.n, c.withDialogue(err))
	case r.OK():
		c.counts[verb]++
		return r, true, nil
	case busy(r):
		c.counts[verb+" "+r.Code]++
		return r, false, nil
	}
	return nil, false, fmt.Errorf("client %d: %w", c.n, c.withDialogue(&strict.Refused{Command: fmt.Sprintf(format, args...), Reply: r}))
}

func (c *client) withDialogue(err error) error {
	if strings.Contains(err.Error(), "the dialogue before") {
		return err
	}
	return fmt.Errorf("%w\n%s", err, c.Dialogue())
}

// enter selects a mailbox and compares it with what was known before.
func (c *client) enter(box string) error {
	if c.View != nil && c.rnd.IntN(2) == 0 {
		if _, done, err := c.do("%s", []string{"CLOSE", "UNSELECT"}[c.rnd.IntN(2)]); !done {
			return err
		}
	}
	before := c.l.outlook()
	if _, done, err := c.do("SELECT %s", box); !done {
		return err
	}
	// What was told in the session before may be told anew; what this client knows of its keyword stays.
	if err := c.learn(); err != nil || c.View == nil {
		return err
	}
	if from, _ := c.View.Strange(); from != 0 {
		return nil // POP3 came between; the view is compared another time
	}
	if err := c.l.compare(before, box, c.View.UIDs()); err != nil {
		return fmt.Errorf("client %d: %w", c.n, c.withDialogue(err))
	}
	return nil
}

// learn asks for what was only counted so far.
func (c *client) learn() error {
	from, to := c.View.Strange()
	if from == 0 {
		return nil
	}
	_, _, err := c.do("FETCH %d:%d (UID FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])", from, to)
	return err
}

// some picks a few messages that are known.
func (c *client) some(most int) (seqs []int, keys []key) {
	n := len(c.View.Messages)
	for range 1 + c.rnd.IntN(most) {
		seq := 1 + c.rnd.IntN(n)
		k := key{c.View.Mailbox, c.View.Messages[seq-1].UID}
		if k.uid != 0 && c.l.idOf(k) != "" {
			seqs, keys = append(seqs, seq), append(keys, k)
		}
	}
	return seqs, keys
}

// set writes a set of numbers or UIDs; the prefix says which.
func (c *client) set(seqs []int, keys []key) (prefix, set string) {
	if c.rnd.IntN(2) == 0 {
		return uidSet(keys)
	}
	var words []string
	for _, n := range seqs {
		words = append(words, fmt.Sprint(n))
	}
	return "", strings.Join(words, ",")
}

var errNoCode = errors.New("no response code tells of the new UIDs")
