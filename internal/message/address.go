package message

import "strings"

// Address is one entry of an address list, or a mark around a group.
//
// Name is the display name, or a comment where there is none; Route the obsolete source route; empty strings are
// NIL in a reply. Mailbox is the local part, quoted only where it must be.
//
// Host may be empty: "root", "foo bar" and other text without a domain are shown as they were written rather than with
// an invented domain. A reply must then say "" and not NIL, since a NIL host means a group (RFC 9051 §7.5.2). Text of
// several words without an address is a Name with an empty Mailbox.
type Address struct {
	Kind                       AddressKind
	Name, Route, Mailbox, Host string
}

// AddressKind tells an address from the two marks of a group.
type AddressKind uint8

// The values are part of the stored form.
const (
	Mailbox    AddressKind = iota // an address
	GroupStart                    // Mailbox is the group's name; all else is NIL
	GroupEnd                      // all is NIL
)

// ParseAddresses reads an address list, in one line or folded. It takes what it can of a broken list and at most
// DefaultLimits.MaxAddresses entries.
func ParseAddresses(value string) []Address {
	return appendAddresses(nil, unfold(value), DefaultLimits.MaxAddresses)
}

// appendAddresses adds up to limit entries of an unfolded list to dst.
func appendAddresses(dst []Address, s string, limit int) []Address {
	lx := lexer{s: s}
	limit += len(dst)
	group := false
	for at := 0; at < len(s) && len(dst)+1 < limit; {
		e := lx.entry(at, group)
		at = e.next
		if e.end == ':' {
			dst = append(dst, Address{Kind: GroupStart, Mailbox: phrase(e.text)})
			group = true
			continue
		}
		if a, ok := e.address(); ok {
			dst = append(dst, a)
		}
		if e.end == ';' && group {
			dst = append(dst, Address{Kind: GroupEnd})
			group = false
		}
	}
	if group {
		dst = append(dst, Address{Kind: GroupEnd})
	}
	return dst
}

// entry is one piece of a list, ended by a comma, colon or semicolon, or by the end of the list (0).
type entry struct {
	text        string
	open, close int // where "<" and ">" stand in text, -1 if not
	end         byte
	next        int // offset of the next piece
}

// entry takes the piece that starts at an offset. A colon ends one only outside a group and before an "@": it
// starts a group. Semicolons outside a group are what Outlook users put between addresses.
func (lx *lexer) entry(start int, group bool) entry {
	e := entry{open: -1, close: -1}
	address := false // an "@" was seen
	for at := start; at < len(lx.s); {
		c := lx.s[at]
		switch {
		case c == '<' && e.open < 0:
			if end := lx.angleEnd(at); end > 0 {
				e.open, e.close = at-start, end-1-start
				at = end
				continue
			}
		case c == '@':
			address = true
		case c == ',' || c == ';' || c == ':' && !group && !address && e.open < 0:
			e.text, e.end, e.next = lx.s[start:at], c, at+1
			return e
		}
		at = lx.skip(at)
	}
	e.text, e.next = lx.s[start:], len(lx.s)
	return e
}

// address reads a piece. An empty one is no address.
func (e entry) address() (Address, bool) {
	var a Address
	if e.open >= 0 {
		a.Name = phrase(e.text[:e.open])
		a.addrSpec(e.text[e.open+1 : e.close])
		if a.Name == "" {
			a.Name = lastComment(e.text)
		}
		return a, true
	}
	text := strings.Trim(e.text, " \t")
	if at := lastAt(text); at >= 0 {
		// "Joe Doe joe@x": only the last word before the "@" is the local part.
		word := lastWord(text[:at])
		a.Name = phrase(text[:word])
		a.addrSpec(strings.Trim(text[word:], "<>"))
	} else if words := phrase(text); strings.IndexByte(words, ' ') >= 0 {
		a.Name = words
	} else {
		a.Mailbox = localPart(strings.Trim(words, "<>"))
	}
	if a.Name == "" {
		a.Name = lastComment(text)
	}
	return a, a != Address{}
}

// addrSpec reads [@route:]local@domain.
func (a *Address) addrSpec(text string) {
	text = strings.Trim(text, " \t")
	if strings.HasPrefix(text, "@") {
		if route, rest, ok := strings.Cut(text, ":"); ok {
			a.Route = strings.Map(dropBlank, route)
			text = rest
		}
	}
	if at := lastAt(text); at >= 0 {
		a.Host = domain(text[at+1:])
		text = text[:at]
	}
	a.Mailbox = localPart(word(text))
}
