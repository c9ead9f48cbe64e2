package imap

import (
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"

	"bascule/maildir"
)

// mailboxArg reads the one mailbox name that most of these commands take, and finds where it leads.
func (c *conn) mailboxArg(need maildir.Rights) (place, error) {
	var name string
	if !c.dec.ExpectSP() || !c.dec.ExpectMailbox(&name) || !c.dec.ExpectCRLF() {
		return place{}, c.dec.Err()
	}
	return c.find(name, need)
}

// specialUses are the uses a client may give to a mailbox (RFC 6154 §2). \All and \Flagged would be views, which
// this server has not.
var specialUses = []string{`\Archive`, `\Drafts`, `\Junk`, `\Sent`, `\Trash`}

// cmdCreate is CREATE (RFC 9051 §6.3.4), with USE (RFC 6154 §3).
//
//	create = "CREATE" SP mailbox [SP "(" "USE" SP "(" [use-attr *(SP use-attr)] ")" ")"]
func (c *conn) cmdCreate(r *request) error {
	var name string
	var uses []string
	if !c.dec.ExpectSP() || !c.dec.ExpectMailbox(&name) {
		return c.dec.Err()
	}
	if c.dec.SP() {
		param := func() bool {
			var p string
			if !c.dec.ExpectKeyword(&p) {
				return false
			}
			if p != "USE" {
				return c.dec.Fail("unknown CREATE parameter")
			}
			return c.dec.ExpectSP() && c.dec.ExpectFlagList(&uses)
		}
		if !c.dec.ExpectList(param) {
			return c.dec.Err()
		}
	}
	if !c.dec.ExpectCRLF() {
		return c.dec.Err()
	}
	p, err := c.newName(name)
	if err != nil {
		return err
	}
	if uses, err = knownUses(uses); err != nil {
		return err
	}
	info, err := p.acct.CreateMailboxBy(c.ctx, c.user(), p.folder, uses)
	if err != nil {
		return err
	}
	r.code = "MAILBOXID (" + info.ID + ")"
	r.named = append(r.named, p.canonical(p.folder))
	c.tellName(name, name, p)
	return nil
}

// knownUses gives special uses as they are written, each once, or refuses one that there is not.
func knownUses(uses []string) (out []string, err error) {
	for _, u := range uses {
		k := slices.IndexFunc(specialUses, func(s string) bool { return strings.EqualFold(s, u) })
		if k < 0 {
			return nil, no("USEATTR", "This special use is not supported")
		}
		if !slices.Contains(out, specialUses[k]) {
			out = append(out, specialUses[k])
		}
	}
	return out, nil
}

// newName is where a name leads that is to come into being. IMAP4rev2 wants it in Net-Unicode (RFC 9051 §5.1), which
// is: without controls, and normalised. Who speaks IMAP4rev1 gets the name as it was sent, for he is not told of another.
func (c *conn) newName(name string) (place, error) {
	if c.on.rev2 || c.on.utf8 {
		name = norm.NFC.String(name)
	}
	return c.findNew(name)
}

// tellName tells that a name which was sent had to be normalised to that of p; old is what the client knew the mailbox by
// (RFC 9051 §6.3.9.7).
func (c *conn) tellName(sent, old string, p place) {
	if !c.on.rev2 && !c.on.utf8 || norm.NFC.IsNormalString(sent) {
		return
	}
	c.enc.Untagged().Atom("LIST () ").Quoted(string(c.ns.sep)).SP().Mailbox(p.client()).
		Atom(` ("OLDNAME" (`).Mailbox(old).Atom("))").CRLF()
}

// cmdDelete is DELETE (RFC 9051 §6.3.5).
//
//	delete = "DELETE" SP mailbox
func (c *conn) cmdDelete(r *request) error {
	p, err := c.mailboxArg(0)
	if err != nil {
		return err
	}
	removed, err := p.acct.DeleteMailboxBy(c.ctx, c.user(), p.folder)
	if err != nil {
		return err
	}
	r.named = append(r.named, p.canonical(p.folder))
	c.sess.Removed(p.acct, p.folder, "delete", removed)
	if c.box != nil && c.box.m.Deleted() {
		c.unselect()
		c.status("*", kindOK, "CLOSED", "The selected mailbox was deleted by this command")
	}
	return nil
}

// cmdRename is RENAME (RFC 9051 §6.3.6). Sessions that have the mailbox selected keep it.
//
//	rename = "RENAME" SP mailbox SP mailbox
func (c *conn) cmdRename(r *request) error {
	var from, to string
	if !c.dec.ExpectSP() || !c.dec.ExpectMailbox(&from) || !c.dec.ExpectSP() || !c.dec.ExpectMailbox(&to) || !c.dec.ExpectCRLF() {
		return c.dec.Err()
	}
	source, err := c.findMailbox(from, 0)
	if err != nil {
		return err
	}
	target, err := c.newName(to)
	if err != nil {
		return err
	}
	if source.mount != target.mount {
		return no("CANNOT", "A mailbox stays in its account")
	}
	if source.folder == maildir.Inbox && source.mount == c.home {
		// Its messages leave it (RFC 9051 §6.3.6), which a POP3 session must not meet with.
		leave, err := c.enterInbox(r, maildir.TouchRemove)
		if err != nil {
			return err
		}
		defer leave()
	}
	if err := source.acct.RenameMailboxBy(c.ctx, c.user(), source.folder, target.folder); err != nil {
		return err
	}
	r.named = append(r.named, source.canonical(source.folder), target.canonical(target.folder))
	c.tellName(to, from, target)
	return nil
}

// enterInbox enters INBOX whether or not it is selected.
func (c *conn) enterInbox(r *request, touch maildir.Touch) (leave func(), err error) {
	m, err := c.home.acct.Mailbox(c.ctx, maildir.Inbox)
	if err != nil {
		return nil, err
	}
	defer m.Close()
	return c.pass(r, c.home, m, touch)
}

// cmdSubscribe is SUBSCRIBE and UNSUBSCRIBE (RFC 9051 §6.3.7, §6.3.8). A name need not exist to be subscribed.
//
//	subscribe = "SUBSCRIBE" SP mailbox    unsubscribe = "UNSUBSCRIBE" SP mailbox
func (c *conn) cmdSubscribe(r *request) error {
	var name string
	if !c.dec.ExpectSP() || !c.dec.ExpectMailbox(&name) || !c.dec.ExpectCRLF() {
		return c.dec.Err()
	}
	// Whether it exists, and is there for this user, is not looked at (RFC 4314 §4).
	canonical, err := c.ns.Canonical(name)
	if err != nil {
		return err
	}
	r.named = append(r.named, canonical)
	if r.row.verb == "SUBSCRIBE" {
		return c.home.acct.Subscribe(c.ctx, canonical)
	}
	return c.home.acct.Unsubscribe(c.ctx, canonical)
}
