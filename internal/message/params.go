package message

import "strings"

// Param is one parameter of a media type or disposition, its name as written.
//
// Continuations (name*0, name*1, RFC 2231 §3) are joined. A value with a charset (§4) stays as the sender encoded it,
// charset'language'percent-coded, under "name*": clients decode that by the star, and a reply in IMAP4rev1
// could not hold it decoded. DecodeParam decodes it.
type Param struct{ Name, Value string }

// rawParam gives the value of the first parameter of a name.
func rawParam(params []Param, name string) string {
	for _, p := range params {
		if equalName(p.Name, name) {
			return p.Value
		}
	}
	return ""
}

// findParam gives the decoded value of a parameter. A name* beats a name, as RFC 6266 §4.3 has it.
func findParam(params []Param, name string) string {
	for _, p := range params {
		if n := len(p.Name) - 1; n == len(name) && p.Name[n] == '*' && equalName(p.Name[:n], name) {
			_, v := DecodeParam(p)
			return v
		}
	}
	return DecodeHeader(rawParam(params, name)) // encoded words are wrong there and common
}

// DecodeParam gives a parameter's name without a star and its value in UTF-8.
func DecodeParam(p Param) (name, value string) {
	name, extended := strings.CutSuffix(p.Name, "*")
	if !extended {
		return name, p.Value
	}
	parts := strings.SplitN(p.Value, "'", 3)
	if len(parts) < 3 {
		return name, decodeBytes(unpercent(p.Value), "")
	}
	return name, decodeBytes(unpercent(parts[2]), parts[0])
}

func unpercent(s string) []byte {
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			hi, lo := unhex(s[i+1]), unhex(s[i+2])
			if hi < 16 && lo < 16 {
				b = append(b, hi<<4|lo)
				i += 2
				continue
			}
		}
		b = append(b, s[i])
	}
	return b
}

// unhex gives the value of a hex digit, or 16.
func unhex(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10
	}
	return 16
}

// cursor reads the tokens of one unfolded field.
type cursor struct {
	s  string
	at int
}

// skip goes over blanks and comments.
func (c *cursor) skip() {
	for c.at < len(c.s) {
		switch c.s[c.at] {
		case ' ', '\t':
			c.at++
		case '(':
			c.at, _ = commentEnd(c.s, c.at)
		default:
			return
		}
	}
}

// commentEnd gives the offset behind the comment that starts at an offset, or the end of s if nothing closes it.
func commentEnd(s string, at int) (end int, closed bool) {
	depth := 0
	for ; at < len(s); at++ {
		switch s[at] {
		case '\\':
			at++
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return at + 1, true
			}
		}
	}
	return len(s), false
}

// token skips to a token of RFC 2045 §5.1 and takes it; "" if none is there.
func (c *cursor) token() string {
	c.skip()
	start := c.at
	for c.at < len(c.s) && !isTSpecial(c.s[c.at]) {
		c.at++
	}
	return c.s[start:c.at]
}

func isTSpecial(b byte) bool {
	switch b {
	case ' ', '\t', '(', ')', '<', '>', '@', ',', ';', ':', '\\', '"', '/', '[', ']', '?', '=':
		return true
	}
	return false
}

// take goes over one byte if it comes next.
func (c *cursor) take(b byte) bool {
	c.skip()
	if c.at < len(c.s) && c.s[c.at] == b {
		c.at++
		return true
	}
	return false
}

// params reads ";name=value" up to the end, also where a semicolon is missing.
func (c *cursor) params(limit int) []Param {
	var out []Param
	continued := false
	for c.at < len(c.s) && len(out) < limit {
		name := c.token()
		if name == "" || !c.take('=') {
			// Garbage: go on behind the next semicolon.
			if i := strings.IndexByte(c.s[c.at:], ';'); i >= 0 {
				c.at += i + 1
				continue
			}
			break
		}
		out = append(out, Param{name, c.value()})
		continued = continued || strings.IndexByte(name, '*') >= 0
	}
	if continued {
		out = joinContinuations(out)
	}
	return out
}

// value reads a quoted string, or all up to a semicolon or the next "name=".
func (c *cursor) value() string {
	c.skip()
	if c.at < len(c.s) && c.s[c.at] == '"' {
		return c.quoted()
	}
	start := c.at
	end := c.at
	for c.at < len(c.s) && c.s[c.at] != ';' {
		if b := c.s[c.at]; b != ' ' && b != '\t' {
			c.at++
			end = c.at
			continue
		}
		// Behind a blank stands a comment, or a parameter whose semicolon is missing, or more of a
		// value that should have been quoted ("name=my file.pdf").
		c.skip()
		word := *c
		if c.at > start && word.token() != "" && word.at < len(c.s) && c.s[word.at] == '=' {
			break
		}
		for c.at < len(c.s) && c.s[c.at] != ';' && c.s[c.at] != ' ' && c.s[c.at] != '\t' {
			c.at++
			end = c.at
		}
	}
	return c.s[start:end]
}

// quoted reads a quoted string; without an end it goes to the end of the field.
func (c *cursor) quoted() string {
	c.at++
	start := c.at
	for escaped := false; c.at < len(c.s); c.at++ {
		switch c.s[c.at] {
		case '\\':
			escaped = true
			c.at++
		case '"':
			s := c.s[start:c.at]
			c.at++
			if escaped {
				s = unescape(s)
			}
			return s
		}
	}
	c.at = len(c.s)
	return unescape(c.s[start:])
}

// unescape takes out the backslashes of quoted pairs.
func unescape(s string) string {
	i := strings.IndexByte(s, '\\')
	if i < 0 {
		return s
	}
	b := append(make([]byte, 0, len(s)), s[:i]...)
	for ; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b = append(b, s[i])
	}
	return string(b)
}
