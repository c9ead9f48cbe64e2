package strict

import (
	"errors"
	"strconv"
	"strings"
)

// value is one element of a response: an atom, a string, or a list.
type value struct {
	text   string
	list   []value
	isList bool
}

var errSyntax = errors.New("strict: response syntax")

// parse splits a response into its elements. Square brackets bind: BODY[HEADER.FIELDS (X)] is one atom.
func parse(s string) ([]value, error) {
	list, rest, err := parseList(s, false)
	if err == nil && rest != "" {
		err = errSyntax
	}
	return list, err
}

func parseList(s string, inner bool) (out []value, rest string, err error) {
	for {
		switch {
		case s == "":
			if inner {
				return nil, "", errSyntax
			}
			return out, "", nil
		case s[0] == ' ':
			if len(out) == 0 {
				return nil, "", errSyntax
			}
			s = s[1:]
		case s[0] == ')':
			if !inner {
				return nil, "", errSyntax
			}
			return out, s[1:], nil
		case s[0] == '(':
			v := value{isList: true}
			if v.list, s, err = parseList(s[1:], true); err != nil {
				return nil, "", err
			}
			out = append(out, v)
		default:
			var v value
			if v.text, s, err = parseScalar(s); err != nil {
				return nil, "", err
			}
			out = append(out, v)
		}
	}
}

func parseScalar(s string) (text, rest string, err error) {
	if s[0] == '"' {
		var b strings.Builder
		for i := 1; i < len(s); i++ {
			switch s[i] {
			case '"':
				return b.String(), s[i+1:], nil
			case '\\':
				i++
				if i == len(s) || s[i] != '"' && s[i] != '\\' {
					return "", "", errSyntax
				}
			}
			b.WriteByte(s[i])
		}
		return "", "", errSyntax
	}
	if s[0] == '{' || strings.HasPrefix(s, "~{") {
		head, data, ok := strings.Cut(s, "\r\n")
		n, err := strconv.Atoi(strings.Trim(head, "~{}"))
		if !ok || err != nil || n > len(data) {
			return "", "", errSyntax
		}
		return data[:n], data[n:], nil
	}
	i, brackets := 0, 0
	for ; i < len(s); i++ {
		switch c := s[i]; {
		case c == '[':
			brackets++
		case c == ']':
			brackets--
		case brackets > 0:
		case c == ' ' || c == '(' || c == ')' || c == '"':
			return s[:i], s[i:], nil
		}
	}
	return s, "", nil
}

// number reads an element that must be an nz-number or a number.
func (v value) number() (uint64, bool) {
	n, err := strconv.ParseUint(v.text, 10, 63)
	return n, err == nil && !v.isList
}

// Set expands a set of numbers that came from the server, in its order.
func Set(text string) ([]uint32, error) {
	var out []uint32
	for _, part := range strings.Split(text, ",") {
		lo, hi, isRange := strings.Cut(part, ":")
		from, err := strconv.ParseUint(lo, 10, 32)
		if err != nil {
			return nil, err
		}
		to := from
		if isRange {
			if to, err = strconv.ParseUint(hi, 10, 32); err != nil {
				return nil, err
			}
		}
		if to < from || to-from > 1<<20 {
			return nil, errSyntax
		}
		for n := from; n <= to; n++ {
			out = append(out, uint32(n))
		}
	}
	return out, nil
}
