package imap

import (
	"strings"

	"bascule/internal/accounts"
	"bascule/maildir"
)

// namespace maps between the names a client uses and the canonical ones
// of the store (UTF-8, "/" between levels, "INBOX" in upper case). It is
// the only place that does. The modified UTF-7 of IMAP4rev1 is the codec's
// matter; here every name is UTF-8.
//
// Customers who come from a server with "." as separator, or with all folders
// below "INBOX.", keep the names their mail programs remember. What stands for the
// separator inside a level of a canonical name is escaped as "\2e" ("\" itself, where it would be
// read as an escape, as "\5c"), so that no folder is unreachable and no two share a name.
type namespace struct {
	sep    byte   // "/" or "."
	prefix string // "" or "INBOX" + sep: stands before every name but INBOX
}

// newNamespace takes the settings of an account; any separator but "." is "/".
func newNamespace(separator string, inboxPrefix bool) namespace {
	ns := namespace{sep: '/'}
	if separator == "." {
		ns.sep = '.'
	}
	if inboxPrefix {
		ns.prefix = "INBOX" + string(ns.sep)
	}
	return ns
}

// Canonical gives the store's name for a client's. It tolerates one separator at the end
// (Thunderbird sends it). A name that the namespace has no place for fails with maildir.ErrBadName.
func (ns namespace) Canonical(name string) (string, error) {
	name = strings.TrimSuffix(name, string(ns.sep))
	if strings.EqualFold(name, "INBOX") {
		return "INBOX", nil
	}
	if ns.prefix != "" && !ns.beyond(name) {
		if len(name) <= len(ns.prefix) || !strings.EqualFold(name[:len(ns.prefix)], ns.prefix) {
			return "", maildir.ErrBadName
		}
		name = name[len(ns.prefix):]
	}
	if name == "" {
		return "", maildir.ErrBadName
	}
	levels := strings.Split(name, string(ns.sep))
	if strings.EqualFold(levels[0], "INBOX") {
		if len(levels) == 1 {
			return "", maildir.ErrBadName // "INBOX.INBOX" would be a second door to INBOX
		}
		levels[0] = "INBOX"
	}
	if ns.sep != '/' {
		for i, l := range levels {
			if strings.Contains(l, "/") {
				return "", maildir.ErrBadName
			}
			levels[i] = levelUnescape.Replace(l)
		}
	}
	if len(levels) > 1 && (levels[0] == othersRoot || levels[0] == sharedRoot) {
		if a, err := accounts.ParseAddress(levels[1]); err == nil {
			levels[1] = string(a) // as it is listed
		}
	}
	return strings.Join(levels, "/"), nil
}

// Client gives the client's name for a canonical one.
func (ns namespace) Client(name string) string {
	if name == "INBOX" {
		return name
	}
	prefix := ns.prefix
	switch _, _, elsewhere := splitOwner(name); {
	case name == othersRoot+"/", name == sharedRoot+"/":
		return name[:len(name)-1] // the place itself
	case elsewhere:
		prefix = ""
	}
	if ns.sep == '/' {
		return prefix + name
	}
	levels := strings.Split(name, "/")
	for i, l := range levels {
		levels[i] = levelEscape.Replace(l)
	}
	return prefix + strings.Join(levels, string(ns.sep))
}

// The mail of others is below these names, an address on the next level: "Other Users/bob@example.org" is Bob's INBOX, and
// "Other Users/bob@example.org/Work" his mailbox Work. Shared accounts are nobody's own (accounts.Effective). A user's own mailbox may have such
// a name, as long as the level below is no address.
const (
	othersRoot = "Other Users"
	sharedRoot = "Shared Folders"
)

// beyond says whether a client's name is in one of these places. The prefix of the user's own mailboxes does not stand before them.
func (ns namespace) beyond(name string) bool {
	root, rest, _ := strings.Cut(name, string(ns.sep))
	owner, _, _ := strings.Cut(rest, string(ns.sep))
	return (root == othersRoot || root == sharedRoot) && strings.Contains(owner, "@")
}

// splitOwner splits a canonical name of somebody else's mailbox into where his mail begins ("Other Users/bob@example.org") and his
// own name of the mailbox.
func splitOwner(name string) (root, folder string, ok bool) {
	top, rest, _ := strings.Cut(name, "/")
	owner, folder, below := strings.Cut(rest, "/")
	if top != othersRoot && top != sharedRoot || !strings.Contains(owner, "@") {
		return "", "", false
	}
	if !below {
		folder = maildir.Inbox
	}
	return top + "/" + owner, folder, true
}

var (
	levelEscape   = strings.NewReplacer(`\2e`, `\5c2e`, `\5c`, `\5c5c`, `.`, `\2e`)
	levelUnescape = strings.NewReplacer(`\2e`, `.`, `\5c`, `\`)
)
