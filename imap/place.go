package imap

import (
	"errors"
	"fmt"
	"strings"

	"bascule/internal/accounts"
	"bascule/internal/gate"
	"bascule/locking"
	"bascule/maildir"
)

// A mount is an account's mail as one session has it: the user's own, or what somebody else lets him see of his.
type mount struct {
	acct  *maildir.Account
	door  *maildir.Door // where the session passes the account's POP3 lock
	ns    namespace
	root  string      // where it is among the canonical names; "" is the user's own
	visit *gate.Visit // nil: the user's own
	lent  bool        // by a URL of its owner's, which says what may be read
}

// mount opens a door to an account that the session has.
func (c *conn) mount(acct *maildir.Account) *mount {
	who := locking.Holder{Session: c.sess.ID, Protocol: "imap", Remote: c.client.Remote.String()}
	return &mount{acct: acct, door: acct.Door(who), ns: c.ns}
}

// canonical is the name of one of its mailboxes among all that the session has.
func (m *mount) canonical(folder string) string {
	switch {
	case m.root == "":
		return folder
	case folder == maildir.Inbox:
		return m.root
	}
	return m.root + "/" + folder
}

// client is the name that the client knows a mailbox of the account by.
func (m *mount) client(folder string) string { return m.ns.Client(m.canonical(folder)) }

// A place is where a client's name of a mailbox leads. There need be no mailbox.
type place struct {
	*mount
	folder string         // the account's canonical name
	rights maildir.Rights // what the user may do there
}

// client is the name that the client knows the place by.
func (p place) client() string { return p.mount.client(p.folder) }

// user is whose session it is, as lists of rights name him.
func (c *conn) user() string { return string(c.sess.Address) }

// find finds where a client's name leads, and makes sure that the user has the rights that are needed there. Every
// command that takes a name comes by here, or by findNew. A mailbox that is not there for the user, and one that does not exist, are the same error.
func (c *conn) find(name string, need maildir.Rights) (place, error) {
	p, err := c.locate(name)
	if err == nil {
		p, err = c.permitted(p, need)
	}
	return p, err
}

// permitted adds what the user may do in a place, and fails if it is not enough.
func (c *conn) permitted(p place, need maildir.Rights) (_ place, err error) {
	if p.mount == c.home {
		p.rights = maildir.AllRights
		return p, nil
	}
	if p.rights, err = p.acct.Rights(c.ctx, p.folder, c.user()); err != nil {
		return place{}, err
	}
	return p, p.rights.Need(need)
}

// findMailbox is find for commands that are good only for a mailbox that is there: an impossible name is the name of none.
func (c *conn) findMailbox(name string, need maildir.Rights) (place, error) {
	p, err := c.find(name, need)
	if errors.Is(err, maildir.ErrBadName) {
		err = maildir.ErrNoMailbox
	}
	return p, err
}

// findNew is find for a name that is to come into being. Whether the user may make it the store decides, by his rights in the
// mailbox above.
func (c *conn) findNew(name string) (place, error) { return c.locate(name) }

// locate finds whose mailbox a name is, without a look at rights.
func (c *conn) locate(name string) (place, error) {
	canonical, err := c.ns.Canonical(name)
	if err != nil {
		return place{}, err
	}
	return c.locateCanonical(canonical)
}

func (c *conn) locateCanonical(canonical string) (place, error) {
	root, folder, ok := splitOwner(canonical)
	if !ok {
		return place{mount: c.home, folder: canonical}, nil
	}
	// Every mailbox has one name.
	if first, below, more := strings.Cut(folder, "/"); strings.EqualFold(first, maildir.Inbox) {
		if !more && canonical != root {
			return place{}, maildir.ErrBadName
		}
		if folder = maildir.Inbox; more {
			folder += "/" + below
		}
	}
	m, err := c.mountAt(root)
	return place{mount: m, folder: folder}, err
}

// maxMounts bounds how many other accounts a session keeps open between its commands.
const maxMounts = 32

// mountAt gives the mount of somebody else's mail.
func (c *conn) mountAt(root string) (*mount, error) {
	top, address, _ := strings.Cut(root, "/")
	owner, err := accounts.ParseAddress(address)
	if err != nil {
		return nil, maildir.ErrNoMailbox
	}
	m := c.mounts[owner]
	if m != nil && m.visit.Over() {
		if c.box != nil && c.box.mount == m {
			return nil, maildir.ErrNoMailbox // sync ends the session
		}
		c.unmount(m)
		m = nil
	}
	if m == nil {
		visit, err := c.sess.Visit(c.ctx, owner, c.nc.Wake)
		if errors.Is(err, gate.ErrNoVisit) {
			return nil, fmt.Errorf("%w: %s", maildir.ErrNoMailbox, root)
		}
		if err != nil {
			return nil, err
		}
		m = c.mount(visit.Account)
		m.visit, m.root = visit, othersRoot+"/"+string(owner)
		if visit.Shared {
			m.root = sharedRoot + "/" + string(owner)
		}
		if c.mounts == nil {
			c.mounts = map[accounts.Address]*mount{}
		}
		c.mounts[owner] = m
	}
	if !strings.HasPrefix(m.root, top+"/") {
		return nil, fmt.Errorf("%w: %s", maildir.ErrNoMailbox, root)
	}
	return m, nil
}

// mountOwner gives the mount of an owner's mail, in whichever of the two places it is.
func (c *conn) mountOwner(owner accounts.Address) (*mount, error) {
	m, err := c.mountAt(othersRoot + "/" + string(owner))
	if errors.Is(err, maildir.ErrNoMailbox) {
		m, err = c.mountAt(sharedRoot + "/" + string(owner))
	}
	return m, err
}

// unmount gives somebody else's mail back.
func (c *conn) unmount(m *mount) {
	c.notify.leave(m)
	c.entries.leave(c, m)
	delete(c.mounts, m.visit.Owner)
	m.visit.Close()
}

// trimMounts gives back what is too much to keep, and what is closed to visitors, save the selected mailbox's. No mailbox of the
// others may be in use.
func (c *conn) trimMounts() {
	for _, m := range c.mounts {
		if c.box != nil && c.box.mount == m {
			continue
		}
		if len(c.mounts) > maxMounts && !c.notify.watches(m) || m.visit.Over() {
			c.unmount(m)
		}
	}
}

// unmountAll ends all visits, when the session ends. No mailbox is open any more.
func (c *conn) unmountAll() {
	for _, m := range c.mounts {
		c.unmount(m)
	}
}
