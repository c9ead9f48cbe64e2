package imap

import (
	"strings"

	"bascule/maildir"
)

// maxPatterns bounds the patterns of one LIST.
const maxPatterns = 64

// cmdList is LIST (RFC 9051 §6.3.9).
//
//	list = "LIST" [SP list-select-opts] SP mailbox SP mbox-or-pat [SP "RETURN" SP list-return-opts]
//	mbox-or-pat = list-mailbox / "(" list-mailbox *(SP list-mailbox) ")"
func (c *conn) cmdList(r *request) error {
	var q listRequest
	if !c.dec.ExpectSP() || !c.listSelection(&q) {
		return c.dec.Err()
	}
	var reference string
	if !c.dec.ExpectMailbox(&reference) || !c.dec.ExpectSP() || !c.listPatterns(&q) || !c.listReturn(&q) || !c.dec.ExpectCRLF() {
		return c.dec.Err()
	}
	if q.recursiveMatch && !q.selSubscribed && !q.selSpecialUse {
		return bad("RECURSIVEMATCH needs another selection option")
	}
	if !q.extended && len(q.patterns) == 1 && q.patterns[0] == "" {
		// The separator and the root (RFC 9051 §6.3.9); iOS waits for it.
		c.enc.Untagged().Atom(`LIST (\Noselect) `).Quoted(string(c.ns.sep)).Atom(` ""`).CRLF()
		return nil
	}
	q.resolve(reference, c.on.rev2)
	entries, err := c.listEntries(&q)
	if err != nil {
		return err
	}
	for i := range entries {
		if err := c.writeListEntry(r, &q, &entries[i]); err != nil {
			return err
		}
	}
	return nil
}

func (c *conn) listEntries(q *listRequest) ([]listEntry, error) {
	boxes, err := c.home.acct.Mailboxes(c.ctx)
	if err != nil {
		return nil, err
	}
	subscriptions, err := c.home.acct.Subscriptions(c.ctx)
	if err != nil {
		return nil, err
	}
	if boxes, err = c.listShared(boxes, q); err != nil {
		return nil, err
	}
	return selectMailboxes(c.ns, boxes, subscriptions, q), nil
}

// writeListEntry writes a LIST response, and the STATUS behind it if asked for (RFC 5819). A mailbox that a POP3
// session has gets none.
func (c *conn) writeListEntry(r *request, q *listRequest, e *listEntry) error {
	c.enc.Untagged().Atom("LIST ").FlagList(e.attrs).SP().Quoted(string(c.ns.sep)).SP().Mailbox(e.name)
	if len(e.childInfo) > 0 {
		c.enc.Atom(` ("CHILDINFO" `).List(len(e.childInfo), func(i int) { c.enc.Quoted(e.childInfo[i]) }).Special(')')
	}
	c.enc.CRLF()
	if q.myRights && e.selectable && e.meets {
		c.writeMyRights(e.name, e.rights)
	}
	if q.metadata != nil && e.selectable && e.meets {
		if err := c.listedEntries(e, q.metadata); err != nil {
			return err
		}
	}
	if q.status == nil || !e.selectable {
		return nil
	}
	p, err := c.locateCanonical(e.canonical)
	if err == nil {
		p, err = c.permitted(p, maildir.RightRead)
	}
	if err != nil || p.door.Quiet(p.folder) {
		return c.ctx.Err()
	}
	st, err := c.mailboxStatus(r, p, q.status)
	if err != nil {
		if !inUse(err) {
			c.log.Debug("status of a listed mailbox failed", "mailbox", e.name, "err", err)
		}
		return c.ctx.Err()
	}
	c.writeStatus(p, q.status, &st)
	return nil
}

// listSelection reads the optional selection options and the space behind them.
func (c *conn) listSelection(q *listRequest) bool {
	if c.dec.Peek() != '(' {
		return c.dec.Err() == nil
	}
	q.extended = true
	option := func() bool {
		var opt string
		if !c.dec.ExpectKeyword(&opt) {
			return false
		}
		switch opt {
		case "SUBSCRIBED":
			q.selSubscribed = true
		case "SPECIAL-USE":
			q.selSpecialUse = true
		case "RECURSIVEMATCH":
			q.recursiveMatch = true
		case "REMOTE": // there are no remote mailboxes
		default:
			return c.dec.Fail("unknown LIST selection option")
		}
		return true
	}
	return c.dec.ExpectList(option) && c.dec.ExpectSP()
}

// listPatterns reads one pattern or several.
func (c *conn) listPatterns(q *listRequest) bool {
	pattern := func() bool {
		var p string
		if !c.dec.ExpectListMailbox(&p) {
			return false
		}
		if len(q.patterns) >= maxPatterns {
			return c.dec.Fail("too many patterns")
		}
		q.patterns = append(q.patterns, p)
		return true
	}
	if c.dec.Peek() == '(' {
		q.extended = true
		return c.dec.ExpectList(pattern)
	}
	return pattern()
}

// listReturn reads the optional return options.
func (c *conn) listReturn(q *listRequest) bool {
	if !c.dec.SP() {
		return c.dec.Err() == nil
	}
	var word string
	if !c.dec.ExpectKeyword(&word) {
		return false
	}
	if word != "RETURN" {
		return c.dec.Fail("expected RETURN")
	}
	q.extended = true
	return c.dec.ExpectSP() && c.dec.ExpectList(func() bool {
		var opt string
		if !c.dec.ExpectKeyword(&opt) {
			return false
		}
		switch opt {
		case "SUBSCRIBED":
			q.retSubscribed = true
		case "CHILDREN", "SPECIAL-USE": // told in any case
		case "MYRIGHTS":
			q.myRights = true
		case "METADATA":
			return c.dec.ExpectSP() && c.entryNames(&q.metadata, false)
		case "STATUS":
			q.status = []string{}
			return c.dec.ExpectSP() && c.statusItems(&q.status)
		default:
			return c.dec.Fail("unknown LIST return option")
		}
		return true
	})
}

// cmdLsub is LSUB (RFC 3501 §6.3.9). A "%" that stops above a subscribed name gives that level with \Noselect.
//
//	lsub = "LSUB" SP mailbox SP list-mailbox
func (c *conn) cmdLsub(r *request) error {
	var reference, pattern string
	if !c.dec.ExpectSP() || !c.dec.ExpectMailbox(&reference) || !c.dec.ExpectSP() || !c.dec.ExpectListMailbox(&pattern) ||
		!c.dec.ExpectCRLF() {
		return c.dec.Err()
	}
	if pattern == "" {
		c.enc.Untagged().Atom(`LSUB (\Noselect) `).Quoted(string(c.ns.sep)).Atom(` ""`).CRLF()
		return nil
	}
	names, err := c.home.acct.Subscriptions(c.ctx)
	if err != nil {
		return err
	}
	for i := range names {
		names[i] = c.ns.Client(names[i])
	}
	for _, e := range lsub(names, reference+pattern, c.ns) {
		c.enc.Untagged().Atom("LSUB ").FlagList(e.attrs).SP().Quoted(string(c.ns.sep)).SP().Mailbox(e.name).CRLF()
	}
	return nil
}

// lsub works out the answer to LSUB.
func lsub(subscribed []string, pattern string, ns namespace) (out []listEntry) {
	nodes := make(map[string]*listNode)
	match := matcher(ns, []string{pattern})
	for _, name := range subscribed {
		if match(name) {
			nodes[name] = &listNode{subscribed: true}
		}
	}
	if strings.HasSuffix(pattern, "%") {
		for _, name := range subscribed {
			for i := strings.LastIndexByte(name, ns.sep); i > 0 && nodes[name] == nil; i = strings.LastIndexByte(name[:i], ns.sep) {
				if up := name[:i]; match(up) && nodes[up] == nil {
					nodes[up] = &listNode{}
				}
			}
		}
	}
	for _, name := range sortedNames(nodes) {
		e := listEntry{name: name}
		if !nodes[name].subscribed {
			e.attrs = []string{`\Noselect`}
		}
		out = append(out, e)
	}
	return out
}
