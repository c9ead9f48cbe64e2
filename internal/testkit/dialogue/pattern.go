package dialogue

import (
	"encoding/base64"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// vars holds what a play has captured.
type vars map[string]string

var (
	reVar   = regexp.MustCompile(`\$\{([A-Za-z0-9_]+)([+-][0-9]+)?\}|\$([1-9])|\$\$`)
	reOctet = regexp.MustCompile(`<(CR|LF|CRLF|NUL|SP|TAB|x[0-9A-Fa-f]{2}|.\*[0-9]{1,8}|b64:[^>]*)>`)
	// rePiece finds what is special in a pattern, in the order in which it is tried.
	rePiece = regexp.MustCompile(`\.\.\.|\{\{.*?\}\}|` + reVar.String() + `|` + reOctet.String())
)

// octets replaces <CR>, <a*100>, <b64:…> and their like.
func octets(s string) string {
	return reOctet.ReplaceAllStringFunc(s, func(tok string) string {
		name := tok[1 : len(tok)-1]
		switch name {
		case "CR":
			return "\r"
		case "LF":
			return "\n"
		case "CRLF":
			return "\r\n"
		case "NUL":
			return "\x00"
		case "SP":
			return " "
		case "TAB":
			return "\t"
		}
		if data, ok := strings.CutPrefix(name, "b64:"); ok {
			return base64.StdEncoding.EncodeToString([]byte(strings.ReplaceAll(data, "|", "\x00")))
		}
		if ch, n, ok := strings.Cut(name, "*"); ok {
			times, _ := strconv.Atoi(n)
			return strings.Repeat(ch, times)
		}
		b, _ := strconv.ParseUint(name[1:], 16, 8)
		return string([]byte{byte(b)})
	})
}

// expand replaces variables, which must be set, and octets.
func (v vars) expand(s string) (string, error) {
	var missing error
	// Octets second would let a captured "<CR>" act; variables are put in after the octets instead.
	s = reVar.ReplaceAllStringFunc(octets(s), func(tok string) string {
		if tok == "$$" {
			return "$"
		}
		name, delta := varName(tok)
		val, ok := v[name]
		if !ok {
			missing = fmt.Errorf("%s is not set", tok)
			return ""
		}
		return add(val, delta)
	})
	return s, missing
}

func varName(tok string) (name string, delta int) {
	m := reVar.FindStringSubmatch(tok)
	if m[3] != "" {
		return m[3], 0
	}
	delta, _ = strconv.Atoi(m[2])
	return m[1], delta
}

func add(val string, delta int) string {
	if delta == 0 {
		return val
	}
	n, err := strconv.ParseInt(val, 10, 64)
	if err != nil {
		return val + "(not a number)"
	}
	return strconv.FormatInt(n+int64(delta), 10)
}

// match compares a line from the server with a pattern; on success it keeps what was captured.
func (v vars) match(text []string, blocks []block, line string) (bool, error) {
	var (
		re    strings.Builder
		names []string
	)
	re.WriteString(`(?s)^`)
	for i, t := range text {
		v.compile(&re, t, &names)
		if i < len(blocks) {
			data := blocks[i].join("\r\n")
			fmt.Fprintf(&re, `\{%d\}\r\n%s`, len(data), regexp.QuoteMeta(bytesAsRunes(data)))
		}
	}
	re.WriteString(`$`)
	rx, err := regexp.Compile(re.String())
	if err != nil {
		return false, fmt.Errorf("bad pattern: %w", err)
	}
	m := rx.FindStringSubmatch(bytesAsRunes(line))
	if m == nil {
		return false, nil
	}
	got := vars{}
	for i, name := range rx.SubexpNames() {
		if !strings.HasPrefix(name, "v") {
			continue
		}
		n, _ := strconv.Atoi(name[1:])
		val := runesAsBytes(m[i])
		if old, twice := got[names[n]]; twice && old != val {
			return false, nil // ${a} ${a} met by two different texts
		}
		got[names[n]] = val
	}
	for name, val := range got {
		v[name] = val
	}
	return true, nil
}

// compile appends the regular expression of one piece of text.
func (v vars) compile(re *strings.Builder, text string, names *[]string) {
	quote := func(s string) { re.WriteString(regexp.QuoteMeta(bytesAsRunes(s))) }
	for {
		loc := rePiece.FindStringIndex(text)
		if loc == nil {
			quote(text)
			return
		}
		quote(text[:loc[0]])
		tok := text[loc[0]:loc[1]]
		text = text[loc[1]:]
		switch {
		case tok == "...":
			re.WriteString(`.*?`)
		case strings.HasPrefix(tok, "{{"):
			re.WriteString(`(?:` + tok[2:len(tok)-2] + `)`)
		case tok == "$$":
			quote("$")
		case strings.HasPrefix(tok, "$"):
			name, delta := varName(tok)
			if val, ok := v[name]; ok {
				quote(add(val, delta))
				break
			}
			fmt.Fprintf(re, `(?P<v%d>[^\r\n]+?)`, len(*names))
			*names = append(*names, name)
		default:
			quote(octets(tok))
		}
	}
}

// bytesAsRunes maps octet n to code point n, so that regular expressions work on octets that are not UTF-8.
func bytesAsRunes(s string) string {
	r := make([]rune, len(s))
	for i := 0; i < len(s); i++ {
		r[i] = rune(s[i])
	}
	return string(r)
}

func runesAsBytes(s string) string {
	b := make([]byte, 0, len(s))
	for _, r := range s {
		b = append(b, byte(r))
	}
	return string(b)
}
