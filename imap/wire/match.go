package wire

import "strings"

// Pattern is a LIST pattern, prepared for many names: "*" matches anything, "%" anything up to the hierarchy
// separator (RFC 9051 §6.3.9). Case counts; INBOX is the caller's affair.
type Pattern struct {
	text    string
	sep     byte
	literal bool // no wildcards
	need    int  // bytes that are not wildcards: the shortest name that can match
}

// CompilePattern prepares a pattern. sep is the hierarchy separator, 0 for none.
func CompilePattern(pattern string, sep byte) Pattern {
	p := Pattern{sep: sep, literal: true}
	if strings.IndexByte(pattern, '*') < 0 && strings.IndexByte(pattern, '%') < 0 {
		p.text, p.need = pattern, len(pattern)
		return p
	}
	p.literal = false
	// A row of wildcards is one: "*" if it holds one, else "%". What is left is at most twice need and one.
	var b strings.Builder
	for i := 0; i < len(pattern); {
		c := pattern[i]
		if c != '*' && c != '%' {
			b.WriteByte(c)
			p.need++
			i++
			continue
		}
		for ; i < len(pattern) && (pattern[i] == '*' || pattern[i] == '%'); i++ {
			if pattern[i] == '*' {
				c = '*'
			}
		}
		b.WriteByte(c)
	}
	p.text = b.String()
	return p
}

// Match tells whether the whole name matches. It takes time in proportion to the length of the pattern times that of the name,
// whatever the pattern: it follows all ways to match at once instead of one after the other.
func (p Pattern) Match(name string) bool {
	if p.literal {
		return p.text == name
	}
	if p.text == "*" {
		return true
	}
	if p.need > len(name) {
		return false
	}
	// at[i] tells whether the name so far can have matched text[:i].
	var few [128]bool
	at := few[:]
	if len(p.text) >= len(few) {
		at = make([]bool, len(p.text)+1)
	}
	at = at[:len(p.text)+1]
	at[0] = true
	p.passWildcards(at)
	for i := range len(name) {
		c := name[i]
		for k := len(p.text); k > 0; k-- {
			// The byte before position k either stays for a wildcard or is used up by c.
			t := p.text[k-1]
			switch t {
			case '*':
				// at[k] stays true: the wildcard takes c too. at[k-1] is carried on by passWildcards.
			case '%':
				at[k] = at[k] && (c != p.sep || p.sep == 0)
			default:
				at[k] = at[k-1] && t == c
			}
		}
		at[0] = false
		p.passWildcards(at)
	}
	return at[len(p.text)]
}

// passWildcards adds the positions that are reached by wildcards that match nothing.
func (p Pattern) passWildcards(at []bool) {
	for k := range len(p.text) {
		if at[k] && (p.text[k] == '*' || p.text[k] == '%') {
			at[k+1] = true
		}
	}
}

// Match tells whether name matches the LIST pattern; see Pattern.
func Match(pattern, name string, sep byte) bool {
	return CompilePattern(pattern, sep).Match(name)
}
