package accounts

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/secure/bidirule"
	"golang.org/x/text/unicode/norm"
)

const maxLabel = 63 // RFC 1035 §2.3.4

// asciiLabel gives one label of a domain name in lower-case ASCII. It maps as
// RFC 5895 does (lower case, width, NFC) and allows letters, marks and digits:
// slightly stricter than RFC 5892, which allows a few more in some contexts.
func asciiLabel(label string) (string, error) {
	ascii := true
	for i := range len(label) {
		ascii = ascii && label[i] < utf8.RuneSelf
	}
	if !ascii {
		if !utf8.ValidString(label) {
			return "", errors.New("it is not UTF-8")
		}
		label = norm.NFC.String(strings.ToLower(norm.NFKC.String(label)))
		if err := checkULabel(label); err != nil {
			return "", err
		}
		enc, err := punycode(label)
		if err != nil {
			return "", err
		}
		label = enc
	}
	label = strings.ToLower(label)
	switch {
	case label == "":
		return "", errors.New("it has an empty label")
	case len(label) > maxLabel:
		return "", fmt.Errorf("a label is longer than %d octets", maxLabel)
	case label[0] == '-' || label[len(label)-1] == '-':
		return "", errors.New("a label may not begin or end with \"-\"")
	}
	for i := range len(label) {
		if !isAlnum(label[i]) && label[i] != '-' {
			return "", fmt.Errorf("the character %q is not allowed", label[i])
		}
	}
	return label, nil
}

func checkULabel(label string) error {
	for i, r := range label {
		switch {
		case i == 0 && unicode.IsMark(r):
			return errors.New("a label may not begin with a combining mark")
		case r == '-' || unicode.IsLetter(r) || unicode.IsMark(r) || unicode.Is(unicode.Nd, r):
		default:
			return fmt.Errorf("the character %q is not allowed", r)
		}
	}
	if !bidirule.ValidString(label) {
		return errors.New("it mixes directions of writing (RFC 5893)")
	}
	return nil
}

// punycode encodes a label as RFC 3492 §6.3, with its "xn--". A label that turned
// out to be ASCII after mapping (full-width letters) is returned as it is.
func punycode(label string) (string, error) {
	const base, tmin, tmax, skew, damp = 36, 1, 26, 38, 700
	runes := []rune(label)
	if len(runes) > maxLabel {
		return "", fmt.Errorf("a label is longer than %d octets", maxLabel)
	}
	var out []byte
	for _, r := range runes {
		if r < utf8.RuneSelf {
			out = append(out, byte(r))
		}
	}
	basic := len(out)
	if basic == len(runes) {
		return label, nil
	}
	if basic > 0 {
		out = append(out, '-')
	}
	// At most 63 runes below 0x110000: delta stays far below the range of int64.
	n, delta, bias := int64(utf8.RuneSelf), int64(0), int64(72)
	for done := basic; done < len(runes); {
		next := int64(unicode.MaxRune)
		for _, r := range runes {
			if int64(r) >= n && int64(r) < next {
				next = int64(r)
			}
		}
		delta += (next - n) * int64(done+1)
		n = next
		for _, r := range runes {
			if int64(r) < n {
				delta++
			}
			if int64(r) != n {
				continue
			}
			q := delta
			for k := int64(base); ; k += base {
				t := min(max(k-bias, tmin), tmax)
				if q < t {
					break
				}
				out = append(out, digit(t+(q-t)%(base-t)))
				q = (q - t) / (base - t)
			}
			out = append(out, digit(q))
			// adapt, RFC 3492 §6.1
			if done == basic {
				delta /= damp
			} else {
				delta /= 2
			}
			delta += delta / int64(done+1)
			k := int64(0)
			for delta > (base-tmin)*tmax/2 {
				delta /= base - tmin
				k += base
			}
			bias = k + (base-tmin+1)*delta/(delta+skew)
			delta = 0
			done++
		}
		delta++
		n++
	}
	return "xn--" + string(out), nil
}

func digit(d int64) byte { return "abcdefghijklmnopqrstuvwxyz0123456789"[d] }
