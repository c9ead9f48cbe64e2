package dialogue

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// reSaid finds the words of a status response.
var reSaid = regexp.MustCompile(`^(\S+ (?:OK|NO|BAD|BYE)(?: \[[^\]]*\])?) [^{.[].*$`)

func (p *player) match(st statement, v vars, line string) (bool, error) {
	text := st.text
	if p.target.AnyWords && len(text) == 1 {
		text = []string{reSaid.ReplaceAllString(text[0], "$1 ...")}
	}
	ok, err := v.match(text, st.blocks, line)
	if ok || err != nil || p.target.Same == nil {
		return ok, err
	}
	for _, same := range p.target.Same(line) {
		if ok, err = v.match(text, st.blocks, same); ok || err != nil {
			break
		}
	}
	return ok, err
}

func (p *player) extra(line string) bool { return p.target.Extra != nil && p.target.Extra(line) }

// forbidden tells whether an S! statement names this line.
func (p *player) forbidden(line string) error {
	for _, st := range p.never {
		// A pattern that must not match must not capture either.
		ok, err := p.match(st, p.vars.clone(), line)
		if err != nil {
			return err
		}
		if ok {
			return fmt.Errorf("line %d says this must not come: %q", st.line, line)
		}
	}
	return nil
}

func (v vars) clone() vars {
	c := make(vars, len(v))
	for k, val := range v {
		c[k] = val
	}
	return c
}

// expect does S, S? and S*.
func (p *player) expect(c *conn, st statement) error {
	dl := p.deadline(st)
	if st.verb == doSkipTo {
		defer func() { p.never = nil }()
	}
	for {
		line, err := c.readLine(dl)
		if err != nil {
			return err
		}
		ok, err := p.match(st, p.vars, line)
		if err != nil {
			return err
		}
		switch {
		case ok:
			return nil
		case st.verb == doMaybe:
			c.unread(line)
			return nil
		case st.verb == doExpect && p.extra(line):
		case st.verb == doExpect:
			return fmt.Errorf("got %q", line)
		}
		if err := p.forbidden(line); err != nil {
			return err
		}
	}
}

// expectGroup reads until every member that must come has come. A member matches once.
func (p *player) expectGroup(c *conn, group []statement) error {
	defer func() { p.never = nil }()
	dl := p.deadline(group[0])
	left := append([]statement(nil), group...)
	for {
		must := 0
		for _, st := range left {
			if st.verb == doGroup {
				must++
			}
		}
		if len(left) == 0 {
			return nil
		}
		// With only optional members left, a line that is not one of them belongs to the next statement. A silent
		// server ends the group too, but only a wait would show that; so the next line must come in any case.
		line, err := c.readLine(dl)
		if err != nil {
			if must == 0 && errors.Is(err, errTimeout) {
				return nil
			}
			return fmt.Errorf("%w; still missing:\n%s", err, sources(left))
		}
		if err := p.forbidden(line); err != nil {
			return err
		}
		found := -1
		for i, st := range left {
			ok, err := p.match(st, p.vars, line)
			if err != nil {
				return err
			}
			if ok {
				found = i
				break
			}
		}
		if found < 0 {
			if must == 0 {
				c.unread(line)
				return nil
			}
			if p.extra(line) {
				continue
			}
			return fmt.Errorf("got %q, which is none of:\n%s", line, sources(left))
		}
		left = append(left[:found], left[found+1:]...)
	}
}

func sources(left []statement) string {
	var b strings.Builder
	for _, st := range left {
		fmt.Fprintf(&b, "    %d: %s\n", st.line, st.source)
	}
	return b.String()
}

func (p *player) checkOutput(st statement) error {
	if len(p.output) == 0 {
		return errors.New("the action printed no more")
	}
	line := p.output[0]
	p.output = p.output[1:]
	ok, err := p.match(st, p.vars, line)
	if err != nil {
		return err
	}
	if !ok {
		return fmt.Errorf("printed %q", line)
	}
	return nil
}
