package imap

import (
	"bytes"
	"io"
	"strconv"

	"bascule/maildir"
)

// Bounds of one command.
const (
	maxEntryNames   = 200     // that it asks for or sets
	maxValuesAtOnce = 1 << 20 // octets that it sets
)

// getOptions are those of GETMETADATA (RFC 5464 §4.2).
type getOptions struct {
	depth      int   // levels below the entries; -1: all
	maxSize    int64 // octets; -1: any
	hasDepth   bool
	hasMaxSize bool
}

// cmdGetMetadata is GETMETADATA (RFC 5464 §4.2). The RFC's grammar has the options before the mailbox, its examples behind; several
// entries without parentheses are in its examples too.
//
//	getmetadata        = "GETMETADATA" [SP getmetadata-options] SP mailbox [SP getmetadata-options] SP entries
//	getmetadata-option = "MAXSIZE" SP number / "DEPTH" SP ("0" / "1" / "infinity")
func (c *conn) cmdGetMetadata(r *request) error {
	var name string
	o := getOptions{maxSize: -1}
	if !c.dec.ExpectSP() || !c.getOptions(&o) || !c.dec.ExpectMailbox(&name) || !c.dec.ExpectSP() || !c.getOptions(&o) {
		return c.dec.Err()
	}
	var names []string
	if !c.entryNames(&names, true) || !c.dec.ExpectCRLF() {
		return c.dec.Err()
	}
	var entries []maildir.Entry
	var err error
	if name == "" {
		entries, err = c.serverEntries(names, o.depth)
	} else {
		var p place
		if p, err = c.findMailbox(name, maildir.RightLookup); err == nil {
			name = p.client()
			entries, err = c.mailboxEntries(p, names, o.depth)
		}
	}
	if err != nil {
		return err
	}
	if longest := c.writeEntries(name, entries, o.maxSize); longest > 0 {
		r.code = "METADATA LONGENTRIES " + strconv.Itoa(longest)
	}
	return nil
}

// getOptions reads options and the space behind them, if there are any.
func (c *conn) getOptions(o *getOptions) bool {
	if !c.dec.Ahead("(MAXSIZE") && !c.dec.Ahead("(DEPTH") {
		return c.dec.Err() == nil
	}
	option := func() bool {
		var word string
		if !c.dec.ExpectKeyword(&word) || !c.dec.ExpectSP() {
			return false
		}
		switch {
		case word == "MAXSIZE" && !o.hasMaxSize:
			var n uint32
			o.hasMaxSize = c.dec.ExpectNumber(&n)
			o.maxSize = int64(n)
			return o.hasMaxSize
		case word == "DEPTH" && !o.hasDepth:
			o.hasDepth = true
			if !c.dec.ExpectKeyword(&word) {
				return false
			}
			depth, ok := map[string]int{"0": 0, "1": 1, "INFINITY": -1}[word]
			o.depth = depth
			return ok || c.dec.Fail("DEPTH is 0, 1 or infinity")
		}
		return c.dec.Fail("unknown GETMETADATA option")
	}
	return c.dec.ExpectList(option) && c.dec.ExpectSP()
}

// entryNames reads an entry's name or several, in parentheses; more says that several may come without.
func (c *conn) entryNames(names *[]string, more bool) bool {
	one := func() bool {
		var name string
		if !c.dec.ExpectAString(&name) || !c.goodEntry(name) {
			return false
		}
		if len(*names) == maxEntryNames {
			return c.dec.Fail("too many entries")
		}
		*names = append(*names, name)
		return true
	}
	if c.dec.Peek() == '(' {
		return c.dec.ExpectList(one) && (len(*names) > 0 || c.dec.Fail("no entries"))
	}
	for one() {
		if !more || !c.dec.SP() {
			return c.dec.Err() == nil
		}
	}
	return false
}

// cmdSetMetadata is SETMETADATA (RFC 5464 §4.3): all of it or nothing.
//
//	setmetadata  = "SETMETADATA" SP mailbox SP entry-values
//	entry-values = "(" entry SP value *(SP entry SP value) ")"
//	value        = nstring / literal8
func (c *conn) cmdSetMetadata(r *request) error {
	var name string
	if !c.dec.ExpectSP() || !c.dec.ExpectMailbox(&name) || !c.dec.ExpectSP() {
		return c.dec.Err()
	}
	var set []maildir.Entry
	var refused error
	size := 0
	pair := func() bool {
		var e maildir.Entry
		if !c.dec.ExpectAString(&e.Name) || !c.goodNewEntry(e.Name) {
			return false
		}
		if len(set) == maxEntryNames {
			return c.dec.Fail("too many entries")
		}
		if !c.dec.ExpectSP() {
			return false
		}
		if refused = c.entryValue(&e.Value); refused == nil && size+len(e.Value) > maxValuesAtOnce {
			refused = errTooManyEntries
		}
		size += len(e.Value)
		set = append(set, e)
		return refused == nil && c.dec.Err() == nil
	}
	if !c.dec.ExpectList(pair) || !c.dec.ExpectCRLF() {
		if refused != nil {
			return refused
		}
		return c.dec.Err()
	}
	if len(set) == 0 {
		return bad("No entries")
	}
	if name == "" {
		return c.setServerEntries(set)
	}
	p, err := c.findMailbox(name, maildir.RightLookup)
	if err != nil {
		return err
	}
	return c.setMailboxEntries(p, set)
}

// Refusals of SETMETADATA (RFC 5464 §4.3).
var (
	errEntryTooLong   = no("METADATA MAXSIZE "+strconv.Itoa(maildir.MaxEntryValue), "The value is too long")
	errTooManyEntries = no("METADATA TOOMANY", "There is no room for so many entries")
	errNoPrivate      = no("METADATA NOPRIVATE", "Special uses are given to mailboxes by their owner")
)

// entryValue reads a value; NIL is nil. The error is one that the decoder does not know of.
func (c *conn) entryValue(value *[]byte) error {
	lit := c.dec.Literal()
	if lit == nil {
		var s string
		some := false
		if c.dec.ExpectNString(&s, &some) && some {
			*value = []byte(s)
		}
		if len(s) > maildir.MaxEntryValue {
			return errEntryTooLong
		}
		return nil
	}
	if lit.Size() > maildir.MaxEntryValue {
		return errEntryTooLong
	}
	if err := lit.Accept(); err != nil {
		return err
	}
	binary := lit.Binary()
	p := make([]byte, lit.Size())
	if _, err := io.ReadFull(lit, p); err != nil {
		return err
	}
	if !binary && bytes.IndexByte(p, 0) >= 0 {
		return bad("NUL is for a literal8")
	}
	*value = p
	return nil
}
