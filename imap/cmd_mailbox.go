package imap

import (
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"

	"bascule/maildir"
)

// mailboxArg reads the one mailbox name that most of these commands take, and gives its canonical form.
func (c *conn) mailboxArg() (string, error) {
	var name string
	if !c.dec.ExpectSP() || !c.dec.ExpectMailbox(&name) || !c.dec.ExpectCRLF() {
		return "", c.dec.Err()
	}
	return c.ns.Canonical(name)
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
	canonical, err := c.newName(name)
	if err != nil {
		return err
	}
	for i, u := range uses {
		k := slices.IndexFunc(specialUses, func(s string) bool { return strings.EqualFold(s, u) })
		if k < 0 {
			return no("USEATTR", "This special use is not supported")
		}
		uses[i] = specialUses[k]
	}
	if _, err = c.acct.CreateMailbox(c.ctx, canonical, uses); err != nil {
		return err
	}
	c.tellName(name, name, canonical)
	return nil
}

// newName is the canonical form of a name that is to come into being. IMAP4rev2 wants it in Net-Unicode (RFC 9051 §5.1), which
// is: without controls, and normalised. Who speaks IMAP4rev1 gets the name as it was sent, for he is not told of another.
func (c *conn) newName(name string) (string, error) {
	canonical, err := c.ns.Canonical(name)
	if err != nil {
		return "", err
	}
	if c.on.rev2 || c.on.utf8 {
		canonical = norm.NFC.String(canonical)
	}
	return canonical, nil
}

// tellName tells that a name which was sent had to be normalised to canonical; old is what the client knew the mailbox by
// (RFC 9051 §6.3.9.7).
func (c *conn) tellName(sent, old, canonical string) {
	if !c.on.rev2 && !c.on.utf8 || norm.NFC.IsNormalString(sent) {
		return
	}
	c.enc.Untagged().Atom("LIST () ").Quoted(string(c.ns.sep)).SP().Mailbox(c.ns.Client(canonical)).
		Atom(` ("OLDNAME" (`).Mailbox(old).Atom("))").CRLF()
}

// cmdDelete is DELETE (RFC 9051 §6.3.5).
//
//	delete = "DELETE" SP mailbox
func (c *conn) cmdDelete(r *request) error {
	name, err := c.mailboxArg()
	if err != nil {
		return err
	}
	if err := c.acct.DeleteMailbox(c.ctx, name); err != nil {
		return err
	}
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
	source, err := c.ns.Canonical(from)
	if err != nil {
		return maildir.ErrNoMailbox
	}
	target, err := c.newName(to)
	if err != nil {
		return err
	}
	if source == maildir.Inbox {
		// Its messages leave it (RFC 9051 §6.3.6), which a POP3 session must not meet with.
		leave, err := c.enterInbox(r, maildir.TouchRemove)
		if err != nil {
			return err
		}
		defer leave()
	}
	if err := c.acct.RenameMailbox(c.ctx, source, target); err != nil {
		return err
	}
	c.tellName(to, from, target)
	return nil
}

// enterInbox enters INBOX whether or not it is selected.
func (c *conn) enterInbox(r *request, touch maildir.Touch) (leave func(), err error) {
	m, err := c.acct.Mailbox(c.ctx, maildir.Inbox)
	if err != nil {
		return nil, err
	}
	defer m.Close()
	return c.enterMailbox(r, m, touch)
}

// cmdSubscribe is SUBSCRIBE and UNSUBSCRIBE (RFC 9051 §6.3.7, §6.3.8). A name need not exist to be subscribed.
//
//	subscribe = "SUBSCRIBE" SP mailbox    unsubscribe = "UNSUBSCRIBE" SP mailbox
func (c *conn) cmdSubscribe(r *request) error {
	name, err := c.mailboxArg()
	if err != nil {
		return err
	}
	if r.row.verb == "SUBSCRIBE" {
		return c.acct.Subscribe(c.ctx, name)
	}
	return c.acct.Unsubscribe(c.ctx, name)
}
