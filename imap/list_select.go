package imap

import (
	"slices"
	"strings"

	"bascule/imap/wire"
	"bascule/maildir"
)

// listRequest is what a LIST asks for (RFC 9051 §6.3.9, RFC 5258, RFC 6154).
type listRequest struct {
	patterns []string // with the reference in front, in the client's names

	extended       bool // any of the extended syntax was used
	rev2           bool // the client speaks IMAP4rev2
	selSubscribed  bool
	selSpecialUse  bool
	recursiveMatch bool

	retSubscribed bool
	myRights      bool     // RFC 8440
	metadata      []string // RFC 9590: entries of RETURN (METADATA ...); nil if not asked for
	status        []string // items of RETURN (STATUS ...); nil if not asked for
}

// resolve puts the reference before the patterns. Empty patterns mean nothing in the extended syntax (RFC 9051 §6.3.9).
func (q *listRequest) resolve(reference string, rev2 bool) {
	q.rev2 = rev2
	if q.extended {
		q.patterns = slices.DeleteFunc(q.patterns, func(p string) bool { return p == "" })
	}
	for i := range q.patterns {
		q.patterns[i] = reference + q.patterns[i]
	}
}

// listEntry is one LIST response.
type listEntry struct {
	name       string // the client's
	canonical  string // the session's, not the account's
	attrs      []string
	childInfo  []string // selection options that descendants meet
	selectable bool
	meets      bool // the selection itself, not only something below it does
	rights     maildir.Rights
}

// listNode is what is known of one name.
type listNode struct {
	canonical   string
	exists      bool // as a mailbox, or as a level above one
	noSelect    bool
	subscribed  bool
	hasChildren bool // existing ones
	attrs       []string
	rights      maildir.Rights

	childMeets    bool // a descendant meets the selection
	childUnlisted bool // one of those is not in the answer itself
}

// selectMailboxes works out the answer to a LIST. It is a function of the account's mailboxes and subscriptions, in the
// client's names: with an "INBOX." prefix every folder is a child of INBOX, which the store does not know.
func selectMailboxes(ns namespace, boxes []maildir.MailboxInfo, subscriptions []string, q *listRequest) []listEntry {
	nodes := make(map[string]*listNode, len(boxes))
	for _, b := range boxes {
		nodes[ns.Client(b.Name)] = &listNode{canonical: b.Name, exists: true, noSelect: b.NoSelect, attrs: b.Attr, rights: b.Rights}
	}
	for _, s := range subscriptions {
		name := ns.Client(s)
		if nodes[name] == nil {
			nodes[name] = &listNode{canonical: s}
		}
		nodes[name].subscribed = true
	}
	meets := func(n *listNode) bool {
		switch {
		case q.selSubscribed && !n.subscribed, q.selSpecialUse && len(n.attrs) == 0:
			return false
		}
		return q.selSubscribed || n.exists
	}
	match := matcher(ns, q.patterns)
	for _, name := range sortedNames(nodes) {
		n := nodes[name]
		met := meets(n)
		unlisted := met && !match(name)
		for i := strings.LastIndexByte(name, ns.sep); i > 0; i = strings.LastIndexByte(name[:i], ns.sep) {
			up := nodes[name[:i]]
			if up == nil {
				if !q.recursiveMatch || !met {
					continue
				}
				up = &listNode{}
				nodes[name[:i]] = up
			}
			up.hasChildren = up.hasChildren || n.exists
			up.childMeets = up.childMeets || met
			up.childUnlisted = up.childUnlisted || unlisted
		}
	}
	var out []listEntry
	for _, name := range sortedNames(nodes) {
		n := nodes[name]
		asParent := q.recursiveMatch && n.childMeets && (meets(n) || n.childUnlisted)
		if !match(name) || !meets(n) && !asParent {
			continue
		}
		e := listEntry{name: name, canonical: n.canonical, attrs: n.listAttrs(q), selectable: n.exists && !n.noSelect, meets: meets(n), rights: n.rights}
		if asParent {
			e.childInfo = q.childInfo()
		}
		out = append(out, e)
	}
	return out
}

// sortedNames sorts INBOX first.
func sortedNames(nodes map[string]*listNode) []string {
	names := make([]string, 0, len(nodes))
	for name := range nodes {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		switch {
		case a == b:
			return 0
		case a == "INBOX":
			return -1
		case b == "INBOX":
			return 1
		}
		return strings.Compare(a, b)
	})
	return names
}

// listAttrs are the attributes of one name (RFC 9051 §7.3.1). Special uses are always told: old
// Outlooks do not ask for them. A level without a mailbox is \NonExistent, which those who know only
// RFC 3501 would not understand.
func (n *listNode) listAttrs(q *listRequest) []string {
	var attrs []string
	switch {
	case n.exists && !n.noSelect:
	case q.extended || q.rev2:
		attrs = append(attrs, `\NonExistent`)
	default:
		attrs = append(attrs, `\Noselect`)
	}
	if n.hasChildren {
		attrs = append(attrs, `\HasChildren`)
	} else {
		attrs = append(attrs, `\HasNoChildren`)
	}
	if n.subscribed && (q.retSubscribed || q.selSubscribed) {
		attrs = append(attrs, `\Subscribed`)
	}
	return append(attrs, n.attrs...)
}

func (q *listRequest) childInfo() (criteria []string) {
	if q.selSubscribed {
		criteria = append(criteria, "SUBSCRIBED")
	}
	if q.selSpecialUse {
		criteria = append(criteria, "SPECIAL-USE")
	}
	return criteria
}

// matcher prepares the patterns. INBOX matches in any case (RFC 9051 §5.1).
func matcher(ns namespace, patterns []string) func(name string) bool {
	compiled := make([]wire.Pattern, 0, len(patterns))
	inbox := false
	for _, p := range patterns {
		if len(p) > 5 && strings.EqualFold(p[:5], "INBOX") && p[5] == ns.sep {
			p = "INBOX" + p[5:]
		}
		compiled = append(compiled, wire.CompilePattern(p, ns.sep))
		inbox = inbox || wire.Match(strings.ToUpper(p), "INBOX", ns.sep)
	}
	return func(name string) bool {
		if name == "INBOX" && inbox {
			return true
		}
		return slices.ContainsFunc(compiled, func(p wire.Pattern) bool { return p.Match(name) })
	}
}
