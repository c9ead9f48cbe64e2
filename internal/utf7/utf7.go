// Package utf7 is the modified UTF-7 of IMAP mailbox names (RFC 3501 §5.1.3): printable ASCII stands for itself, '&' is
// "&-", everything else is UTF-16 in base64 with ',' for '/' and without padding, between '&' and '-'.
//
// Encode and Decode are inverse to each other: Decode refuses every form that Encode would not have written (needless or
// split shifts, stray bits, lone surrogates), so two encoded names never mean the same mailbox.
package utf7

import (
	"encoding/base64"
	"errors"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// ErrInvalid says that a string is not the modified UTF-7 of anything.
var ErrInvalid = errors.New("utf7: invalid modified UTF-7")

var base = base64.NewEncoding("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,").
	WithPadding(base64.NoPadding).Strict()

// direct says whether a character stands for itself.
func direct(r rune) bool { return r >= 0x20 && r <= 0x7e && r != '&' }

// Encode turns UTF-8 into modified UTF-7. Bytes that are not UTF-8 become U+FFFD.
func Encode(s string) string {
	if !needsEncoding(s) {
		return s
	}
	var out strings.Builder
	var units []uint16
	flush := func() {
		if len(units) == 0 {
			return
		}
		raw := make([]byte, 0, 2*len(units))
		for _, u := range units {
			raw = append(raw, byte(u>>8), byte(u))
		}
		out.WriteByte('&')
		out.WriteString(base.EncodeToString(raw))
		out.WriteByte('-')
		units = units[:0]
	}
	for _, r := range s {
		switch {
		case direct(r):
			flush()
			out.WriteByte(byte(r))
		case r == '&':
			flush()
			out.WriteString("&-")
		default:
			units = utf16.AppendRune(units, r)
		}
	}
	flush()
	return out.String()
}

func needsEncoding(s string) bool {
	for i := 0; i < len(s); i++ {
		if !direct(rune(s[i])) {
			return true
		}
	}
	return false
}

// Decode turns modified UTF-7 into UTF-8; what Encode would not have written is ErrInvalid.
func Decode(s string) (string, error) {
	if strings.IndexByte(s, '&') < 0 {
		if needsEncoding(s) {
			return "", ErrInvalid
		}
		return s, nil
	}
	var out strings.Builder
	shifted := false // the last thing read was a shift with base64, after which another one is not canonical
	for i := 0; i < len(s); {
		if s[i] != '&' {
			if !direct(rune(s[i])) {
				return "", ErrInvalid
			}
			out.WriteByte(s[i])
			shifted = false
			i++
			continue
		}
		end := strings.IndexByte(s[i:], '-')
		if end < 0 {
			return "", ErrInvalid
		}
		body := s[i+1 : i+end]
		i += end + 1
		if body == "" {
			out.WriteByte('&')
			shifted = false
			continue
		}
		if shifted || !decodeShift(&out, body) {
			return "", ErrInvalid
		}
		shifted = true
	}
	return out.String(), nil
}

// decodeShift decodes what stands between '&' and '-'.
func decodeShift(out *strings.Builder, body string) bool {
	if strings.ContainsAny(body, "\r\n") { // which package base64 skips
		return false
	}
	raw, err := base.DecodeString(body)
	if err != nil || len(raw)%2 != 0 {
		return false
	}
	for i := 0; i < len(raw); i += 2 {
		r := rune(raw[i])<<8 | rune(raw[i+1])
		if utf16.IsSurrogate(r) {
			if i+3 >= len(raw) {
				return false
			}
			r = utf16.DecodeRune(r, rune(raw[i+2])<<8|rune(raw[i+3]))
			if r == utf8.RuneError {
				return false // DecodeRune says so for what is no pair; a real pair never means U+FFFD
			}
			i += 2
		}
		if r == '&' || direct(r) {
			return false
		}
		out.WriteRune(r)
	}
	return true
}
