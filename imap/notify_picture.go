package imap

import (
	"errors"
	"slices"
	"strings"

	"bascule/internal/accounts"
	"bascule/maildir"
)

// maxNotifyAccounts bounds how many accounts of others one session watches. Each stays open, and is compared with every look.
const maxNotifyAccounts = 16

// picture is what a session may see of all mailboxes that it watches, at one moment.
type picture struct {
	boxes      []watchedBox
	subscribed map[string]bool // canonical names
	names      []string        // the same
}

// watchedBox is a mailbox with its name among all that the session has.
type watchedBox struct {
	maildir.State
	mount  *mount
	folder string // its account's name of it
}

// boxKey is what a mailbox is known by, whatever its name.
type boxKey struct {
	mount *mount
	id    string
}

func (b *watchedBox) key() boxKey { return boxKey{b.mount, b.MailboxInfo.ID} }

// readable tells whether the client may hear of messages in it.
func (b *watchedBox) readable() bool { return b.Rights.Has(maildir.RightRead) }

// picture looks at the user's own account and at those of others that the client named. look says that what no nudge tells of is to be looked for:
// what other programs did, and who shares something only now.
func (c *conn) picture(n *notifySet, look bool) (p picture, err error) {
	own, names, err := c.home.acct.Overview(c.ctx, look)
	if err != nil {
		return p, err
	}
	for _, s := range own {
		p.boxes = append(p.boxes, watchedBox{State: s, mount: c.home, folder: s.Name})
	}
	p.names, p.subscribed = names, make(map[string]bool, len(names))
	for _, name := range names {
		p.subscribed[name] = true
	}
	others, err := c.watchOthers(n, &p, look)
	if err != nil {
		return p, err
	}
	for _, m := range others {
		boxes, err := m.acct.OverviewOf(c.ctx, c.user(), look)
		if err != nil {
			return p, err
		}
		for _, s := range boxes {
			b := watchedBox{State: s, mount: m, folder: s.Name}
			b.Name = m.canonical(s.Name)
			p.boxes = append(p.boxes, b)
		}
	}
	return p, nil
}

// errTooManyAccounts ends or refuses NOTIFY.
var errTooManyAccounts = no("NOTIFICATIONOVERFLOW", "Mailboxes of too many accounts to be watched")

// watchOthers makes the session watch the accounts of others whose mailboxes the groups name, and no more, and lists them.
func (c *conn) watchOthers(n *notifySet, p *picture, look bool) (out []*mount, err error) {
	owners, all := n.owners(p)
	if all && look {
		list, err := c.sess.Owners(c.ctx)
		if err != nil {
			return nil, err
		}
		for _, owner := range list {
			owners[owner] = true
		}
	} else if all {
		for m := range n.unwatch {
			if m.visit != nil {
				owners[m.visit.Owner] = true
			}
		}
	}
	wanted := map[*mount]bool{c.home: true}
	for owner := range owners {
		if m := c.mounts[owner]; !look && (m == nil || m.visit.Over()) {
			continue
		}
		m, err := c.mountOwner(owner)
		if errors.Is(err, maildir.ErrNoMailbox) {
			continue // shares nothing, or is closed: perhaps later
		}
		if err != nil {
			return nil, err
		}
		if len(out) == maxNotifyAccounts {
			return nil, errTooManyAccounts
		}
		wanted[m] = true
		out = append(out, m)
		n.watch(c, m)
	}
	for m := range n.unwatch {
		if !wanted[m] {
			n.leave(m)
		}
	}
	slices.SortFunc(out, func(a, b *mount) int { return strings.Compare(a.root, b.root) })
	return out, nil
}

// owners are whose mailboxes the groups name; all says that those of everybody who shares some are wanted.
func (n *notifySet) owners(p *picture) (owners map[accounts.Address]bool, all bool) {
	owners = map[accounts.Address]bool{}
	add := func(name string) {
		root, _, ok := splitOwner(name)
		if !ok {
			return
		}
		_, address, _ := strings.Cut(root, "/")
		if owner, err := accounts.ParseAddress(address); err == nil {
			owners[owner] = true
		}
	}
	for i := range n.groups {
		g := &n.groups[i]
		if g.kind == filterSubscribed {
			for _, name := range p.names {
				add(name)
			}
		}
		for _, name := range g.names {
			add(name)
			all = all || g.kind != filterMailboxes && (name == othersRoot || name == sharedRoot)
		}
	}
	return owners, all
}

// byKey finds a mailbox.
func (p *picture) byKey() map[boxKey]*watchedBox {
	m := make(map[boxKey]*watchedBox, len(p.boxes))
	for i := range p.boxes {
		if b := &p.boxes[i]; !b.NoSelect {
			m[b.key()] = b
		}
	}
	return m
}
