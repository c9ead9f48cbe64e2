package message

import (
	"html"
	"strings"
)

// hiddenElements are those whose content is not text.
var hiddenElements = []string{"script", "style", "head", "title", "template", "noscript", "textarea", "select"}

// inlineElements do not end a word.
var inlineElements = map[string]bool{
	"a": true, "abbr": true, "b": true, "bdi": true, "bdo": true, "big": true, "cite": true, "code": true, "del": true, "em": true, "font": true, "i": true,
	"ins": true, "mark": true, "q": true, "s": true, "small": true, "span": true, "strike": true, "strong": true, "sub": true, "sup": true, "tt": true,
	"u": true, "wbr": true, "o:p": true,
}

// stripHTML gives the words of an HTML text, for people to look at: what is damaged is taken as it comes, and nothing that it returns is
// HTML any more. It goes through the text once.
func stripHTML(s string) string {
	var b strings.Builder
	for {
		open := strings.IndexByte(s, '<')
		if open < 0 {
			b.WriteString(html.UnescapeString(s))
			return b.String()
		}
		b.WriteString(html.UnescapeString(s[:open]))
		s = s[open:]
		if strings.HasPrefix(s, "<!--") {
			_, rest, ok := strings.Cut(s[4:], "-->")
			if !ok {
				return b.String()
			}
			s = rest
			continue
		}
		if len(s) < 2 || !isNameStart(s[1]) && s[1] != '/' && s[1] != '!' && s[1] != '?' {
			b.WriteByte('<')
			s = s[1:]
			continue
		}
		name := elementName(s[1:])
		end := tagEnd(s)
		if end < 0 {
			return b.String()
		}
		s = s[end:]
		if !inlineElements[strings.TrimPrefix(name, "/")] {
			b.WriteByte(' ')
		}
		for _, hidden := range hiddenElements {
			if name == hidden {
				s = behind(s, name)
			}
		}
	}
}

func isNameStart(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

// elementName is the name of the tag that begins behind "<", in lower case, with a slash before it if it ends an element.
func elementName(s string) string {
	n := 0
	for n < len(s) && n < 16 && (isNameStart(s[n]) || s[n] == ':' || s[n] == '/' && n == 0 || n > 0 && s[n] >= '0' && s[n] <= '9') {
		n++
	}
	return strings.ToLower(s[:n])
}

// tagEnd is where the tag that s begins with ends; -1 if it does not. A ">" within quotes does not end it.
func tagEnd(s string) int {
	var quote byte
	for i := 1; i < len(s); i++ {
		switch c := s[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case (c == '"' || c == '\'') && s[i-1] == '=':
			quote = c
		case c == '>':
			return i + 1
		}
	}
	return -1
}

// behind is what comes after the end of an element whose content is hidden.
func behind(s, name string) string {
	for {
		at := strings.Index(s, "</")
		if at < 0 {
			return ""
		}
		s = s[at+2:]
		if len(s) >= len(name) && strings.EqualFold(s[:len(name)], name) {
			if end := strings.IndexByte(s, '>'); end >= 0 {
				return s[end+1:]
			}
			return ""
		}
	}
}
