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

// archivist appends, copies, moves, flags, expunges and renames over IMAP. It knows exactly what its account holds.
type archivist struct {
	p     *place
	rnd   *rand.Rand
	user  string
	now   state   // what was acknowledged
	doubt []state // what else may be there, if an operation was cut short
	done  map[string]int
	cut   map[string]int // by operation: how many were found done
	last  string
}

func newArchivist(p *place, rnd *rand.Rand) *archivist {
	return &archivist{p: p, rnd: rnd, user: "imap@example.org", done: map[string]int{}, cut: map[string]int{}}
}

func (a *archivist) name() string    { return "archivist" }
func (a *archivist) needs() []string { return []string{"imap"} }
func (a *archivist) String() string {
	return fmt.Sprintf("archivist: acknowledged %v; cut short and whole all the same %v", a.done, a.cut)
}

func (a *archivist) verify() error {
	found, err := a.p.read(a.user)
	if err != nil {
		return err
	}
	if a.now != nil {
		i, err := settle(found, append([]state{a.now}, a.doubt...)...)
		if err != nil {
			return fmt.Errorf("%s in doubt: %w", a.last, err)
		}
		if i > 0 {
			a.cut[a.last]++
		}
	}
	a.now, a.doubt, a.last = found, nil, ""
	return nil
}

func (a *archivist) work(stop *atomic.Bool) error {
	c, err := strict.LoginIMAP(a.p.s.Addr("imap"), a.user, site.Password)
	if err != nil {
		return excuse(err)
	}
	defer c.Close()
	for !stop.Load() {
		if err := a.step(c); err != nil {
			return excuse(err)
		}
	}
	return nil
}

// try notes what will be if the command is done, and notes it as done when it was. learn takes up the UIDs of the reply.
func (a *archivist) try(what string, c *strict.IMAP, after state, learn func(code string) error, format string, args ...any) error {
	a.last, a.doubt = what, []state{after}
	r, err := c.Must(format, args...)
	if err != nil {
		return err
	}
	if learn != nil {
		code := r.Code
		for _, u := range r.Codes {
			if strings.HasPrefix(u, "COPYUID") {
				code = u
			}
		}
		if err := learn(code); err != nil {
			return err
		}
	}
	a.now, a.doubt = after, nil
	a.done[what]++
	return nil
}

var flagChoice = []string{`\Flagged`, `\Seen`, `\Answered`, `$Work`, `Later`}

func (a *archivist) step(c *strict.IMAP) error {
	from := a.pick(func(*box) bool { return true })
	b := a.now[from]
	if len(b.entries) < 4 {
		return a.append(c, from)
	}
	if c.View == nil || c.View.Mailbox != from || a.rnd.IntN(8) == 0 {
		if err := c.Select(from); err != nil {
			return err
		}
		if got := c.View.UIDs(); !slices.Equal(got, b.uids()) {
			return wrong("%s shows %v, want %v", from, got, b.uids())
		}
	}
	uids := a.some(b)
	total := 0
	for _, b := range a.now {
		total += len(b.entries)
	}
	switch n := a.rnd.IntN(10); {
	case total > 60 || n == 0:
		return a.expunge(c, from, uids)
	case n < 3:
		return a.append(c, from)
	case n < 5:
		return a.transfer(c, "COPY", from, uids)
	case n < 7:
		return a.transfer(c, "MOVE", from, uids)
	case n < 9:
		return a.store(c, from, uids)
	default:
		return a.folder(c)
	}
}

func (b *box) uids() []uint32 {
	out := make([]uint32, len(b.entries))
	for i, e := range b.entries {
		out[i] = e.uid
	}
	return out
}

func (a *archivist) pick(good func(*box) bool) string {
	var names []string
	for name, b := range a.now {
		if good(b) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names[a.rnd.IntN(len(names))]
}

// some picks a few messages.
func (a *archivist) some(b *box) (uids []uint32) {
	for _, i := range a.rnd.Perm(len(b.entries))[:1+a.rnd.IntN(min(12, len(b.entries)))] {
		uids = append(uids, b.entries[i].uid)
	}
	slices.Sort(uids)
	return uids
}

func set(uids []uint32) string {
	return strings.Trim(strings.ReplaceAll(fmt.Sprint(uids), " ", ","), "[]")
}

func (a *archivist) append(c *strict.IMAP, to string) error {
	id := a.p.id()
	flags := joined([]string{flagChoice[a.rnd.IntN(len(flagChoice))]})
	after := a.now.clone()
	after[to].add(0, id, flags)
	m := text(id)
	return a.try("APPEND", c, after, func(code string) error {
		var validity, uid uint32
		if _, err := fmt.Sscanf(code, "APPENDUID %d %d", &validity, &uid); err != nil {
			return wrong("APPEND is answered with code %q", code)
		}
		after[to].entries[len(after[to].entries)-1].uid = uid
		after[to].next = max(after[to].next, uid+1)
		return nil
	}, "APPEND %s (%s) {%d+}\r\n%s", to, flags, len(m), m)
}

func (a *archivist) transfer(c *strict.IMAP, verb, from string, uids []uint32) error {
	to := a.pick(func(b *box) bool { return b != a.now[from] })
	after := a.now.clone()
	first := len(after[to].entries)
	for _, uid := range uids {
		e := after[from].entries[after[from].find(uid)]
		after[to].add(0, e.id, e.flags)
	}
	if verb == "MOVE" {
		after[from].remove(uids)
	}
	return a.try(verb, c, after, func(code string) error {
		words := strings.Fields(code)
		if len(words) != 4 || words[0] != "COPYUID" {
			return wrong("%s is answered with code %q", verb, code)
		}
		src, err := strict.Set(words[2])
		if err != nil {
			return wrong("%q: %v", code, err)
		}
		dst, err := strict.Set(words[3])
		if err != nil || !slices.Equal(src, uids) || len(dst) != len(src) {
			return wrong("%s of %v is answered with code %q", verb, uids, code)
		}
		for i, uid := range dst {
			after[to].entries[first+i].uid = uid
			after[to].next = max(after[to].next, uid+1)
		}
		return nil
	}, "UID %s %s %s", verb, set(uids), to)
}

func (a *archivist) store(c *strict.IMAP, in string, uids []uint32) error {
	flag := flagChoice[a.rnd.IntN(len(flagChoice))]
	sign := []string{"+", "-"}[a.rnd.IntN(2)]
	after := a.now.clone()
	for _, uid := range uids {
		e := &after[in].entries[after[in].find(uid)]
		have := strings.Fields(e.flags)
		have = slices.DeleteFunc(have, func(f string) bool { return f == flag })
		if sign == "+" {
			have = append(have, flag)
		}
		e.flags = joined(have)
	}
	return a.try("STORE", c, after, nil, "UID STORE %s %sFLAGS.SILENT (%s)", set(uids), sign, flag)
}

func (a *archivist) expunge(c *strict.IMAP, in string, uids []uint32) error {
	marked := a.now.clone()
	for _, uid := range uids {
		e := &marked[in].entries[marked[in].find(uid)]
		e.flags = joined(append(strings.Fields(e.flags), `\Deleted`))
	}
	if err := a.try("STORE", c, marked, nil, `UID STORE %s +FLAGS.SILENT (\Deleted)`, set(uids)); err != nil {
		return err
	}
	after := a.now.clone()
	after[in].entries = slices.DeleteFunc(after[in].entries, func(e entry) bool { return strings.Contains(e.flags, `\Deleted`) })
	return a.try("EXPUNGE", c, after, nil, "EXPUNGE")
}

// folder makes, renames or deletes one.
func (a *archivist) folder(c *strict.IMAP) error {
	if c.View != nil {
		if err := c.OK("UNSELECT"); err != nil {
			return err
		}
	}
	after := a.now.clone()
	const one, other = "Projects", "Old"
	switch {
	case a.now[one] != nil && a.rnd.IntN(6) == 0:
		delete(after, one)
		return a.try("DELETE", c, after, nil, "DELETE %s", one)
	case a.now[one] != nil:
		after[other] = after[one]
		delete(after, one)
		return a.try("RENAME", c, after, nil, "RENAME %s %s", one, other)
	case a.now[other] != nil:
		after[one] = after[other]
		delete(after, other)
		return a.try("RENAME", c, after, nil, "RENAME %s %s", other, one)
	}
	after[one] = &box{}
	if err := a.try("CREATE", c, after, nil, "CREATE %s", one); err != nil {
		return err
	}
	if err := c.Select(one); err != nil {
		return err
	}
	a.now[one].validity, a.now[one].next = c.View.UIDValidity, c.View.UIDNext
	return nil
}
