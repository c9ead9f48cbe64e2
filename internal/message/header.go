package message

import (
	"bytes"
	"iter"
	"strings"
)

// Field is one header field as it stands in the message. Both slices point into the header.
type Field struct {
	Name []byte // without the colon and blanks before it; empty for a line that is no field
	Raw  []byte // all its bytes, folded lines and line ends included
}

// Value is the field's content as one line: see Unfold.
func (f Field) Value() string { return Unfold(f.rawValue()) }

func (f Field) rawValue() []byte {
	if i := bytes.IndexByte(f.Raw, ':'); i >= 0 && len(f.Name) > 0 {
		return f.Raw[i+1:]
	}
	return f.Raw
}

// Fields goes through a header up to its empty line or end. Lines that are no field (no colon, or a
// continuation of nothing) come as fields without a name, so that all bytes are seen.
func Fields(header []byte) iter.Seq[Field] {
	return func(yield func(Field) bool) {
		for at := 0; ; {
			s, ok := fieldAt(header, at)
			if !ok || !yield(Field{Name: header[s.start:s.nameEnd], Raw: header[s.start:s.end]}) {
				return
			}
			at = s.end
		}
	}
}

// span places one field in a header: its name, the value behind the colon, its end.
type span struct{ start, nameEnd, value, end int }

// fieldAt finds the field that starts at an offset. It says no at the empty line and at the end.
func fieldAt(h []byte, at int) (span, bool) {
	if at >= len(h) || h[at] == '\n' || (h[at] == '\r' && at+1 < len(h) && h[at+1] == '\n') {
		return span{}, false
	}
	s := span{start: at, nameEnd: at, value: at, end: lineEnd(h, at)}
	if c := bytes.IndexByte(h[at:s.end], ':'); c > 0 && h[at] != ' ' && h[at] != '\t' {
		name := at + c
		for name > at && (h[name-1] == ' ' || h[name-1] == '\t') {
			name-- // "Subject : x" is obsolete and still found (RFC 5322 §4.5)
		}
		s.nameEnd, s.value = name, at+c+1
	}
	for s.end < len(h) && (h[s.end] == ' ' || h[s.end] == '\t') {
		s.end = lineEnd(h, s.end)
	}
	return s, true
}

// lineEnd gives the offset behind the line that holds an offset.
func lineEnd(h []byte, at int) int {
	if i := bytes.IndexByte(h[at:], '\n'); i >= 0 {
		return at + i + 1
	}
	return len(h)
}

// HeaderValue gives the unfolded content of the first field of a name, and whether there is one.
// Names compare without regard to ASCII case.
func HeaderValue(header []byte, name string) (string, bool) {
	for f := range Fields(header) {
		if equalName(f.Name, name) {
			return f.Value(), true
		}
	}
	return "", false
}

// FilterHeader appends to dst the fields with one of the names, or with not all other ones, byte for
// byte, and an empty line: the literal of BODY[HEADER.FIELDS (…)] and BODY[HEADER.FIELDS.NOT (…)]
// (RFC 9051 §6.4.5.1).
func FilterHeader(dst, header []byte, names []string, not bool) []byte {
	for f := range Fields(header) {
		if hasName(names, f.Name) == not {
			continue
		}
		dst = append(dst, f.Raw...)
		if f.Raw[len(f.Raw)-1] != '\n' {
			dst = append(dst, "\r\n"...) // a header that ends with the message
		}
	}
	return append(dst, "\r\n"...)
}

func hasName(names []string, name []byte) bool {
	if len(name) == 0 {
		return false
	}
	for _, n := range names {
		if equalName(name, n) {
			return true
		}
	}
	return false
}

// equalName compares in ASCII without regard to case.
func equalName[T ~string | ~[]byte](a T, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := 0; i < len(a); i++ {
		if lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c | 0x20
	}
	return c
}

// Unfold makes one line of a field's content: CR, LF and NUL are taken out, blanks around it too
// (RFC 5322 §2.2.3: folding keeps the blank that follows the line end).
func Unfold(value []byte) string { return unfold(string(value)) }

func unfold(s string) string {
	s = strings.Trim(s, " \t\r\n\x00")
	i := strings.IndexAny(s, "\r\n\x00")
	if i < 0 {
		return s
	}
	b := make([]byte, i, len(s))
	copy(b, s)
	for ; i < len(s); i++ {
		if c := s[i]; c != '\r' && c != '\n' && c != 0 {
			b = append(b, c)
		}
	}
	return string(b)
}
