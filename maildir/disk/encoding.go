package disk

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"bascule/internal/utf7"
)

// Encoding is how one account writes folder names on disk.
type Encoding uint8

const (
	// MUTF7 is modified UTF-7: Dovecot's default, Courier before 5.0, ours for new accounts.
	MUTF7 Encoding = iota
	// UTF8 is plain UTF-8: Courier since 5.0, Dovecot with mailbox_list_utf8.
	UTF8
)

// String names the encoding.
func (e Encoding) String() string {
	if e == UTF8 {
		return "utf-8"
	}
	return "modified utf-7"
}

// DetectEncoding tells from the directories of an account how its names are written: any byte above 0x7F means UTF-8, otherwise
// MUTF7. mixed says that there are modified UTF-7 shifts as well, which an operator has to look at: they then show undecoded.
func DetectEncoding(dirs []string) (e Encoding, mixed bool) {
	shifts := false
	for _, dir := range dirs {
		if strings.IndexFunc(dir, func(r rune) bool { return r >= utf8.RuneSelf }) >= 0 {
			e = UTF8
		} else if plain, err := utf7.Decode(dir); err == nil && plain != dir {
			shifts = true
		}
	}
	return e, e == UTF8 && shifts
}

// encodeLevel writes one level of a canonical name as it stands on disk.
func (e Encoding) encodeLevel(level string) (string, error) {
	if !validLevel(level) {
		return "", ErrBadName
	}
	level = escapeDots(level)
	if e == MUTF7 {
		level = utf7.Encode(level)
	}
	return level, nil
}

// decodeLevel is the inverse of encodeLevel; what encodeLevel would not have written is ErrBadName.
func (e Encoding) decodeLevel(disk string) (string, error) {
	if e == MUTF7 {
		var err error
		if disk, err = utf7.Decode(disk); err != nil {
			return "", ErrBadName
		}
	}
	level := unescapeDots(disk)
	if !validLevel(level) {
		return "", ErrBadName
	}
	return level, nil
}

// validLevel says whether a level can be part of a folder name: not empty, no "." or "..", UTF-8 without control
// characters and line separators (RFC 9051 §5.1) and without '/'.
func validLevel(level string) bool {
	if level == "" || level == "." || level == ".." || !utf8.ValidString(level) {
		return false
	}
	for _, r := range level {
		if r == '/' || unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return false
		}
	}
	return true
}

// A literal dot inside a level is `\2e` on disk. So that every directory has exactly one name and every name one
// directory, a level that itself contains `\2e` gets `5c` put behind the backslash: `\5c2e`, which one more turns into
// `\5c5c2e`, and so on. Every other backslash stands for itself, as programs write it that know of no escapes.
var (
	escapedDot   = regexp.MustCompile(`\\(?:5c)*2e`)
	dotOrEscaped = regexp.MustCompile(`\.|\\(?:5c)*2e`)
)

func escapeDots(level string) string {
	if !strings.ContainsAny(level, `.\`) {
		return level
	}
	return dotOrEscaped.ReplaceAllStringFunc(level, func(s string) string {
		if s == "." {
			return `\2e`
		}
		return `\5c` + s[1:]
	})
}

func unescapeDots(disk string) string {
	if strings.IndexByte(disk, '\\') < 0 {
		return disk
	}
	return escapedDot.ReplaceAllStringFunc(disk, func(s string) string {
		if s == `\2e` {
			return "."
		}
		return `\` + s[len(`\5c`):]
	})
}
