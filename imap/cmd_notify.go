package imap

import (
	"slices"
	"strings"

	"bascule/maildir"
)

// Bounds of a NOTIFY command.
const (
	maxEventGroups = 64
	maxNotifyNames = 1000
)

// cmdNotify is NOTIFY (RFC 5465 §3.1). What it asks for is in notify.go.
//
//	notify = "NOTIFY" SP ("SET" [SP "STATUS"] 1*(SP event-group) / "NONE")
//	event-group = "(" filter-mailboxes SP events ")"
func (c *conn) cmdNotify(r *request) error {
	var word string
	if !c.dec.ExpectSP() || !c.dec.ExpectKeyword(&word) {
		return c.dec.Err()
	}
	if word == "NONE" {
		if !c.dec.ExpectCRLF() {
			return c.dec.Err()
		}
		c.setNotify(&notifySet{})
		return nil
	}
	if word != "SET" {
		return bad("Expected SET or NONE")
	}
	p := notifyParser{c: c, set: &notifySet{}}
	status, err := p.groups()
	if err != nil {
		return err
	}
	if len(p.unsupported) > 0 {
		return no("BADEVENT ("+strings.Join(supportedEvents, " ")+")", "Not supported: "+strings.Join(p.unsupported, " "))
	}
	if err := c.startNotify(r, p.set, status); err != nil {
		return err
	}
	r.refresh = true // it implies a NOOP
	return nil
}

// notifyParser reads the arguments of NOTIFY SET.
type notifyParser struct {
	c           *conn
	set         *notifySet
	names       int
	modSeq      bool
	unsupported []string
}

// groups reads
//
//	[SP "STATUS"] 1*(SP event-group) CRLF
func (p *notifyParser) groups() (status bool, err error) {
	d := p.c.dec
	if !d.ExpectSP() {
		return false, d.Err()
	}
	if d.Peek() != '(' {
		var word string
		if !d.ExpectKeyword(&word) {
			return false, d.Err()
		}
		if status = word == "STATUS"; !status {
			return false, bad("Expected STATUS or an event group")
		}
		if !d.ExpectSP() {
			return false, d.Err()
		}
	}
	for n := 0; ; n++ {
		if n == maxEventGroups {
			return false, bad("Too many event groups")
		}
		if err := p.group(); err != nil {
			return false, err
		}
		if !d.SP() {
			break
		}
	}
	if !d.ExpectCRLF() {
		return false, d.Err()
	}
	return status, nil
}

func (p *notifyParser) group() error {
	d := p.c.dec
	var word string
	var g eventGroup
	if !d.ExpectSpecial('(') || !d.ExpectKeyword(&word) {
		return d.Err()
	}
	delayed := word == "SELECTED-DELAYED"
	if !delayed && !g.parseRest(d, word) {
		return d.Err()
	}
	if p.names += len(g.names); p.names > maxNotifyNames {
		return bad("Too many mailboxes")
	}
	names := g.names[:0]
	for _, name := range g.names {
		// A name that can be none of a mailbox is passed over (RFC 5465 §3.1); one of which the user may not know yet he may know later (§5.9).
		if canonical, err := p.c.ns.Canonical(name); err == nil {
			names = append(names, canonical)
		}
	}
	g.names = names
	if !d.ExpectSP() {
		return d.Err()
	}
	var fetch *fetchPlan
	if err := p.events(&g, &fetch); err != nil {
		return err
	}
	if !d.ExpectSpecial(')') {
		return d.Err()
	}
	if err := g.check(); err != nil {
		return err
	}
	if g.kind != filterSelected {
		p.set.groups = append(p.set.groups, g)
		return nil
	}
	if p.set.hasSelected {
		return bad("SELECTED or SELECTED-DELAYED may be there once")
	}
	p.set.hasSelected, p.set.delayed = true, delayed
	p.set.selected, p.set.fetch = g.events, fetch
	return nil
}

// events reads
//
//	"(" event *(SP event) ")" / "NONE"
//	event = "MessageNew" [SP "(" fetch-att *(SP fetch-att) ")"] / atom
func (p *notifyParser) events(g *eventGroup, fetch **fetchPlan) error {
	d := p.c.dec
	var word string
	if d.Peek() != '(' {
		if !d.ExpectKeyword(&word) {
			return d.Err()
		}
		if word != "NONE" {
			return bad("Expected events in parentheses, or NONE")
		}
		return nil
	}
	if !d.ExpectSpecial('(') {
		return d.Err()
	}
	for {
		if !d.ExpectKeyword(&word) {
			return d.Err()
		}
		if e, ok := eventNames[word]; ok {
			g.events |= e
		} else if len(p.unsupported) < maxEventGroups && !slices.Contains(p.unsupported, word) {
			p.unsupported = append(p.unsupported, word)
		}
		if d.Special(')') {
			return nil
		}
		if !d.ExpectSP() {
			return d.Err()
		}
		if d.Peek() != '(' {
			continue
		}
		if word != "MESSAGENEW" || g.kind != filterSelected {
			return bad("Only MessageNew of the selected mailbox takes FETCH items")
		}
		plan := &fetchPlan{}
		if !p.c.on.uidOnly {
			plan.add(fetchItem{kind: itemUID})
		}
		items := fetchParser{dec: d, plan: plan}
		if !items.items() {
			return d.Err()
		}
		// Nobody has read a message because it was announced (RFC 5465 §5.2).
		plan.seen = false
		*fetch = plan
		if d.Special(')') {
			return nil
		}
		if !d.ExpectSP() {
			return d.Err()
		}
	}
}

// check refuses what RFC 5465 §5 and §6.1 forbid.
func (g *eventGroup) check() error {
	has := g.events & (messageNew | messageExpunge)
	switch {
	case g.kind == filterSelected && g.events&^(messageNew|messageExpunge|flagChange) != 0:
		return bad("The selected mailbox has message events only")
	case has != 0 && has != messageNew|messageExpunge:
		return bad("MessageNew and MessageExpunge go together")
	case g.events&flagChange != 0 && has == 0:
		return bad("FlagChange needs MessageNew and MessageExpunge")
	}
	return nil
}

// startNotify takes the picture that later ones are compared with, and tells it if asked to.
func (c *conn) startNotify(r *request, set *notifySet, status bool) error {
	if set.fetch != nil && set.fetch.modSeq {
		c.useCondstore()
	}
	if len(set.groups) > 0 {
		// The watch comes first: what happens from here on is found by the next look.
		set.watch(c, c.home)
		now, err := c.picture(set, true)
		if err == nil && set.watched(now) > c.srv.opt.NotifyMailboxes {
			err = no("NOTIFICATIONOVERFLOW", "Too many mailboxes to be watched")
		}
		if err != nil {
			set.end()
			return err
		}
		set.known = now
		denied := map[string]bool{}
		for i := range now.boxes {
			b := &now.boxes[i]
			ev := set.events(b.Name, now)
			if b.NoSelect || ev&(messageNew|flagChange) == 0 || c.isSelected(b) {
				continue
			}
			if !b.readable() {
				denied[b.Name] = true
				continue
			}
			if b.mount.door.Quiet(b.folder) {
				// It is told as news when the POP3 session ends.
				b.Status = maildir.Status{ID: b.Status.ID}
				set.hold(b.mount)
				continue
			}
			if !status {
				continue
			}
			items := []string{"MESSAGES", "UIDNEXT", "UIDVALIDITY"}
			if ev&flagChange != 0 {
				items = append(items, "UNSEEN", "HIGHESTMODSEQ")
			}
			c.writeStatus(place{mount: b.mount, folder: b.folder}, items, &b.Status)
		}
		if len(denied) > 0 { // RFC 5465 §3.1
			c.writeAffected(denied, nil, nil, &now)
		}
	}
	c.setNotify(set)
	return nil
}
