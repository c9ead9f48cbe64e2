package message

import (
	"strings"
	"unicode/utf8"
)

// DecodeHeader gives the UTF-8 form of an unfolded field: encoded words (RFC 2047) in any charset are decoded, other
// 8-bit text is read by a guess (see DecodeCharset). Words that are not quite right are decoded too:
// inside quotes or other text, with blanks in them, in lower case, and cut in the middle of a character,
// as many mailers do; what is no word stays.
func DecodeHeader(s string) string {
	if !strings.Contains(s, "=?") {
		if isASCII(s) {
			return s
		}
		return guess([]byte(s))
	}
	var out strings.Builder
	out.Grow(len(s))
	var run []byte // what adjacent words of one charset say
	charset := ""
	flush := func() {
		if len(run) > 0 {
			out.WriteString(decodeBytes(run, charset))
			run = run[:0]
		}
	}
	afterWord := false
	for s != "" {
		i := strings.Index(s, "=?")
		if i < 0 {
			break
		}
		w, ok := encodedWord(s[i:])
		if !ok {
			// No word starts here; "=?" is plain text.
			flush()
			out.WriteString(plainText(s[:i+2]))
			s, afterWord = s[i+2:], false
			continue
		}
		// Blanks between two words belong to neither (RFC 2047 §6.2).
		if !afterWord || strings.Trim(s[:i], " \t") != "" {
			flush()
			out.WriteString(plainText(s[:i]))
		}
		if !equalName(charset, w.charset) {
			flush()
			charset = w.charset
		}
		run = w.decode(run)
		s, afterWord = s[i+w.size:], true
	}
	flush()
	out.WriteString(plainText(s))
	return out.String()
}

func plainText(s string) string {
	if isASCII(s) {
		return s
	}
	return guess([]byte(s))
}

func isASCII(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

type codedWord struct {
	charset string
	base64  bool
	text    string
	size    int // bytes from "=?" to behind "?="
}

// maxWord bounds how far the end of a word is looked for. RFC 2047 §2 allows 75 bytes; some put a whole subject in one.
const maxWord = 4 << 10

// encodedWord reads the word that s starts with: =?charset*language?encoding?text?=
func encodedWord(s string) (codedWord, bool) {
	var w codedWord
	rest := s[2:min(len(s), maxWord)]
	charset, rest, ok := strings.Cut(rest, "?")
	if !ok || charset == "" || len(charset) > 64 || strings.ContainsAny(charset, " \t=") {
		return w, false
	}
	w.charset, _, _ = strings.Cut(charset, "*")
	if len(rest) < 2 || rest[1] != '?' {
		return w, false
	}
	switch rest[0] {
	case 'b', 'B':
		w.base64 = true
	case 'q', 'Q':
	default:
		return w, false
	}
	rest = rest[2:]
	end := strings.Index(rest, "?=")
	if end < 0 {
		return w, false
	}
	w.text = rest[:end]
	w.size = 2 + len(charset) + 1 + 2 + end + 2
	return w, true
}

func (w codedWord) decode(dst []byte) []byte {
	if w.base64 {
		var s base64State
		return s.step(dst, []byte(w.text), true)
	}
	for i := 0; i < len(w.text); i++ {
		switch c := w.text[i]; {
		case c == '_':
			dst = append(dst, ' ')
		case c == '=' && i+2 < len(w.text) && unhex(w.text[i+1]) < 16 && unhex(w.text[i+2]) < 16:
			dst = append(dst, unhex(w.text[i+1])<<4|unhex(w.text[i+2]))
			i += 2
		default:
			dst = append(dst, c)
		}
	}
	return dst
}
