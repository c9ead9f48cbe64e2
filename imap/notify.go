package imap

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"

	"bascule/maildir"
)

// This file is what a client that said NOTIFY SET hears (RFC 5465) beside the news of the selected mailbox, which are
// sync's. A nudge says that something in an account has changed; then a picture of all mailboxes is compared with the
// last one. So no event can get lost, none needs to be kept, and what happens twice between two looks is told once.

// events is a set of event types.
type events uint8

const (
	messageNew events = 1 << iota
	messageExpunge
	flagChange
	mailboxName
	subscriptionChange
	mailboxMetadata
	serverMetadata
)

var eventNames = map[string]events{"MESSAGENEW": messageNew, "MESSAGEEXPUNGE": messageExpunge, "FLAGCHANGE": flagChange,
	"MAILBOXNAME": mailboxName, "SUBSCRIPTIONCHANGE": subscriptionChange, "MAILBOXMETADATACHANGE": mailboxMetadata, "SERVERMETADATACHANGE": serverMetadata}

// supportedEvents is what BADEVENT answers. There are no annotations of messages.
var supportedEvents = []string{"MessageNew", "MessageExpunge", "FlagChange", "MailboxName", "SubscriptionChange", "MailboxMetadataChange", "ServerMetadataChange"}

// eventGroup is a group of NOTIFY SET. The names of its filter are canonical.
type eventGroup struct {
	mailboxFilter
	events events
}

// covers tells whether a group is about a mailbox.
func (g *eventGroup) covers(name string, p picture) bool {
	switch g.kind {
	case filterPersonal:
		_, _, elsewhere := splitOwner(name)
		return !elsewhere
	case filterSubscribed:
		return p.subscribed[name]
	}
	return slices.ContainsFunc(g.names, func(top string) bool {
		rest, below := strings.CutPrefix(name, top+"/")
		return name == top || below && (g.kind == filterSubtree || g.kind == filterSubtreeOne && !strings.Contains(rest, "/"))
	})
}

// notifySet is what a client asked for. The zero value is NOTIFY NONE.
type notifySet struct {
	hasSelected bool
	selected    events // for the selected mailbox
	delayed     bool   // expunges wait for a command that allows them
	fetch       *fetchPlan
	groups      []eventGroup // for the others

	known   picture
	held    []*mount          // of whose INBOX something was not told because of POP3's lock
	dirty   atomic.Bool       // there may be news; set from any goroutine
	unwatch map[*mount]func() // accounts that are watched, the user's own among them
}

// events are those that the client wants to hear of a mailbox that is not selected.
func (n *notifySet) events(name string, p picture) (ev events) {
	for i := range n.groups {
		if n.groups[i].covers(name, p) {
			ev |= n.groups[i].events
		}
	}
	return ev
}

// watched counts the mailboxes whose messages are watched.
func (n *notifySet) watched(p picture) (count int) {
	for i := range p.boxes {
		if b := &p.boxes[i]; !b.NoSelect && b.readable() && n.events(b.Name, p)&messageNew != 0 {
			count++
		}
	}
	return count
}

// watch has the connection woken when something in an account changes.
func (n *notifySet) watch(c *conn, m *mount) {
	if n.unwatch[m] != nil {
		return
	}
	if n.unwatch == nil {
		n.unwatch = map[*mount]func(){}
	}
	n.unwatch[m] = m.acct.Watch(func() {
		n.dirty.Store(true)
		c.nc.Wake()
	})
}

// watches tells whether an account is watched.
func (n *notifySet) watches(m *mount) bool { return n != nil && n.unwatch[m] != nil }

// leave ends the watch of an account.
func (n *notifySet) leave(m *mount) {
	if n.watches(m) {
		n.unwatch[m]()
		delete(n.unwatch, m)
		n.dirty.Store(true)
	}
}

func (n *notifySet) end() {
	if n != nil {
		for m := range n.unwatch {
			n.leave(m)
		}
	}
}

// due tells whether there may be something to be told. What is held back by POP3's lock costs a look at the lock, and not at all mailboxes, as long as
// it lasts: a session that waits asks four times a second.
func (n *notifySet) due(look bool) bool {
	due := n.dirty.Swap(false) || look
	for m := range n.unwatch {
		due = due || m.visit != nil && m.visit.Over()
	}
	return due || slices.ContainsFunc(n.held, func(m *mount) bool { return !m.door.Quiet(maildir.Inbox) })
}

// setNotify makes n what the client hears; nil is as after the login.
func (c *conn) setNotify(n *notifySet) {
	c.notify.end()
	c.notify = n
	if c.box != nil {
		c.listen()
	}
}

// awake tells whether the client wants to be told of events while no command runs.
func (n *notifySet) awake() bool { return n != nil && (n.selected != 0 || len(n.groups) > 0) }

// mutes tells whether the client wants to hear nothing of this kind from the selected mailbox.
func (n *notifySet) mutes(e events) bool { return n != nil && n.selected&e == 0 }

// listen has the connection woken by the selected mailbox, under NOTIFY as in IDLE.
func (c *conn) listen() {
	b := c.box
	switch want := c.notify != nil && c.notify.selected != 0; {
	case want && b.unwatch == nil:
		b.unwatch = b.m.Watch(c.nc.Wake)
	case !want && b.unwatch != nil:
		b.unwatch()
		b.unwatch = nil
	}
}

// isSelected tells whether a mailbox is the selected one, which has a rule of its own.
func (c *conn) isSelected(b *watchedBox) bool {
	return c.box != nil && c.box.mount == b.mount && c.box.m.ID() == b.MailboxInfo.ID
}

// tellOthers tells what happened to mailboxes that are not selected.
func (c *conn) tellOthers(r *request) error {
	n := c.notify
	if n == nil || len(n.groups) == 0 || !n.due(r.refresh) {
		return nil
	}
	now, err := c.picture(n, r.refresh)
	if errors.Is(err, errTooManyAccounts) {
		c.overflow("Mailboxes of too many accounts to be watched; NOTIFY is off")
		return nil
	}
	if err != nil {
		n.dirty.Store(true)
		return err
	}
	if n.watched(now) > c.srv.opt.NotifyMailboxes {
		c.overflow("Too many mailboxes to be watched; NOTIFY is off")
		return nil
	}
	old := n.known
	n.known, n.held = now, nil
	c.tellNames(r, &old, &now)
	before := old.byKey()
	for i := range now.boxes {
		b := &now.boxes[i]
		if b.NoSelect {
			continue
		}
		was := before[b.key()]
		if was == nil || !was.readable() {
			was = &watchedBox{State: maildir.State{Status: maildir.Status{UIDNext: 1, UIDValidity: b.UIDValidity, HighestModSeq: 1}}}
		}
		ev := n.events(b.Name, now)
		if ev == 0 || c.isSelected(b) || !b.readable() || was.Status == b.Status {
			continue
		}
		if b.mount.door.Quiet(b.folder) {
			b.Status = was.Status
			n.hold(b.mount)
			continue
		}
		if items := c.statusNews(ev, &was.Status, &b.Status); items != nil {
			c.writeStatus(place{mount: b.mount, folder: b.folder}, items, &b.Status)
		}
	}
	return c.enc.Err()
}

// hold notes that news of an account's INBOX wait for the end of a POP3 session.
func (n *notifySet) hold(m *mount) {
	if !slices.Contains(n.held, m) {
		n.held = append(n.held, m)
	}
}

// overflow ends what NOTIFY began (RFC 5465 §5.8).
func (c *conn) overflow(why string) {
	c.status("*", kindOK, "NOTIFICATIONOVERFLOW", why)
	c.setNotify(&notifySet{})
}

// statusNews are the items of STATUS that tell what changed (RFC 5465 §5.1 to §5.3); nil for nothing that the client
// wants to hear.
func (c *conn) statusNews(ev events, was, now *maildir.Status) (items []string) {
	switch {
	case ev&messageNew != 0 && (was.UIDNext != now.UIDNext || was.Messages != now.Messages || was.UIDValidity != now.UIDValidity):
		items = []string{"MESSAGES", "UIDNEXT", "UIDVALIDITY"}
	case ev&flagChange != 0 && (c.on.condstore && was.HighestModSeq != now.HighestModSeq || was.Unseen != now.Unseen):
		items = []string{"UIDVALIDITY"}
	default:
		return nil
	}
	if ev&flagChange != 0 && was.Unseen != now.Unseen {
		items = append(items, "UNSEEN")
	}
	if c.on.condstore {
		items = append(items, "HIGHESTMODSEQ")
	}
	return items
}

// maxNewFetched is how many messages that arrived at once are told with what MessageNew asked for.
const maxNewFetched = 1000

// fetchNew tells of the last added messages of the selected mailbox what MessageNew asks for, save of those that this
// connection made itself (RFC 5465 §5.2), and what searches with UPDATE ask for, in one response each (§7).
func (c *conn) fetchNew(added int) error {
	found := c.found
	c.found = nil
	var always *fetchPlan
	if c.notify != nil {
		always = c.notify.fetch
	}
	if added == 0 || always == nil && found == nil {
		return nil
	}
	if added > maxNewFetched {
		c.overflow("Too many new messages at once; NOTIFY is off")
		return nil
	}
	v := &c.box.view
	var last *fetchPlan
	var spans []span
	for n := SeqNum(v.Len() - added + 1); int(n) <= v.Len(); n++ {
		uid := v.UID(n)
		plan := always
		if slices.Contains(c.made, uid) {
			plan = nil
		}
		if extra := found[uid]; extra != nil {
			plan = merged(plan, extra)
		}
		if plan != last {
			if err := c.sendNew(last, spans); err != nil {
				return err
			}
			last, spans = plan, nil
		}
		spans = append(spans, span{n, n})
	}
	return c.sendNew(last, spans)
}

// merged is a plan of all items of some, each once; first may be nil.
func merged(first *fetchPlan, others []*fetchPlan) *fetchPlan {
	all := &fetchPlan{}
	if first != nil {
		others = append([]*fetchPlan{first}, others...)
	}
	for _, p := range others {
		for _, it := range p.items {
			if !slices.ContainsFunc(all.items, func(have fetchItem) bool { return reflect.DeepEqual(have, it) }) {
				all.add(it)
			}
		}
	}
	return all
}

func (c *conn) sendNew(plan *fetchPlan, spans []span) error {
	if plan == nil || len(spans) == 0 {
		return nil
	}
	once := *plan
	out := fetchSender{c: c, plan: &once}
	if once.sizes && c.box.view.snap.Unsized() > 0 {
		uids, _ := c.box.view.uids(spans)
		var err error
		if out.sized, err = c.box.m.Sizes(c.ctx, uids); err != nil {
			return err
		}
	}
	return out.send(spans)
}

// addedUIDs notes messages that the running command put into a mailbox.
func (c *conn) addedUIDs(validity uint32, uids []maildir.UID) {
	if c.notify != nil && c.box != nil && c.box.view.snap.UIDValidity() == validity {
		c.made = append(c.made, uids...)
	}
}
