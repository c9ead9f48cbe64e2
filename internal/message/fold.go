package message

import (
	"sync"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// Fold gives the form in which SEARCH compares text: what i;unicode-casemap (RFC 5051, see Collate) takes for equal, and beyond
// it what full case folding does. "STRASSE" and "straße" are equal, "é" equals "e" with an accent
// behind it and contains "e". A key is in a text if Fold of the key is a substring of Fold of the text. Invalid
// UTF-8 stays as it is. The search index stores this form, so it must not change without a rebuild.
func Fold(s string) string {
	if isASCII(s) {
		return lowerASCII(s)
	}
	return foldAny(s)
}

func foldAny(s string) string {
	return norm.NFKD.String(cases.Fold().String(Collate(norm.NFKD.String(s))))
}

// AppendFold appends Fold of src to dst. No ASCII character is changed by what stands beside it, so each run of others is folded for itself.
func AppendFold(dst, src []byte) []byte {
	for len(src) > 0 {
		n := 0
		for n < len(src) && src[n] < utf8.RuneSelf {
			n++
		}
		at := len(dst)
		dst = append(dst, src[:n]...)
		for i, c := range dst[at:] {
			if c-'A' < 26 {
				dst[at+i] = c | 0x20
			}
		}
		src = src[n:]
		for n = 0; n < len(src) && src[n] >= utf8.RuneSelf; {
			n++
		}
		if n > 0 {
			dst = appendFoldedRun(dst, src[:n])
			src = src[n:]
		}
	}
	return dst
}

// appendFoldedRun folds a run without ASCII.
func appendFoldedRun(dst, run []byte) []byte {
	table, start := foldTable(), len(dst)
	for i := 0; i < len(run); {
		r, n := utf8.DecodeRune(run[i:])
		if int(r) >= len(table) || table[r] == "" {
			return append(dst[:start], foldAny(string(run))...)
		}
		dst = append(dst, table[r]...)
		i += n
	}
	return dst
}

// foldTable has the folded forms of the characters of Latin, Greek and Cyrillic that begin with a base character whatever stands beside
// them: those of a word can be joined. "" is for the others.
var foldTable = sync.OnceValue(func() *[0x530]string {
	var t [0x530]string
	for r := rune(utf8.RuneSelf); int(r) < len(t); r++ {
		s := foldAny(string(r))
		if norm.NFKD.PropertiesString(string(r)).LeadCCC() == 0 && norm.NFKD.PropertiesString(s).CCC() == 0 && r != utf8.RuneError {
			t[r] = s
		}
	}
	return &t
})

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
