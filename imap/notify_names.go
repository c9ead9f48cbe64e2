package imap

import (
	"slices"
	"strings"

	"bascule/maildir"
)

// tellNames tells mailboxes that were made, removed or renamed, and subscriptions (RFC 5465 §5.4, §5.5). What the running
// command did itself is not told, and no child of a mailbox that was renamed.
func (c *conn) tellNames(r *request, old, now *picture) {
	n := c.notify
	before, after := old.byKey(), now.byKey()
	renamed := map[string]string{} // old names by the new ones
	affected := map[string]bool{}
	affect := func(name string) {
		if (n.events(name, *now)|n.events(name, *old))&mailboxName != 0 {
			affected[name] = true
		}
	}
	changed := func(name string) { // with its direct parent
		if slices.Contains(r.named, name) {
			return
		}
		affect(name)
		if i := strings.LastIndexByte(name, '/'); i > 0 {
			affect(name[:i])
		}
	}
	messages := func(b *watchedBox) bool {
		return (n.events(b.Name, *now)|n.events(b.Name, *old))&(messageNew|flagChange) != 0
	}
	for id, b := range after {
		was := before[id]
		if was != nil && was.readable() != b.readable() && messages(b) {
			affected[b.Name] = true // RFC 5465 §5.9
		}
		switch {
		case was == nil:
			changed(b.Name)
		case was.Name != b.Name:
			renamed[b.Name] = was.Name
		}
	}
	taken := map[string]bool{}
	for id, b := range before {
		if after[id] == nil {
			changed(b.Name)
			if messages(b) && c.takenAway(b) {
				affected[b.Name], taken[b.Name] = true, true
			}
		}
	}
	for to, from := range renamed {
		if slices.Contains(r.named, to) || withParent(renamed, to, from) {
			continue
		}
		affect(to)
	}
	for _, p := range [2][2]*picture{{old, now}, {now, old}} {
		for name := range p[0].subscribed {
			if !p[1].subscribed[name] && !slices.Contains(r.named, name) &&
				(n.events(name, *now)|n.events(name, *old))&subscriptionChange != 0 {
				affected[name] = true
			}
		}
	}
	if len(affected) > 0 {
		c.writeAffected(affected, taken, renamed, now)
	}
}

// withParent tells whether a mailbox got its name because one above it was renamed.
func withParent(renamed map[string]string, to, from string) bool {
	for i := strings.LastIndexByte(to, '/'); i > 0; i = strings.LastIndexByte(to[:i], '/') {
		if above, ok := renamed[to[:i]]; ok && from == above+to[i:] {
			return true
		}
	}
	return false
}

// takenAway tells whether a mailbox of somebody else that the user sees no more is still there: his right to know of it was taken away.
func (c *conn) takenAway(b *watchedBox) bool {
	if b.mount == c.home {
		return false
	}
	if b.mount.visit.Over() {
		return true
	}
	_, err := b.mount.acct.Rights(c.ctx, b.folder, c.user())
	return err == nil
}

// writeAffected writes a LIST response for each name; taken are those that the user may not know of any more.
func (c *conn) writeAffected(names, taken map[string]bool, renamed map[string]string, now *picture) {
	infos := make([]maildir.MailboxInfo, 0, len(now.boxes))
	known := make(map[string]bool, len(now.boxes))
	for i := range now.boxes {
		infos = append(infos, now.boxes[i].MailboxInfo)
		known[now.boxes[i].Name] = true
	}
	infos = c.levelsAbove(infos, known)
	q := listRequest{patterns: []string{"*"}, extended: true, retSubscribed: true, rev2: c.on.rev2}
	there := map[string]*listEntry{}
	entries := selectMailboxes(c.ns, infos, now.names, &q)
	for i := range entries {
		there[entries[i].name] = &entries[i]
	}
	sorted := make([]string, 0, len(names))
	for name := range names {
		sorted = append(sorted, name)
	}
	slices.Sort(sorted)
	for _, canonical := range sorted {
		name := c.ns.Client(canonical)
		attrs := []string{`\NonExistent`}
		if e := there[name]; e != nil {
			attrs = e.attrs
			if taken[canonical] || e.selectable && !e.rights.Has(maildir.RightRead) {
				attrs = append(slices.Clone(attrs), `\NoAccess`)
			}
		} else if taken[canonical] {
			attrs = append(attrs, `\NoAccess`)
		} else if now.subscribed[canonical] {
			attrs = append(attrs, `\Subscribed`)
		}
		c.enc.Untagged().Atom("LIST ").FlagList(attrs).SP().Quoted(string(c.ns.sep)).SP().Mailbox(name)
		if from, ok := renamed[canonical]; ok {
			c.enc.Atom(` ("OLDNAME" (`).Mailbox(c.ns.Client(from)).Atom("))")
		}
		c.enc.CRLF()
	}
}
