package message

import (
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// Fold gives the form in which SEARCH compares text: i;unicode-casemap in effect (RFC 5051), that is, compatibility
// decomposition and case folding. "STRASSE" and "straße" are equal, "é" equals "e" with an accent
// behind it and contains "e". A key is in a text if Fold of the key is a substring of Fold of the text. Invalid
// UTF-8 stays as it is. The search index stores this form, so it must not change without a rebuild.
func Fold(s string) string {
	if isASCII(s) {
		return lowerASCII(s)
	}
	return norm.NFKD.String(cases.Fold().String(norm.NFKD.String(s)))
}

// AppendFold appends Fold of src to dst.
func AppendFold(dst, src []byte) []byte {
	for i, c := range src {
		if c >= utf8.RuneSelf {
			return append(dst[:len(dst)-i], Fold(string(src))...)
		}
		dst = append(dst, lower(c))
	}
	return dst
}

func lowerASCII(s string) string {
	for i := 0; i < len(s); i++ {
		if c := s[i]; 'A' <= c && c <= 'Z' {
			b := []byte(s)
			for ; i < len(b); i++ {
				b[i] = lower(b[i])
			}
			return string(b)
		}
	}
	return s
}
