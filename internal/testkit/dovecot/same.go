package dovecot

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// What IMAP leaves to the server, so that a script which shows our way can be met by Dovecot's.

var (
	reMailbox = regexp.MustCompile(`^(\* (?:STATUS|(?:LIST|LSUB) \([^)]*\) "."|QUOTAROOT)) ([^"{ ]+)( .*)?$`)
	reListed  = regexp.MustCompile(`^(\* (?:LIST|LSUB) \()([^)]*)(\) .*)$`)
	reFlags   = regexp.MustCompile(`\bFLAGS \([^()]*\)`)
	reFetch   = regexp.MustCompile(`(?s)^(\* \d+ FETCH \()(.*)\)$`)
	reLiteral = regexp.MustCompile(`\{(\d+)\}\r\n`)
	reBinary  = regexp.MustCompile(`(\bBINARY\[[0-9.]*\](?:<\d+>)? )~\{`)
	reNoCode  = regexp.MustCompile(`^(\S+ NO) ([^\[].*)$`)
	reExtra   = regexp.MustCompile(`^\* (\d+ RECENT|OK Still here)$`)
	reFree    = regexp.MustCompile(`^\* (LIST|LSUB|STATUS|\d+ FETCH) `)
)

var flagOrder = []string{`\Recent`, `\Seen`, `\Answered`, `\Flagged`, `\Deleted`, `\Draft`}

// same gives the ways in which Dovecot's line may be written: names quoted, flags in our order, attributes and FETCH items in any.
func same(line string) []string {
	var all []string
	if line == "+OK" {
		return []string{"+OK "}
	}
	if m := reMailbox.FindStringSubmatch(line); m != nil {
		line = m[1] + ` "` + m[2] + `"` + m[3]
		all = append(all, line)
	}
	if m := reListed.FindStringSubmatch(line); m != nil {
		for _, words := range orders(strings.Fields(m[2])) {
			all = append(all, m[1]+strings.Join(words, " ")+m[3])
		}
		return all
	}
	if m := reNoCode.FindStringSubmatch(line); m != nil {
		// The codes of RFC 5530 are for those who know them.
		for _, code := range []string{"NONEXISTENT", "ALREADYEXISTS", "CANNOT", "TRYCREATE", "NOPERM", "UNKNOWN-CTE", "LIMIT"} {
			all = append(all, m[1]+" ["+code+"] "+m[2])
		}
		return all
	}
	if m := reFetch.FindStringSubmatch(line); m != nil {
		items, ok := fetchItems(m[2])
		if !ok {
			return all
		}
		for i, item := range items {
			items[i] = quoteLiterals(reFlags.ReplaceAllStringFunc(item, sortFlags))
		}
		for _, o := range orders(items) {
			all = append(all, m[1]+strings.Join(o, " ")+")", m[1]+reBinary.ReplaceAllString(strings.Join(o, " "), "$1{")+")")
		}
	}
	return all
}

// extra: after EXPUNGE and whenever it looks, Dovecot tells how many messages are recent; and in IDLE, that it is alive.
func extra(line string) bool { return reExtra.MatchString(line) }

// anyOrder: mailboxes are listed as they are found, and messages fetched as it suits.
func anyOrder(text string) bool { return reFree.MatchString(text) }

func sortFlags(list string) string {
	words := strings.Fields(list[len("FLAGS (") : len(list)-1])
	rank := func(w string) int {
		if i := slices.Index(flagOrder, w); i >= 0 {
			return i
		}
		return len(flagOrder)
	}
	slices.SortStableFunc(words, func(a, b string) int { return rank(a) - rank(b) })
	return "FLAGS (" + strings.Join(words, " ") + ")"
}

// quoteLiterals writes the literals of an ENVELOPE as quoted strings.
func quoteLiterals(item string) string {
	if !strings.HasPrefix(item, "ENVELOPE ") {
		return item
	}
	var b strings.Builder
	for {
		loc := reLiteral.FindStringSubmatchIndex(item)
		if loc == nil {
			return b.String() + item
		}
		var n int
		fmt.Sscan(item[loc[2]:loc[3]], &n)
		end := loc[1] + n
		if end > len(item) || strings.ContainsAny(item[loc[1]:end], "\r\n\x00") {
			b.WriteString(item[:loc[1]])
			item = item[loc[1]:]
			continue
		}
		b.WriteString(item[:loc[0]] + `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(item[loc[1]:end]) + `"`)
		item = item[end:]
	}
}

// fetchItems splits "NAME value NAME value …"; ok is false for what it cannot read.
func fetchItems(s string) (items []string, ok bool) {
	for i := 0; i < len(s); {
		name := span(s, i)
		if name < 0 || name >= len(s) || s[name] != ' ' {
			return nil, false
		}
		value := span(s, name+1)
		if value < 0 {
			return nil, false
		}
		items = append(items, s[i:value])
		if i = value; i < len(s) {
			if s[i] != ' ' {
				return nil, false
			}
			i++
		}
	}
	return items, true
}

// span is where the token that begins at i ends: at a blank outside of strings, brackets and lists. It is -1 where none does.
func span(s string, i int) int {
	for depth := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '(' || c == '[':
			depth++
		case c == ')' || c == ']':
			depth--
		case c == ' ' && depth == 0:
			return i
		case c == '"':
			for i++; i < len(s) && s[i] != '"'; i++ {
				if s[i] == '\\' {
					i++
				}
			}
		case c == '{':
			m := reLiteral.FindStringSubmatch(s[i:])
			if m == nil || !strings.HasPrefix(s[i:], m[0]) {
				return -1
			}
			var n int
			fmt.Sscan(m[1], &n)
			if i += len(m[0]) + n - 1; i >= len(s) {
				return -1
			}
		}
	}
	return len(s)
}

// orders gives every order of up to five words; of more, those in which one has come forward.
func orders(words []string) [][]string {
	if len(words) < 2 {
		return [][]string{words}
	}
	if len(words) > 5 {
		all := [][]string{words}
		for i, w := range words {
			all = append(all, slices.Concat([]string{w}, words[:i], words[i+1:]))
		}
		return all
	}
	var all [][]string
	for i := range words {
		rest := slices.Concat(words[:i], words[i+1:])
		for _, o := range orders(rest) {
			all = append(all, slices.Concat([]string{words[i]}, o))
		}
	}
	return all
}
