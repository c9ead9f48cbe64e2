package message

import (
	"strconv"
	"strings"
)

// joinContinuations replaces name*0, name*1, … by one parameter where the first stands.
func joinContinuations(params []Param) []Param {
	type section struct {
		value    string
		extended bool
	}
	sections := make(map[string]map[int]section)
	split := func(name string) (base string, n int, extended, ok bool) {
		base, num, ok := strings.Cut(name, "*")
		if !ok || base == "" {
			return "", 0, false, false
		}
		num, extended = strings.CutSuffix(num, "*")
		n, err := strconv.Atoi(num)
		return strings.ToLower(base), n, extended, err == nil && n >= 0
	}
	for _, p := range params {
		if base, n, extended, ok := split(p.Name); ok {
			if sections[base] == nil {
				sections[base] = make(map[int]section)
			}
			if _, twice := sections[base][n]; !twice {
				sections[base][n] = section{p.Value, extended}
			}
		}
	}
	out := params[:0:0]
	done := make(map[string]bool)
	for _, p := range params {
		base, _, _, ok := split(p.Name)
		first, whole := sections[base][0]
		if !ok || !whole {
			out = append(out, p) // not one of several, or its start is missing
			continue
		}
		if done[base] {
			continue
		}
		done[base] = true
		extended := false
		for n := range len(sections[base]) {
			extended = extended || sections[base][n].extended
		}
		var value strings.Builder
		if extended && !first.extended {
			value.WriteString("''")
		}
		for n := 0; ; n++ {
			s, more := sections[base][n]
			if !more {
				break
			}
			if extended && !s.extended {
				s.value = percent(s.value)
			}
			value.WriteString(s.value)
		}
		name, _, _ := strings.Cut(p.Name, "*")
		if extended {
			name += "*"
		}
		out = append(out, Param{name, value.String()})
	}
	return out
}

// percent encodes a plain section so that it can stand among extended ones.
func percent(s string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c <= ' ' || c >= 0x7F || c == '%' || c == '*' || c == '\'' || isTSpecial(c) {
			b.WriteByte('%')
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&15])
			continue
		}
		b.WriteByte(c)
	}
	return b.String()
}
