package wire

import (
	"strconv"
	"time"
	"unicode/utf8"
)

const (
	// maxQuoted is the longest quoted string sent, in bytes; longer ones go as literals, for some clients read lines into
	// small buffers.
	maxQuoted = 1000
	// maxText is the longest human-readable text sent, in bytes.
	maxText = 1000
)

// Number writes a number of 32 bits.
func (e *Encoder) Number(n uint32) *Encoder { return e.Number64(uint64(n)) }

// Number64 writes a modseq or a size.
func (e *Encoder) Number64(n uint64) *Encoder {
	if e.own == nil {
		e.grow()
	}
	e.buf = strconv.AppendUint(e.buf, n, 10)
	return e
}

// NIL writes NIL.
func (e *Encoder) NIL() *Encoder { return e.raw("NIL") }

// NString writes NIL for "", else a string. For an empty string that is not NIL there is String.
func (e *Encoder) NString(s string) *Encoder {
	if s == "" {
		return e.NIL()
	}
	return e.String(s)
}

// String writes a string: quoted if it may be, else as a literal. NUL, which neither can hold, becomes 0x80.
func (e *Encoder) String(s string) *Encoder {
	if len(s) <= maxQuoted {
		if may, escape := e.quotable(s); may {
			return e.quote(s, escape)
		}
	}
	e.LiteralHeader(int64(len(s)))
	start := len(e.buf)
	e.raw(s)
	noNUL(e.buf[start:])
	return e
}

// AString writes an atom if s is one and none that a client could take for NIL, else a string.
func (e *Encoder) AString(s string) *Encoder {
	if s == "" || len(s) == 3 && (s[0] == 'N' || s[0] == 'n') {
		return e.String(s)
	}
	for i := range len(s) {
		if !is(s[i], astringChar) {
			return e.String(s)
		}
	}
	return e.raw(s)
}

// Mailbox writes a mailbox name, given in UTF-8, quoted or as a literal: never as an atom, which some clients split wrongly.
func (e *Encoder) Mailbox(name string) *Encoder {
	if !e.UTF8Names {
		return e.String(EncodeUTF7(name))
	}
	return e.String(name)
}

// quotable tells whether s may stand in a quoted string, and whether characters of it need a backslash there.
func (e *Encoder) quotable(s string) (may, escape bool) {
	i := 0 // what most strings are is passed over first
	for i < len(s) && s[i] >= ' ' && s[i] < utf8.RuneSelf && s[i] != '"' && s[i] != '\\' {
		i++
	}
	eight := false
	for ; i < len(s); i++ {
		c := s[i]
		if c == 0 || c == '\r' || c == '\n' {
			return false, false
		}
		eight = eight || c >= utf8.RuneSelf
		escape = escape || c == '"' || c == '\\'
	}
	return !eight || e.QuotedUTF8 && utf8.ValidString(s), escape
}

func (e *Encoder) quote(s string, escape bool) *Encoder {
	if e.own == nil {
		e.grow()
	}
	e.buf = append(e.buf, '"')
	if !escape {
		e.buf = append(append(e.buf, s...), '"')
		return e
	}
	for i := range len(s) {
		if c := s[i]; c == '"' || c == '\\' {
			e.buf = append(e.buf, '\\')
		}
		e.buf = append(e.buf, s[i])
	}
	e.buf = append(e.buf, '"')
	return e
}

// Quoted writes a quoted string whatever s is: for places where the grammar allows no literal. What cannot stand
// there is replaced as in Text, and what is too long is cut.
func (e *Encoder) Quoted(s string) *Encoder {
	if len(s) <= maxQuoted {
		if may, escape := e.quotable(s); may {
			return e.quote(s, escape)
		}
	}
	return e.quote(string(e.appendText(nil, s)), true)
}

// Text writes the human-readable text of a response, on one line of printable characters whatever s
// holds: line ends and controls become spaces, without QuotedUTF8 or UTF8Texts other letters become "?". At most maxText bytes are sent. An
// empty text becomes "Done", for clients read no response that ends after its code.
func (e *Encoder) Text(s string) *Encoder {
	if s == "" {
		s = "Done"
	}
	if e.own == nil {
		e.grow()
	}
	e.buf = e.appendText(e.buf, s)
	return e
}

func (e *Encoder) appendText(b []byte, s string) []byte {
	start := len(b)
	for _, r := range s {
		if len(b)-start+utf8.UTFMax > maxText {
			break
		}
		switch {
		case r < ' ' || r == 0x7f:
			b = append(b, ' ')
		case r < utf8.RuneSelf:
			b = append(b, byte(r))
		case (e.QuotedUTF8 || e.UTF8Texts) && (r < 0x80 || r > 0x9f) && r != 0x2028 && r != 0x2029:
			b = utf8.AppendRune(b, r)
		default:
			b = append(b, '?')
		}
	}
	return b
}

// Status writes a whole status response: tag (or "*"), condition, code in brackets unless "", text. The code is
// written as it is.
func (e *Encoder) Status(tag, condition, code, text string) *Encoder {
	e.raw(tag).SP().raw(condition).SP()
	if code != "" {
		e.byte('[').raw(code).raw("] ")
	} else if len(text) > 0 && text[0] == '[' {
		e.byte(' ') // a text that looks like a code must not be taken for one
	}
	return e.Text(text).CRLF()
}

// Flag writes a flag. Bytes that no flag can hold, out of a damaged file, are replaced by "_".
func (e *Encoder) Flag(f string) *Encoder {
	if e.own == nil {
		e.grow()
	}
	for i := range len(f) {
		c := f[i]
		if !is(c, atomChar) && !(i == 0 && c == '\\') && !(i == 1 && c == '*' && f == `\*`) {
			c = '_'
		}
		e.buf = append(e.buf, c)
	}
	return e
}

// FlagList writes flags in parentheses.
func (e *Encoder) FlagList(flags []string) *Encoder {
	e.byte('(')
	for i, f := range flags {
		if i > 0 {
			e.byte(' ')
		}
		e.Flag(f)
	}
	return e.byte(')')
}

// DateTime writes a date-time in quotes: "02-Jan-2006 15:04:05 -0700" (RFC 9051 §9 date-time). A year that has not
// four digits, out of a broken clock, becomes 1970.
func (e *Encoder) DateTime(t time.Time) *Encoder {
	if y := t.Year(); y < 1 || y > 9999 {
		t = time.Unix(0, 0).UTC()
	}
	if e.own == nil {
		e.grow()
	}
	e.buf = t.AppendFormat(e.buf, `"02-Jan-2006 15:04:05 -0700"`)
	return e
}

// NumSet writes a set.
func (e *Encoder) NumSet(s NumSet) *Encoder {
	if e.own == nil {
		e.grow()
	}
	e.buf = s.AppendTo(e.buf)
	return e
}

// Ranges writes a set.
func (e *Encoder) Ranges(r Ranges) *Encoder { return e.NumSet(NumSet{Ranges: r}) }
