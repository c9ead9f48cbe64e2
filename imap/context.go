package imap

import (
	"math"
	"slices"

	"bascule/imap/wire"
	"bascule/maildir"
)

// A searchContext is a SEARCH or SORT with UPDATE (RFC 5267 §4.3): the client is told how its result changes, at the places where it is told what
// changed (sync.go). It ends with the selection of its mailbox.
type searchContext struct {
	tag   string
	uid   bool // UIDs are told
	prog  *searchProgram
	order sortOrder  // of a SORT; nil for the mailbox's order
	fetch *fetchPlan // what is told of messages that come (RFC 5465 §7); may be nil

	mailbox  string // of an ESEARCH, see searchResult
	validity uint32

	// What the client has: of a SEARCH the UIDs, ascending, of a SORT what they are compared by too, in order.
	uids []maildir.UID
	rows []sortRow
}

// Bounds of what one session may have kept up to date: a sorted result costs some 150 octets for each message, others four.
const (
	maxContexts    = 10
	maxContextRows = 100_000 // of all sorted results together
)

// context finds a context by the tag of its command; nil if there is none.
func (b *selected) context(tag string) *searchContext {
	for _, x := range b.contexts {
		if x.tag == tag {
			return x
		}
	}
	return nil
}

// mayUpdate refuses UPDATE with a tag that names another context.
func (c *conn) mayUpdate(r *request, opts *resultOptions) error {
	if opts.update && c.box.context(r.tag) != nil {
		return bad("A search of this tag is being updated") // RFC 5267 §4.3
	}
	return nil
}

// keepContext keeps a search that was answered up to date, or says that it will not be.
func (c *conn) keepContext(x *searchContext) {
	b := c.box
	rows := len(x.rows)
	for _, other := range b.contexts {
		rows += len(other.rows)
	}
	switch {
	case len(b.contexts) >= maxContexts || rows > maxContextRows:
		c.noUpdate(x.tag, "Too many contexts")
	case x.prog.ages():
		c.noUpdate(x.tag, "Results that change as time goes by are not updated")
	default:
		x.prog.freeze(b)
		b.contexts = append(b.contexts, x)
	}
}

// endNumbered ends the contexts that are told by sequence numbers, of which a client that enables UIDONLY wants no more (RFC 9586 §3).
func (c *conn) endNumbered() {
	if c.box == nil {
		return
	}
	c.box.contexts = slices.DeleteFunc(c.box.contexts, func(x *searchContext) bool {
		if !x.uid {
			c.noUpdate(x.tag, "It was told by sequence numbers")
		}
		return !x.uid
	})
}

// noUpdate tells that a search is not, or no longer, kept up to date (RFC 5267 §4.3.1).
func (c *conn) noUpdate(tag, text string) {
	c.status("*", kindNo, `NOUPDATE "`+tag+`"`, text)
}

// ages tells whether what matches changes without any change of the mailbox.
func (p *searchProgram) ages() (does bool) {
	p.root.walk(func(k *criterion) { does = does || k.op == opOlder || k.op == opYounger })
	return does
}

// changeable tells whether a message may begin or cease to match while it is there.
func (p *searchProgram) changeable() (is bool) {
	p.root.walk(func(k *criterion) {
		is = is || k.op == opFlag || k.op == opKeyword || k.op == opNew || k.op == opModSeq
	})
	return is
}

// freeze turns message numbers and the saved result into what they meant when the command came (RFC 5267 §4.3). The "*" of a UID range stays
// open to what comes, one that stands alone is the message that it was.
func (p *searchProgram) freeze(b *selected) {
	p.root.walk(func(k *criterion) {
		if k.op != opSet {
			return
		}
		switch {
		case k.set.Saved:
			k.set = wire.NumSet{Ranges: append([]wire.Range{}, b.saved...)}
		case k.uid:
			last := uint32(b.view.UID(SeqNum(b.view.Len())))
			ranges := append([]wire.Range{}, k.set.Ranges...)
			for i, r := range ranges {
				switch {
				case r.Start == 0 && r.Stop == 0:
					ranges[i] = wire.Range{Start: last, Stop: last}
				case r.Start == 0 || r.Stop == 0:
					first := max(r.Start, r.Stop)
					if last > 0 {
						first = min(first, last)
					}
					ranges[i] = wire.Range{Start: first, Stop: math.MaxUint32}
				}
			}
			k.set.Ranges = ranges
		default:
			var set wire.SetBuilder
			for _, s := range b.view.clip(k.set) {
				set.AddRange(uint32(b.view.UID(s.lo)), uint32(b.view.UID(s.hi)))
			}
			k.set = wire.NumSet{Ranges: set.Ranges()}
		}
		k.uid = true
	})
}
