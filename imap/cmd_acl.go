package imap

import (
	"log/slog"
	"strings"

	"bascule/internal/accounts"
	"bascule/maildir"
)

// anyRight are the rights of which one lets a user ask for his rights (RFC 4314 §4).
const anyRight = maildir.RightLookup | maildir.RightRead | maildir.RightInsert | maildir.RightCreate | maildir.RightDelete | maildir.RightAdmin

// cmdMyRights is MYRIGHTS (RFC 4314 §3.5).
//
//	myrights = "MYRIGHTS" SP mailbox
func (c *conn) cmdMyRights(r *request) error {
	p, err := c.aclArg(0)
	if err != nil {
		return err
	}
	if p.rights&anyRight == 0 {
		return maildir.ErrNoMailbox
	}
	c.writeMyRights(p.client(), p.rights)
	return nil
}

func (c *conn) writeMyRights(client string, rights maildir.Rights) {
	c.enc.Untagged().Atom("MYRIGHTS ").Mailbox(client).SP().Atom(rights.Compatible()).CRLF()
}

// cmdGetACL is GETACL (RFC 4314 §3.3). The owner comes first: he has all rights and stands in no list.
//
//	getacl = "GETACL" SP mailbox
func (c *conn) cmdGetACL(r *request) error {
	p, err := c.aclArg(maildir.RightAdmin)
	if err != nil {
		return err
	}
	list, err := p.acct.ACL(c.ctx, p.folder)
	if err != nil {
		return err
	}
	c.enc.Untagged().Atom("ACL ").Mailbox(p.client()).SP().String(p.acct.Address()).SP().Atom(maildir.AllRights.Compatible())
	for _, g := range list.Grants {
		c.enc.SP().String(g.Identifier()).SP().Atom(g.Rights.Compatible())
	}
	c.enc.CRLF()
	return nil
}

// aclArg reads the one mailbox name of these commands; the mailbox exists.
func (c *conn) aclArg(need maildir.Rights) (place, error) {
	var name string
	if !c.dec.ExpectSP() || !c.dec.ExpectMailbox(&name) || !c.dec.ExpectCRLF() {
		return place{}, c.dec.Err()
	}
	return c.findThere(name, need)
}

// findThere is findMailbox for a mailbox that must be there, the user's own too.
func (c *conn) findThere(name string, need maildir.Rights) (place, error) {
	p, err := c.findMailbox(name, need)
	if err == nil && p.mount == c.home {
		_, err = p.acct.Rights(c.ctx, p.folder, c.user())
	}
	return p, err
}

// cmdSetACL is SETACL (RFC 4314 §3.1).
//
//	setacl = "SETACL" SP mailbox SP identifier SP mod-rights
func (c *conn) cmdSetACL(r *request) error {
	var name, identifier, letters string
	if !c.dec.ExpectSP() || !c.dec.ExpectMailbox(&name) || !c.dec.ExpectSP() || !c.dec.ExpectAString(&identifier) ||
		!c.dec.ExpectSP() || !c.dec.ExpectAString(&letters) || !c.dec.ExpectCRLF() {
		return c.dec.Err()
	}
	plus := strings.HasPrefix(letters, "+")
	minus := strings.HasPrefix(letters, "-")
	if plus || minus {
		letters = letters[1:]
	}
	rights, err := maildir.ParseRights(letters)
	if err != nil {
		return bad("There is a letter that is no right; rights are " + maildir.RightLetters + ", c and d, in lower case")
	}
	return c.grant(name, identifier, func(was maildir.Rights) maildir.Rights {
		switch {
		case plus:
			return was | rights
		case minus:
			return was &^ rights
		}
		return rights
	})
}

// cmdDeleteACL is DELETEACL (RFC 4314 §3.2).
//
//	deleteacl = "DELETEACL" SP mailbox SP identifier
func (c *conn) cmdDeleteACL(r *request) error {
	var name, identifier string
	if !c.dec.ExpectSP() || !c.dec.ExpectMailbox(&name) || !c.dec.ExpectSP() || !c.dec.ExpectAString(&identifier) || !c.dec.ExpectCRLF() {
		return c.dec.Err()
	}
	return c.grant(name, identifier, func(maildir.Rights) maildir.Rights { return 0 })
}

// grant changes what an identifier has in a mailbox.
func (c *conn) grant(name, identifier string, to func(maildir.Rights) maildir.Rights) error {
	p, err := c.findThere(name, maildir.RightAdmin)
	if err != nil {
		return err
	}
	who, negative, err := identified(identifier, p.acct.Address())
	if err != nil {
		return err
	}
	before, after, err := p.acct.Grant(c.ctx, p.folder, who, negative, to)
	if err != nil || before == after {
		return err
	}
	e := accounts.ShareEntry(p.acct.Address(), p.folder, maildir.Grant{Who: who, Negative: negative}.Identifier(), before.String(), after.String())
	if err := c.sess.Note(c.ctx, e); err != nil {
		c.log.Error("a change of rights is not in the audit", slog.String("mailbox", p.folder), slog.Any("err", err))
	}
	return nil
}

// identified gives the identifier that a client means. A name without a domain is in the owner's. Whether there is such a user is not told: a
// list of rights is no way to find out who has an account.
func identified(identifier, owner string) (who string, negative bool, err error) {
	who, negative = strings.CutPrefix(identifier, "-")
	if who == maildir.Anyone || who == maildir.Authenticated {
		return who, negative, nil
	}
	if who == "" {
		return "", false, bad("The identifier is empty")
	}
	if !strings.Contains(who, "@") {
		who += "@" + accounts.Address(owner).Domain()
	}
	address, err := accounts.ParseAddress(who)
	if err != nil {
		return "", false, no("CANNOT", "Nobody can have this name; identifiers are addresses, anyone and authenticated")
	}
	return string(address), negative, nil
}

// cmdListRights is LISTRIGHTS (RFC 4314 §3.4). No rights are tied to each other.
//
//	listrights = "LISTRIGHTS" SP mailbox SP identifier
func (c *conn) cmdListRights(r *request) error {
	var name, identifier string
	if !c.dec.ExpectSP() || !c.dec.ExpectMailbox(&name) || !c.dec.ExpectSP() || !c.dec.ExpectAString(&identifier) || !c.dec.ExpectCRLF() {
		return c.dec.Err()
	}
	p, err := c.findThere(name, maildir.RightAdmin)
	if err != nil {
		return err
	}
	who, negative, err := identified(identifier, p.acct.Address())
	if err != nil {
		return err
	}
	c.enc.Untagged().Atom("LISTRIGHTS ").Mailbox(p.client()).SP().String(identifier)
	switch all := maildir.AllRights.Compatible(); {
	case who != p.acct.Address():
		c.enc.SP().String("")
		for _, l := range all {
			c.enc.SP().Atom(string(l))
		}
	case negative:
		c.enc.SP().String("")
	default:
		c.enc.SP().Atom(all)
	}
	c.enc.CRLF()
	return nil
}
