package message

import "strings"

// lexer walks over address text from left to right. A quote, comment or angle bracket that nothing closes is an
// ordinary byte; once one was found so, no later one is looked at: it would make time quadratic.
type lexer struct {
	s                           string
	noQuote, noComment, noAngle bool
}

// skip gives the offset behind the quoted string, comment, domain literal, quoted pair or byte at an offset.
func (lx *lexer) skip(at int) int {
	switch lx.s[at] {
	case '\\':
		return min(at+2, len(lx.s))
	case '"':
		if end := lx.quoteEnd(at); end > 0 {
			return end
		}
	case '(':
		if end := lx.commentEnd(at); end > 0 {
			return end
		}
	case '[':
		// A domain literal is short and holds none of these.
		if i := strings.IndexAny(lx.s[at:min(at+256, len(lx.s))], "],;<\""); i > 0 && lx.s[at+i] == ']' {
			return at + i + 1
		}
	}
	return at + 1
}

func (lx *lexer) quoteEnd(at int) int {
	if lx.noQuote {
		return 0
	}
	for i := at + 1; i < len(lx.s); i++ {
		switch lx.s[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	lx.noQuote = true
	return 0
}

func (lx *lexer) commentEnd(at int) int {
	if lx.noComment {
		return 0
	}
	if end, ok := commentEnd(lx.s, at); ok {
		return end
	}
	lx.noComment = true
	return 0
}

// angleEnd gives the offset behind the ">" for the "<" at an offset. Commas before it are part of a route or a broken
// address; another "<" means that this one is not closed.
func (lx *lexer) angleEnd(at int) int {
	if lx.noAngle {
		return 0
	}
	for i := at + 1; i < len(lx.s); {
		switch lx.s[i] {
		case '>':
			return i + 1
		case '<':
			return 0
		case '"', '\\':
			i = lx.skip(i)
		default:
			i++
		}
	}
	lx.noAngle = true
	return 0
}

// lastAt finds the last "@" that stands in no quoted string or comment, -1 if none.
func lastAt(s string) int {
	if strings.IndexAny(s, "\"(\\[") < 0 {
		return strings.LastIndexByte(s, '@')
	}
	lx := lexer{s: s}
	found := -1
	for i := 0; i < len(s); i = lx.skip(i) {
		if s[i] == '@' {
			found = i
		}
	}
	return found
}

// lastWord gives where the last word starts: behind the last blank outside quotes and comments that does not stand
// next to a dot.
func lastWord(s string) int {
	s = strings.TrimRight(s, " \t")
	lx := lexer{s: s}
	word, blank := 0, false
	for i := 0; i < len(s); i = lx.skip(i) {
		if s[i] == ' ' || s[i] == '\t' {
			blank = true
			continue
		}
		if blank && s[i] != '.' && s[i] != '(' && !strings.HasSuffix(strings.TrimRight(s[:i], " \t"), ".") {
			word = i
		}
		blank = false
	}
	return word
}

// phrase reads a display name: quoted strings without their quotes, comments left out, each run of blanks one space.
// The common forms, one quoted string and plain words, cost no memory.
func phrase(s string) string {
	s = strings.Trim(s, " \t")
	if strings.IndexAny(s, "\"(\\\t") < 0 && !strings.Contains(s, "  ") {
		return s
	}
	if n := len(s); n > 1 && s[0] == '"' && strings.IndexByte(s[1:], '"') == n-2 && strings.IndexByte(s, '\\') < 0 {
		return s[1 : n-1]
	}
	return clean(s, " ")
}

// word reads a local part: blanks and comments outside quoted strings are left out.
func word(s string) string {
	if strings.IndexAny(s, "\"(\\ \t") < 0 {
		return s
	}
	return clean(s, "")
}

// domain reads a domain or literal without comments and blanks around dots; words behind it are dropped.
func domain(s string) string {
	s = strings.Trim(s, " \t")
	if strings.IndexAny(s, " \t(\\\"") < 0 {
		return s
	}
	s = clean(s, " ")
	s = strings.ReplaceAll(strings.ReplaceAll(s, " .", "."), ". ", ".")
	s, _, _ = strings.Cut(s, " ")
	return s
}

// clean unquotes, drops comments, and puts between for each run of blanks and comments inside.
func clean(s, between string) string {
	lx := lexer{s: s}
	b := make([]byte, 0, len(s))
	blank := false
	for i := 0; i < len(s); {
		c, end := s[i], lx.skip(i)
		if c == ' ' || c == '\t' || c == '(' && end > i+1 {
			blank = true
			i = end
			continue
		}
		if blank && len(b) > 0 {
			b = append(b, between...)
		}
		blank = false
		switch {
		case c == '"' && end > i+1:
			b = append(b, unescape(s[i+1:end-1])...)
		case c == '"': // says nothing, as nothing closes it
		case c == '\\' && end > i+1:
			b = append(b, s[i+1])
		default:
			b = append(b, s[i:end]...)
		}
		i = end
	}
	return string(b)
}

// lastComment gives the content of the last comment, which stands for a missing display name:
// "joe@example.org (Joe Doe)".
func lastComment(s string) string {
	if strings.IndexByte(s, '(') < 0 {
		return ""
	}
	lx := lexer{s: s}
	found := ""
	for i := 0; i < len(s); {
		end := lx.skip(i)
		if s[i] == '(' && end > i+1 {
			found = s[i+1 : end-1]
		}
		i = end
	}
	return strings.Trim(unescape(found), " \t")
}

// localPart quotes a local part if its bytes ask for it (RFC 5322 §3.4.1).
func localPart(s string) string {
	if strings.IndexAny(s, " \t\"(),:;<>[]\\@") < 0 {
		return s
	}
	b := append(make([]byte, 0, len(s)+2), '"')
	for i := 0; i < len(s); i++ {
		if s[i] == '"' || s[i] == '\\' {
			b = append(b, '\\')
		}
		b = append(b, s[i])
	}
	return string(append(b, '"'))
}
