package imap

import (
	"errors"
	"slices"
	"strings"

	"bascule/internal/accounts"
	"bascule/maildir"
)

// Annotations (RFC 5464): names, rights, and where entries are. Those of a mailbox are in its account, the private ones of a server in
// the user's own account, the shared ones beside the accounts.

// goodEntry refuses a name that is none of an entry, nor of a level above entries (RFC 5464 §3.2).
func (c *conn) goodEntry(name string) bool {
	first, _, _ := strings.Cut(strings.TrimPrefix(name, "/"), "/")
	switch {
	case !strings.HasPrefix(name, "/") || !strings.EqualFold(first, "private") && !strings.EqualFold(first, "shared"):
		return c.dec.Fail("an entry begins with /private or /shared")
	case strings.Contains(name, "//") || strings.HasSuffix(name, "/"):
		return c.dec.Fail("an entry has no empty parts")
	case strings.ContainsAny(name, "*%"):
		return c.dec.Fail("an entry holds no wildcard")
	case strings.ContainsFunc(name, func(r rune) bool { return r <= 0x19 || r >= 0x80 }):
		return c.dec.Fail("an entry is in ASCII without control characters")
	case len(name) > maildir.MaxEntryName:
		return c.dec.Fail("the name of the entry is too long")
	}
	return true
}

// goodNewEntry is goodEntry for an entry that is to have a value.
func (c *conn) goodNewEntry(name string) bool {
	if !c.goodEntry(name) {
		return false
	}
	switch parts := strings.Split(strings.TrimPrefix(name, "/"), "/"); {
	case len(parts) < 2:
		return c.dec.Fail("an entry has two parts at least")
	case len(parts) < 4 && strings.EqualFold(parts[1], "vendor"):
		return c.dec.Fail("an entry of a vendor has four parts at least")
	}
	return true
}

// anyOfEntries are the rights of which one, beside l, lets a user see a mailbox's entries and set private ones (RFC 5464 §3.3).
const anyOfEntries = maildir.RightRead | maildir.RightSeen | maildir.RightWrite | maildir.RightInsert | maildir.RightPost

func maySeeEntries(r maildir.Rights) error {
	if err := r.Need(maildir.RightLookup); err != nil {
		return err
	}
	if r&anyOfEntries == 0 {
		return maildir.ErrNoRight
	}
	return nil
}

// mailboxEntries gives a mailbox's entries of some names, and below them.
func (c *conn) mailboxEntries(p place, names []string, depth int) ([]maildir.Entry, error) {
	if err := maySeeEntries(p.rights); err != nil {
		return nil, err
	}
	found, err := p.acct.Entries(c.ctx, p.folder, c.user(), names, depth)
	return answered(found, names, depth), err
}

// answered is what was found; if nothing below was asked for, in the order of the names, and with those that are not there.
func answered(found []maildir.Entry, names []string, depth int) []maildir.Entry {
	if depth != 0 {
		return found
	}
	out := make([]maildir.Entry, 0, len(names))
	same := func(name string) func(maildir.Entry) bool {
		return func(e maildir.Entry) bool { return strings.EqualFold(e.Name, name) }
	}
	for _, name := range names {
		switch i := slices.IndexFunc(found, same(name)); {
		case slices.ContainsFunc(out, same(name)):
		case i < 0:
			out = append(out, maildir.Entry{Name: name})
		default:
			out = append(out, found[i])
		}
	}
	return out
}

// writeEntries writes the METADATA response. Values of more octets than maxSize (-1: any) are left out, and the size of the longest of
// those is returned.
func (c *conn) writeEntries(mailbox string, entries []maildir.Entry, maxSize int64) (longest int) {
	entries = slices.DeleteFunc(entries, func(e maildir.Entry) bool {
		if maxSize < 0 || int64(len(e.Value)) <= maxSize {
			return false
		}
		longest = max(longest, len(e.Value))
		return true
	})
	if len(entries) == 0 {
		return longest
	}
	c.enc.Untagged().Atom("METADATA ").Mailbox(mailbox).SP().List(len(entries), func(i int) {
		e := &entries[i]
		switch c.enc.AString(e.Name).SP(); {
		case e.Value == nil:
			c.enc.NIL()
		case slices.Contains(e.Value, 0):
			c.enc.Literal8(e.Value)
		default:
			c.enc.String(string(e.Value))
		}
	}).CRLF()
	return longest
}

// setMailboxEntries changes a mailbox's entries. What everybody sees takes the right to change what everybody sees, w; what only the user
// sees takes no more than to see it.
func (c *conn) setMailboxEntries(p place, set []maildir.Entry) error {
	if err := maySeeEntries(p.rights); err != nil {
		return err
	}
	for i := range set {
		if !maildir.IsPrivate(set[i].Name) && !p.rights.Has(maildir.RightWrite) {
			return maildir.ErrNoRight
		}
		if strings.EqualFold(set[i].Name, maildir.EntrySpecialUse) && set[i].Value != nil {
			uses, err := c.newUses(p, string(set[i].Value))
			if err != nil {
				return err
			}
			set[i].Value = []byte(uses)
		}
	}
	change, err := p.acct.SetEntries(c.ctx, p.folder, c.user(), set)
	c.entries.mine(p.acct, change)
	return err
}

// newUses gives special uses as CREATE would give them (RFC 6154 §4).
func (c *conn) newUses(p place, value string) (string, error) {
	switch {
	case p.mount != c.home:
		return "", errNoPrivate
	case p.folder == maildir.Inbox:
		return "", no("CANNOT", "INBOX has no special use")
	}
	uses, err := knownUses(strings.Fields(value))
	return strings.Join(uses, " "), err
}

// Entries of the server that are not kept as others are.
const entryAdmin = "/shared/admin" // how its administrators are reached, by the configuration; read-only (RFC 5464 §3.2.1.1)

// serverEntries gives the server's entries of some names, and below them.
func (c *conn) serverEntries(names []string, depth int) ([]maildir.Entry, error) {
	found, err := c.home.acct.Entries(c.ctx, "", c.user(), names, depth)
	if err != nil {
		return nil, err
	}
	shared, err := c.sess.Annotations(c.ctx, 0)
	if err != nil {
		return nil, err
	}
	if contact := c.srv.opt.AdminContact; contact != "" {
		shared = append(shared, accounts.Annotation{Name: entryAdmin, Value: []byte(contact)})
	}
	for _, a := range shared {
		e := maildir.Entry{Name: a.Name, Value: a.Value}
		if e.Value != nil && slices.ContainsFunc(names, func(name string) bool { return maildir.EntryWithin(e.Name, name, depth) }) {
			found = append(found, e)
		}
	}
	return answered(found, names, depth), nil
}

// setServerEntries changes the server's entries: private ones of the user's, or shared ones, for administrators of the server.
func (c *conn) setServerEntries(set []maildir.Entry) error {
	var shared []accounts.Annotation
	for _, e := range set {
		switch {
		case strings.EqualFold(e.Name, entryAdmin):
			return no("NOPERM", "This entry is set by the configuration of the server")
		case !maildir.IsPrivate(e.Name):
			shared = append(shared, accounts.Annotation{Name: e.Name, Value: e.Value})
		}
	}
	switch len(shared) {
	case 0:
		change, err := c.home.acct.SetEntries(c.ctx, "", c.user(), set)
		c.entries.mine(c.home.acct, change)
		return err
	case len(set):
		change, err := c.sess.Annotate(c.ctx, shared)
		c.entries.server.own = change
		return err
	}
	// They are kept apart, and what is one command must happen whole or not at all.
	return no("CANNOT", "Private and shared entries of the server are set one after the other")
}

// listedEntries writes what RETURN (METADATA ...) asks for of one mailbox (RFC 9590); nothing if the user may not see it.
func (c *conn) listedEntries(e *listEntry, names []string) error {
	p, err := c.locateCanonical(e.canonical)
	if err == nil {
		p, err = c.permitted(p, maildir.RightLookup)
	}
	var entries []maildir.Entry
	if err == nil {
		entries, err = c.mailboxEntries(p, names, 0)
	}
	if errors.Is(err, maildir.ErrNoMailbox) || errors.Is(err, maildir.ErrNoRight) {
		return nil
	}
	if err == nil {
		c.writeEntries(e.name, entries, -1)
	}
	return err
}
