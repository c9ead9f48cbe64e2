// Package language holds what the servers say to people, in the languages that they speak: English, in which the texts stand in the
// code, and French.
//
// A server writes its texts in English and gives each one to Tag.Text at the one place where it goes to the client. So logs stay in
// English, and a text costs nothing as long as nobody asked for another language. The catalogue is keyed by the English text; a
// text with variable parts is keyed by its format, "%s" for each part. A test in internal/conventions finds the texts in the code and
// fails for one that has no French.
//
// Files: language.go (the choice), text.go (translation), french_*.go (the catalogue, by who speaks).
package language

import "strings"

// Tag is a language that the servers speak, as RFC 5646 writes it. The zero Tag is Default.
type Tag string

const (
	Default Tag = "i-default" // English in ASCII, for clients that asked for nothing (RFC 2277 §4.5)
	English Tag = "en"
	French  Tag = "fr"
)

// Supported lists the languages, the default one last.
func Supported() []Tag { return []Tag{English, French, Default} }

// Name is what the language calls itself.
func (t Tag) Name() string {
	if t == French {
		return "Français"
	}
	return "English"
}

// Choose finds the first language range that one of our languages matches (RFC 4647 §3.4, lookup: a range is shortened until it is a tag
// that we have). "*" and "default" leave the choice to us.
func Choose(ranges ...string) (Tag, bool) {
	for _, r := range ranges {
		for r = strings.ToLower(r); r != ""; r = shorten(r) {
			if r == "*" || r == "default" {
				return English, true
			}
			for _, t := range Supported() {
				if r == string(t) {
					return t, true
				}
			}
		}
	}
	return "", false
}

// shorten takes off the last subtag, and a single letter before it.
func shorten(r string) string {
	at := strings.LastIndexByte(r, '-')
	if at < 0 {
		return ""
	}
	r = r[:at]
	if at = strings.LastIndexByte(r, '-'); at >= 0 && at == len(r)-2 {
		r = r[:at]
	}
	return r
}

// IsRange says whether s is a language range: "*", or subtags of one to eight letters, from the second on digits too, with "-" between
// them; "*" may be a subtag (RFC 4647 §2.2).
func IsRange(s string) bool {
	for i, sub := range strings.Split(s, "-") {
		if sub == "*" {
			continue
		}
		digits := "0123456789"
		if i == 0 {
			digits = ""
		}
		if sub == "" || len(sub) > 8 || strings.Trim(strings.ToLower(sub), "abcdefghijklmnopqrstuvwxyz"+digits) != "" {
			return false
		}
	}
	return true
}
