package wire

// SP reads one or more spaces. The grammar has exactly one; other servers take several, so there are clients that send them.
// Blanks before the line end are read but do not count: SP is then false, and CRLF comes next.
func (d *Decoder) SP() bool {
	if !d.byte(' ') {
		return false
	}
	for d.byte(' ') {
	}
	c, ok := d.peek()
	return ok && c != '\r' && c != '\n' && d.did("SP")
}

// ExpectSP is SP, demanded.
func (d *Decoder) ExpectSP() bool { return d.expect(d.SP(), "SP") }

// CRLF reads the end of the command; a bare LF counts too. A line that announces a
// non-synchronising literal does not end the command, and is an error here.
func (d *Decoder) CRLF() bool {
	c, ok := d.peek()
	if !ok || c != '\r' && c != '\n' {
		return false
	}
	if c == '\r' {
		if !d.skip(1) {
			return false
		}
		d.last = "CR"
	}
	if !d.lf() {
		return d.expected("LF")
	}
	d.endLine()
	if !d.ended {
		return d.Fail("unexpected literal")
	}
	return d.did("CRLF")
}

// ExpectCRLF is CRLF, demanded; blanks before it are skipped.
func (d *Decoder) ExpectCRLF() bool {
	for d.byte(' ') {
	}
	return d.expect(d.CRLF(), "end of line")
}

// AtCRLF tells whether the line end comes next, blanks before it included.
func (d *Decoder) AtCRLF() bool {
	for d.byte(' ') {
	}
	c, ok := d.peek()
	return ok && (c == '\r' || c == '\n')
}

// Special reads the byte b.
func (d *Decoder) Special(b byte) bool {
	return d.byte(b) && d.did(string(rune(b)))
}

// ExpectSpecial is Special, demanded.
func (d *Decoder) ExpectSpecial(b byte) bool { return d.expect(d.Special(b), string(rune(b))) }

// Peek shows the next byte without consuming it, 0 after an error or at the line end.
func (d *Decoder) Peek() byte {
	c, ok := d.peek()
	if !ok || c == '\r' || c == '\n' {
		return 0
	}
	return c
}

// maxTag is the longest tag in bytes; it is repeated in the answer and in logs.
const maxTag = 128

// ExpectTag reads the tag of a command.
func (d *Decoder) ExpectTag(tag *string) bool {
	if !d.word(tagChar) {
		return d.expected("tag")
	}
	if len(d.buf) > maxTag {
		return d.Fail("tag too long")
	}
	*tag = string(d.buf)
	return d.did("tag")
}

// Atom reads an atom.
func (d *Decoder) Atom(s *string) bool {
	if !d.word(atomChar) {
		return false
	}
	*s = string(d.buf)
	return d.did("atom")
}

// ExpectAtom is Atom, demanded.
func (d *Decoder) ExpectAtom(s *string) bool { return d.expect(d.Atom(s), "atom") }

// Keyword reads an atom and gives it in upper case: a command, a search key, a STATUS item. The words
// of the protocol cost no allocation.
func (d *Decoder) Keyword(s *string) bool {
	if !d.word(atomChar) {
		return false
	}
	*s = internUpper(d.buf)
	return d.did(keywordName)
}

const keywordName = "keyword"

// ExpectKeyword is Keyword, demanded.
func (d *Decoder) ExpectKeyword(s *string) bool { return d.expect(d.Keyword(s), keywordName) }

// ExpectVerb is ExpectKeyword for the name of the command, which the error text calls so.
func (d *Decoder) ExpectVerb(s *string) bool {
	return d.expect(d.Keyword(s), "command") && d.did("command")
}

// Att reads the name of a FETCH item up to "[", "<" or a blank, in upper case: letters, digits, "." and "-".
func (d *Decoder) Att(s *string) bool {
	if !d.word(attChar) {
		return false
	}
	*s = internUpper(d.buf)
	return d.did("item")
}

// ExpectAtt is Att, demanded.
func (d *Decoder) ExpectAtt(s *string) bool { return d.expect(d.Att(s), "item") }

// Flag reads a flag: an atom, or a backslash and an atom (RFC 9051 §9 flag). Its case is kept.
func (d *Decoder) Flag(s *string) bool {
	c, ok := d.peek()
	if !ok || c != '\\' && !is(c, atomChar) {
		return false
	}
	d.buf = d.buf[:0]
	if c == '\\' {
		if !d.skip(1) {
			return false
		}
		d.buf = append(d.buf, '\\')
		d.last = "backslash"
		if c, ok = d.peek(); !ok || !is(c, atomChar) {
			return d.expected("flag name")
		}
	}
	if !d.take(atomChar) {
		return false
	}
	*s = internFlag(d.buf)
	return d.did("flag")
}

// ExpectFlag is Flag, demanded.
func (d *Decoder) ExpectFlag(s *string) bool { return d.expect(d.Flag(s), "flag") }

// ExpectFlagList reads flags in parentheses, possibly none.
func (d *Decoder) ExpectFlagList(flags *[]string) bool {
	return d.ExpectList(func() bool { return d.flagTo(flags) })
}

// ExpectFlags reads what STORE takes: a flag list, or flags without parentheses (RFC 9051 §9 store-att-flags).
func (d *Decoder) ExpectFlags(flags *[]string) bool {
	if d.Peek() == '(' {
		return d.ExpectFlagList(flags)
	}
	if !d.flagTo(flags) {
		return false
	}
	for d.SP() {
		if !d.flagTo(flags) {
			return false
		}
	}
	return d.err == nil
}

func (d *Decoder) flagTo(flags *[]string) bool {
	var f string
	if !d.ExpectFlag(&f) {
		return false
	}
	*flags = append(*flags, f)
	return true
}

// internFlag saves the allocation for the system flags as everybody writes them.
func internFlag(p []byte) string {
	switch string(p) {
	case `\Seen`:
		return `\Seen`
	case `\Deleted`:
		return `\Deleted`
	case `\Answered`:
		return `\Answered`
	case `\Flagged`:
		return `\Flagged`
	case `\Draft`:
		return `\Draft`
	}
	return string(p)
}

// List reads a list in parentheses and calls f for each element; f reads one element and returns false after
// an error. False means that no list comes next, or an error.
func (d *Decoder) List(f func() bool) bool {
	if !d.byte('(') {
		return false
	}
	d.last = "("
	if d.depth >= d.limits.Depth {
		return d.Fail("too many nested parentheses")
	}
	d.depth++
	defer func() { d.depth-- }()
	d.SP()
	for n := 0; ; n++ {
		if d.byte(')') {
			return d.did(")")
		}
		if n > 0 && d.last != "SP" {
			return d.expected("SP or )")
		}
		before := d.line + d.strs
		if !f() {
			return d.Fail("syntax error in list")
		}
		if d.line+d.strs == before {
			return d.expected("list element")
		}
		d.SP()
	}
}

// ExpectList is List, demanded.
func (d *Decoder) ExpectList(f func() bool) bool { return d.expect(d.List(f), "(") }
