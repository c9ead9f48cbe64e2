package message

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Collate gives the form whose octets SORT and THREAD compare: i;unicode-casemap (RFC 5051 §2), each character in
// title case, then decomposed. It differs from Fold in order, as "_" stands behind the capitals and before the
// small letters, and tells "ß" from "ss".
func Collate(s string) string {
	if isASCII(s) {
		return strings.ToUpper(s)
	}
	return norm.NFKD.String(strings.Map(unicode.ToTitle, s))
}
