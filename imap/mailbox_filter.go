package imap

import (
	"errors"
	"slices"
	"strings"

	"bascule/imap/wire"
	"bascule/maildir"
)

// mailboxFilter names mailboxes as NOTIFY and ESEARCH do (RFC 5465 §6, RFC 7377 §2.2).
type mailboxFilter struct {
	kind  filterKind
	names []string // the client's, where the kind takes some
}

type filterKind uint8

const (
	filterSelected filterKind = iota
	filterPersonal            // INBOXES too: any folder can be delivered to
	filterSubscribed
	filterSubtree    // these and all below
	filterSubtreeOne // these and what is directly below
	filterMailboxes  // these
)

var filterKinds = map[string]filterKind{
	"SELECTED": filterSelected, "PERSONAL": filterPersonal, "INBOXES": filterPersonal, "SUBSCRIBED": filterSubscribed,
	"SUBTREE": filterSubtree, "SUBTREE-ONE": filterSubtreeOne, "MAILBOXES": filterMailboxes,
}

// Bounds of one list of filters.
const (
	maxFilters     = 100
	maxFilterNames = 1000 // of all filters of one command
)

// parse reads
//
//	filter-mailboxes    = "selected" / "inboxes" / "personal" / "subscribed" /
//	                      ("subtree" / "subtree-one" / "mailboxes") SP one-or-more-mailbox
//	one-or-more-mailbox = mailbox / "(" mailbox *(SP mailbox) ")"
func (f *mailboxFilter) parse(dec *wire.Decoder) bool {
	var word string
	return dec.ExpectKeyword(&word) && f.parseRest(dec, word)
}

// parseRest is parse behind the first word.
func (f *mailboxFilter) parseRest(dec *wire.Decoder, word string) bool {
	kind, ok := filterKinds[word]
	if !ok {
		return dec.Fail("unknown mailbox filter")
	}
	if f.kind = kind; kind < filterSubtree {
		return true
	}
	one := func() bool {
		var name string
		if !dec.ExpectMailbox(&name) {
			return false
		}
		if len(f.names) == maxFilterNames {
			return dec.Fail("too many mailboxes")
		}
		f.names = append(f.names, name)
		return true
	}
	if !dec.ExpectSP() {
		return false
	}
	if dec.Peek() != '(' {
		return one()
	}
	return dec.ExpectList(one) && (len(f.names) > 0 || dec.Fail("no mailboxes"))
}

// filtered finds the mailboxes that some filters name, whichever is selected, each once and in the order of LIST. Those that are not
// there, or that the user may not read, are passed over.
func (c *conn) filtered(filters []mailboxFilter) ([]place, error) {
	all, err := c.listEntries(&listRequest{patterns: []string{"*"}})
	if err != nil {
		return nil, err
	}
	var subscribed []listEntry
	if slices.ContainsFunc(filters, func(f mailboxFilter) bool { return f.kind == filterSubscribed }) {
		if subscribed, err = c.listEntries(&listRequest{patterns: []string{"*"}, extended: true, selSubscribed: true}); err != nil {
			return nil, err
		}
	}
	listed := func(in []listEntry, name string) bool {
		return slices.ContainsFunc(in, func(e listEntry) bool { return e.name == name })
	}
	var out []place
	for i := range all {
		e := &all[i]
		if !e.selectable || !e.rights.Has(maildir.RightRead) {
			continue
		}
		if slices.ContainsFunc(filters, func(f mailboxFilter) bool {
			switch f.kind {
			case filterPersonal:
				_, _, elsewhere := splitOwner(e.canonical)
				return !elsewhere
			case filterSubscribed:
				return listed(subscribed, e.name)
			}
			return f.names != nil && c.underneath(&f, e.name)
		}) {
			p, err := c.locateCanonical(e.canonical)
			if err == nil {
				p, err = c.permitted(p, maildir.RightRead)
			}
			if errors.Is(err, maildir.ErrNoMailbox) || errors.Is(err, maildir.ErrNoRight) {
				continue
			}
			if err != nil {
				return nil, err
			}
			out = append(out, p)
		}
	}
	return out, nil
}

// underneath tells whether a filter names a mailbox, itself or by one above it.
func (c *conn) underneath(f *mailboxFilter, name string) bool {
	for _, top := range f.names {
		if folder, err := c.ns.Canonical(top); err == nil {
			top = c.ns.Client(folder) // INBOX in any case, a separator at the end
		}
		if name == top {
			return true
		}
		rest, below := strings.CutPrefix(name, top+string(c.ns.sep))
		if below && (f.kind == filterSubtree || f.kind == filterSubtreeOne && strings.IndexByte(rest, c.ns.sep) < 0) {
			return true
		}
	}
	return false
}
