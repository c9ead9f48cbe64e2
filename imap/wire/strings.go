package wire

import "unicode/utf8"

// quoted reads a quoted string into d.buf.
func (d *Decoder) quoted() bool {
	if !d.byte('"') {
		return false
	}
	d.last = `"`
	d.buf = d.buf[:0]
	for {
		if !d.take(quotedChar) {
			return false
		}
		c, ok := d.peek()
		switch {
		case !ok:
			return false
		case c == '"':
			if !d.skip(1) {
				return false
			}
			return d.quotedUTF8() && d.did("string")
		case c == '\\':
			if !d.skip(1) {
				return false
			}
			d.last = "backslash"
			if c, ok = d.peek(); !ok || c != '"' && c != '\\' {
				return d.expected(`" or backslash`)
			}
			d.buf = append(d.buf, c)
			if !d.skip(1) {
				return false
			}
		default: // CR, LF, NUL
			d.last = "quoted string"
			return d.expected(`closing "`)
		}
	}
}

// quotedUTF8 checks the 8-bit bytes of a quoted string.
func (d *Decoder) quotedUTF8() bool {
	for _, c := range d.buf {
		if c < utf8.RuneSelf {
			continue
		}
		switch {
		case !d.QuotedUTF8:
			return d.Fail("8-bit character in quoted string, send a literal")
		case !utf8.Valid(d.buf):
			return d.Fail("quoted string is not UTF-8")
		}
		break
	}
	return true
}

// str reads a quoted string or a literal into d.buf.
func (d *Decoder) str() bool { return d.quoted() || d.literalString() }

// Quoted reads a quoted string.
func (d *Decoder) Quoted(s *string) bool {
	if !d.quoted() {
		return false
	}
	*s = string(d.buf)
	return true
}

// ExpectQuoted is Quoted, demanded.
func (d *Decoder) ExpectQuoted(s *string) bool { return d.expect(d.Quoted(s), "quoted string") }

// String reads a quoted string or a literal (or literal8) of at most Limits.String bytes.
func (d *Decoder) String(s *string) bool {
	if !d.str() {
		return false
	}
	*s = string(d.buf)
	return true
}

// ExpectString is String, demanded.
func (d *Decoder) ExpectString(s *string) bool { return d.expect(d.String(s), "string") }

// AString reads an atom-like string, a quoted string or a literal.
func (d *Decoder) AString(s *string) bool {
	if !d.astring(astringChar) {
		return false
	}
	*s = string(d.buf)
	return true
}

func (d *Decoder) astring(c charClass) bool {
	return d.word(c) && d.did("string") || d.str()
}

// ExpectAString is AString, demanded.
func (d *Decoder) ExpectAString(s *string) bool { return d.expect(d.AString(s), "string") }

// NString reads a string, or NIL, for which ok becomes false.
func (d *Decoder) NString(s *string, ok *bool) bool {
	if d.word(atomChar) {
		if string(upper(d.buf)) != "NIL" {
			return d.Fail("expected string or NIL")
		}
		*s, *ok = "", false
		return d.did("NIL")
	}
	if !d.str() {
		return false
	}
	*s, *ok = string(d.buf), true
	return true
}

// ExpectNString is NString, demanded.
func (d *Decoder) ExpectNString(s *string, ok *bool) bool {
	return d.expect(d.NString(s, ok), "string or NIL")
}

// ExpectMailbox reads a mailbox name and gives it in UTF-8. INBOX in any case is the caller's to recognise.
//
// Without UTF8Names the name is modified UTF-7. One that is not valid as such, but valid
// UTF-8, is taken as it stands: clients exist that send "A&B". Bytes that are neither are an error.
func (d *Decoder) ExpectMailbox(name *string) bool {
	return d.expect(d.astring(astringChar), "mailbox name") && d.mailboxName(name) && d.did("mailbox name")
}

// ExpectListMailbox reads a LIST pattern, with its % and *, and gives it in UTF-8 as ExpectMailbox does.
func (d *Decoder) ExpectListMailbox(pattern *string) bool {
	return d.expect(d.astring(listChar), "mailbox pattern") && d.mailboxName(pattern) && d.did("mailbox pattern")
}

func (d *Decoder) mailboxName(name *string) bool {
	raw := string(d.buf)
	if !utf8.ValidString(raw) {
		return d.Fail("mailbox name is neither modified UTF-7 nor UTF-8")
	}
	*name = raw
	if !d.UTF8Names {
		if s, err := DecodeUTF7(raw); err == nil {
			*name = s
		}
	}
	return true
}
