package language

import (
	"cmp"
	"slices"
	"strings"
	"sync"
)

// entry is a text of the servers and its French. "%s" stands for a part that varies; the parts come in the same order, and are
// translated themselves if they are texts.
type entry struct{ english, french string }

// maxNested bounds texts within texts.
const maxNested = 3

// Text gives what an English text is in the language. What is in no catalogue, such as an operator's own words, stays as it is.
func (t Tag) Text(english string) string {
	if t != French {
		return english
	}
	s, _ := french().translate(english, maxNested)
	return s
}

// Known says whether a text, or the format of texts, is in the catalogue.
func Known(format string) bool {
	c := french()
	if _, ok := c.whole[format]; ok {
		return true
	}
	return slices.ContainsFunc(c.formats, func(f pattern) bool { return f.english == format })
}

// catalogue is the entries, ready to be looked up. It is made when it is first needed: most servers never do.
type catalogue struct {
	whole   map[string]string
	formats []pattern // those with more fixed text first
}

// pattern is an entry with variable parts, and what stands between them in English.
type pattern struct {
	entry
	fixed []string
}

var french = sync.OnceValue(func() *catalogue {
	c := &catalogue{whole: map[string]string{}}
	for _, list := range [][]entry{frenchCommon, frenchIMAP, frenchSyntax, frenchPOP3} {
		for _, e := range list {
			if strings.Contains(e.english, "%s") {
				c.formats = append(c.formats, pattern{e, strings.Split(e.english, "%s")})
			} else {
				c.whole[e.english] = e.french
			}
		}
	}
	slices.SortStableFunc(c.formats, func(a, b pattern) int { return cmp.Compare(len(b.english), len(a.english)) })
	return c
})

func (c *catalogue) translate(s string, nested int) (string, bool) {
	if fr, ok := c.whole[s]; ok {
		return fr, true
	}
	if nested == 0 {
		return s, false
	}
	for _, f := range c.formats {
		if parts, ok := f.match(s); ok {
			return c.fill(f.french, parts, nested-1), true
		}
	}
	return s, false
}

// match finds the variable parts of s, of which none is empty.
func (f *pattern) match(s string) (parts []string, ok bool) {
	first, last := f.fixed[0], f.fixed[len(f.fixed)-1]
	if !strings.HasPrefix(s, first) || !strings.HasSuffix(s[len(first):], last) {
		return nil, false
	}
	s = s[len(first) : len(s)-len(last)]
	for _, between := range f.fixed[1 : len(f.fixed)-1] {
		at := strings.Index(s, between)
		if at < 1 {
			return nil, false
		}
		parts, s = append(parts, s[:at]), s[at+len(between):]
	}
	return append(parts, s), s != ""
}

func (c *catalogue) fill(french string, parts []string, nested int) string {
	var b strings.Builder
	for i, fixed := range strings.Split(french, "%s") {
		if i > 0 {
			part, _ := c.translate(parts[i-1], nested)
			b.WriteString(part)
		}
		b.WriteString(fixed)
	}
	return b.String()
}
