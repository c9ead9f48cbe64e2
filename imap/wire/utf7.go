package wire

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

const utf7Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,"

var utf7Value = func() (t [256]int8) {
	for i := range t {
		t[i] = -1
	}
	for i := range utf7Alphabet {
		t[utf7Alphabet[i]] = int8(i)
	}
	return t
}()

func utf7Direct(c byte) bool { return c >= 0x20 && c <= 0x7e }

// EncodeUTF7 encodes a UTF-8 name as modified UTF-7 (RFC 3501 §5.1.3). Bytes that are not UTF-8 become
// U+FFFD.
func EncodeUTF7(name string) string {
	if utf7Plain(name) && strings.IndexByte(name, '&') < 0 {
		return name
	}
	return string(appendUTF7(nil, name))
}

func utf7Plain(s string) bool {
	for i := range len(s) {
		if !utf7Direct(s[i]) {
			return false
		}
	}
	return true
}

func appendUTF7(b []byte, name string) []byte {
	for len(name) > 0 {
		if c := name[0]; utf7Direct(c) {
			b = append(b, c)
			if c == '&' {
				b = append(b, '-')
			}
			name = name[1:]
			continue
		}
		n := 0
		for n < len(name) && !utf7Direct(name[n]) {
			n++
		}
		b = appendUTF7Run(b, name[:n])
		name = name[n:]
	}
	return b
}

// appendUTF7Run appends s, none of it directly encoded, as one shifted run.
func appendUTF7Run(b []byte, s string) []byte {
	b = append(b, '&')
	var bits uint32
	var have uint
	put := func(u uint16) {
		bits = bits<<16 | uint32(u)
		for have += 16; have >= 6; {
			have -= 6
			b = append(b, utf7Alphabet[bits>>have&63])
		}
		bits &= 1<<have - 1
	}
	for _, r := range s {
		if hi, lo := utf16.EncodeRune(r); hi != utf8.RuneError {
			put(uint16(hi))
			put(uint16(lo))
		} else {
			put(uint16(r))
		}
	}
	if have > 0 {
		b = append(b, utf7Alphabet[bits<<(6-have)&63])
	}
	return append(b, '-')
}

// DecodeUTF7 decodes modified UTF-7 strictly, so that every name has one spelling only: what can stand for itself
// must not be encoded, runs must not touch, padding bits are zero, surrogates come in pairs (RFC 3501 §5.1.3). Anything
// else, 8-bit bytes and controls too, is ErrUTF7.
func DecodeUTF7(s string) (string, error) {
	if !utf7Plain(s) {
		return "", ErrUTF7
	}
	if strings.IndexByte(s, '&') < 0 {
		return s, nil
	}
	b := make([]byte, 0, len(s))
	afterRun := false
	for len(s) > 0 {
		if s[0] != '&' {
			b = append(b, s[0])
			s = s[1:]
			afterRun = false
			continue
		}
		end := strings.IndexByte(s, '-')
		if end < 0 {
			return "", ErrUTF7
		}
		run := s[1:end]
		s = s[end+1:]
		if run == "" {
			b = append(b, '&')
			afterRun = false
			continue
		}
		if afterRun {
			return "", ErrUTF7
		}
		var ok bool
		if b, ok = decodeUTF7Run(b, run); !ok {
			return "", ErrUTF7
		}
		afterRun = true
	}
	return string(b), nil
}

// decodeUTF7Run appends what the shifted run, without its & and -, stands for.
func decodeUTF7Run(b []byte, run string) ([]byte, bool) {
	var bits uint32
	var have uint
	var high rune // a high surrogate that waits for its low one
	for i := range len(run) {
		v := utf7Value[run[i]]
		if v < 0 {
			return b, false
		}
		bits = bits<<6 | uint32(v)
		if have += 6; have < 16 {
			continue
		}
		have -= 16
		u := rune(bits >> have & 0xffff)
		bits &= 1<<have - 1
		switch {
		case high != 0:
			r := utf16.DecodeRune(high, u)
			if r == utf8.RuneError {
				return b, false
			}
			b, high = utf8.AppendRune(b, r), 0
		case u >= 0xd800 && u < 0xdc00:
			high = u
		case u >= 0xdc00 && u < 0xe000, u < 0x80 && utf7Direct(byte(u)):
			return b, false
		default:
			b = utf8.AppendRune(b, u)
		}
	}
	// What is left over is less than a sextet of zero bits.
	return b, high == 0 && have < 6 && bits == 0
}
