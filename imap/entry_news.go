package imap

import (
	"math"
	"slices"
	"sync/atomic"

	"bascule/maildir"
)

// This file tells clients what others do to annotations (RFC 5464 §4.4.2): those who said ENABLE METADATA, or asked by NOTIFY for
// MailboxMetadataChange and ServerMetadataChange. It is sync's: a nudge says "look again", and a number says up to where the client knows.

// entryNews is up to where a client was told.
type entryNews struct {
	on     bool
	dirty  atomic.Bool            // there may be news; set from any goroutine
	home   entryPlace             // the user's own account
	box    entryPlace             // the account of the selected mailbox, if it is another one
	others map[*mount]*entryPlace // accounts of others that NOTIFY watches
	server told                   // the server's shared entries
}

// entryPlace is an account that is watched.
type entryPlace struct {
	mount   *mount // nil: none is
	unwatch func()
	told
}

// told is up to which change a client was told.
type told struct {
	last  int64
	begun bool  // last is known
	own   int64 // the change that the running command made, which is not told
}

// mine notes what the running command changed itself.
func (n *entryNews) mine(acct *maildir.Account, change int64) {
	for _, p := range n.places() {
		if p.mount != nil && p.mount.acct == acct {
			p.own = change
		}
	}
}

// leave ends the watch of somebody else's account.
func (n *entryNews) leave(c *conn, m *mount) {
	if p := n.others[m]; p != nil {
		p.watch(c, nil)
		delete(n.others, m)
	}
}

// places are all accounts that may be watched.
func (n *entryNews) places() []*entryPlace {
	out := []*entryPlace{&n.home, &n.box}
	for _, p := range n.others {
		out = append(out, p)
	}
	return out
}

// wantsEntries tells whether the client is to hear of changed entries. Once NOTIFY was used it alone decides.
func (c *conn) wantsEntries() bool {
	if c.notify == nil {
		return c.on.metadata
	}
	for i := range c.notify.groups {
		if c.notify.groups[i].events&(mailboxMetadata|serverMetadata) != 0 {
			return true
		}
	}
	return false
}

// watchEntries begins and ends watching. What is watched from now on is told from now on.
func (c *conn) watchEntries() {
	n := &c.entries
	var home, box *mount
	if c.home != nil && c.wantsEntries() {
		home = c.home
		if c.box != nil && c.box.mount != c.home && c.notify == nil {
			box = c.box.mount
		}
	}
	if n.on != (home != nil) {
		n.on, n.server = home != nil, told{}
	}
	n.home.watch(c, home)
	n.box.watch(c, box)
	for m := range n.others {
		if home == nil || !c.notify.watches(m) {
			n.leave(c, m)
		}
	}
	if home == nil || c.notify == nil {
		return
	}
	for m := range c.notify.unwatch {
		if m == c.home || n.others[m] != nil {
			continue
		}
		if n.others == nil {
			n.others = map[*mount]*entryPlace{}
		}
		p := &entryPlace{}
		p.watch(c, m)
		n.others[m] = p
	}
}

func (p *entryPlace) watch(c *conn, m *mount) {
	if p.mount == m {
		return
	}
	if p.unwatch != nil {
		p.unwatch()
	}
	*p = entryPlace{mount: m}
	if m != nil {
		p.unwatch = m.acct.WatchEntries(func() {
			c.entries.dirty.Store(true)
			c.nc.Wake()
		})
		c.entries.dirty.Store(true)
	}
}

// endEntries ends watching, with the session.
func (c *conn) endEntries() {
	for _, p := range c.entries.places() {
		p.watch(c, nil)
	}
	c.entries.others = nil
	c.entries.on = false
}

// tellEntries tells what has changed.
func (c *conn) tellEntries(r *request) error {
	c.watchEntries()
	n := &c.entries
	if !n.on || !n.dirty.Swap(false) && !r.refresh {
		return nil
	}
	err := c.tellAccount(&n.home, func(e *maildir.ChangedEntry) bool { return c.hears(e.Mailbox) })
	if err == nil && n.box.mount != nil {
		err = c.tellAccount(&n.box, func(e *maildir.ChangedEntry) bool { return c.box != nil && e.Mailbox == c.box.m.Name() })
	}
	for m, p := range n.others {
		if err == nil {
			err = c.tellAccount(p, func(e *maildir.ChangedEntry) bool { return c.notify.hearsOf(m, e.Mailbox) })
		}
	}
	if err == nil {
		err = c.tellServer()
	}
	if err != nil {
		n.dirty.Store(true)
		return err
	}
	return c.enc.Err()
}

// hears tells whether the client wants to hear of the entries of a mailbox of the user's own, "" for the server.
func (c *conn) hears(mailbox string) bool {
	switch n := c.notify; {
	case n == nil:
		return true
	case mailbox == "":
		for i := range n.groups {
			if n.groups[i].events&serverMetadata != 0 {
				return true
			}
		}
		return false
	default:
		return n.events(mailbox, n.known)&mailboxMetadata != 0
	}
}

// hearsOf tells whether the client wants to hear of the entries of a mailbox of somebody else.
func (n *notifySet) hearsOf(m *mount, mailbox string) bool {
	there := slices.ContainsFunc(n.known.boxes, func(b watchedBox) bool { return b.mount == m && b.folder == mailbox && !b.NoSelect })
	return there && n.events(m.canonical(mailbox), n.known)&mailboxMetadata != 0
}

// tellAccount tells what has changed in an account.
func (c *conn) tellAccount(p *entryPlace, hears func(*maildir.ChangedEntry) bool) error {
	since := p.last
	if !p.begun {
		since = math.MaxInt64
	}
	list, last, err := p.mount.acct.EntriesSince(c.ctx, since, c.user())
	if err != nil {
		return err
	}
	names := map[string][]string{}
	var order []string
	for i := range list {
		e := &list[i]
		if e.Change == p.own || maySeeEntries(e.Rights) != nil || !hears(e) {
			continue
		}
		if names[e.Mailbox] == nil {
			order = append(order, e.Mailbox)
		}
		names[e.Mailbox] = append(names[e.Mailbox], e.Name)
	}
	for _, mailbox := range order {
		name := ""
		if mailbox != "" {
			name = p.mount.client(mailbox)
		}
		c.writeChangedEntries(name, names[mailbox])
	}
	p.told = told{last: last, begun: true}
	return nil
}

// tellServer tells what has changed of the server's shared entries.
func (c *conn) tellServer() error {
	p := &c.entries.server
	list, err := c.sess.Annotations(c.ctx, p.last)
	if err != nil {
		return err
	}
	var names []string
	last := p.last
	for _, a := range list {
		last = max(last, a.Changed)
		if p.begun && a.Changed != p.own && c.hears("") {
			names = append(names, a.Name)
		}
	}
	if len(names) > 0 {
		c.writeChangedEntries("", names)
	}
	*p = told{last: last, begun: true}
	return nil
}

// writeChangedEntries writes the METADATA response without values (RFC 5464 §4.4.2).
func (c *conn) writeChangedEntries(mailbox string, names []string) {
	c.enc.Untagged().Atom("METADATA ").Mailbox(mailbox)
	for _, name := range names {
		c.enc.SP().AString(name)
	}
	c.enc.CRLF()
}
