package maildir

import (
	"math/bits"
	"strings"
)

// Flags is a message's set of flags: system flags in the low bits, then one bit
// per keyword of its mailbox, in the order of Snapshot.Keywords. \Recent is not
// among them: it belongs to a session, not to a message (RFC 3501 §2.3.2).
type Flags uint64

const (
	FlagSeen Flags = 1 << iota
	FlagAnswered
	FlagFlagged
	FlagDeleted
	FlagDraft
	FlagForwarded // $Forwarded, Maildir's letter P
)

// keywordShift is the bit of a mailbox's first keyword; MaxKeywords bounds how many
// it may have. The first 26 also have a letter in the file name.
const (
	keywordShift = 6
	MaxKeywords  = 64 - keywordShift
)

// maxKeywordLength bounds one keyword, octets; longer ones are refused.
const maxKeywordLength = 128

var systemFlags = []struct {
	bit    Flags
	name   string
	letter byte
}{
	{FlagSeen, `\Seen`, 'S'},
	{FlagAnswered, `\Answered`, 'R'},
	{FlagFlagged, `\Flagged`, 'F'},
	{FlagDeleted, `\Deleted`, 'T'},
	{FlagDraft, `\Draft`, 'D'},
	{FlagForwarded, `$Forwarded`, 'P'},
}

// systemFlag finds a flag that every mailbox has, case-insensitively.
func systemFlag(name string) (Flags, bool) {
	for _, s := range systemFlags {
		if strings.EqualFold(s.name, name) {
			return s.bit, true
		}
	}
	return 0, false
}

func keywordBit(n int) Flags { return 1 << (keywordShift + n) }

// flagsOfLetters reads the letters after ":2,". Letters without a meaning here are
// ignored; infoLetters keeps them.
func flagsOfLetters(letters string, keywords int) Flags {
	var f Flags
	for i := range len(letters) {
		c := letters[i]
		if 'a' <= c && c <= 'z' {
			if n := int(c - 'a'); n < keywords {
				f |= keywordBit(n)
			}
			continue
		}
		for _, s := range systemFlags {
			if s.letter == c {
				f |= s.bit
			}
		}
	}
	return f
}

// lettersMask is the part of a flag set that letters can show.
func lettersMask(keywords int) Flags {
	if keywords > 26 {
		keywords = 26
	}
	return 1<<(keywordShift+keywords) - 1
}

// infoLetters is the sorted letters for f, keeping those of old that mean nothing
// here (FORMATS: unknown flags survive a rewrite).
func infoLetters(f Flags, old string, keywords int) string {
	var set [128]bool
	for i := range len(old) {
		c := old[i]
		known := 'a' <= c && c <= 'z' && int(c-'a') < keywords
		for _, s := range systemFlags {
			known = known || s.letter == c
		}
		if !known && c > ' ' && c < 128 {
			set[c] = true
		}
	}
	for _, s := range systemFlags {
		if f&s.bit != 0 {
			set[s.letter] = true
		}
	}
	for k := f >> keywordShift; k != 0; k &= k - 1 {
		if n := bits.TrailingZeros64(uint64(k)); n < 26 {
			set['a'+n] = true
		}
	}
	out := make([]byte, 0, 8)
	for c := range set {
		if set[c] {
			out = append(out, byte(c))
		}
	}
	return string(out)
}

// validKeyword says whether name can be a keyword: an IMAP atom (RFC 9051 §9) of
// bounded length that does not begin with a backslash.
func validKeyword(name string) bool {
	if name == "" || len(name) > maxKeywordLength {
		return false
	}
	for i := range len(name) {
		c := name[i]
		if c <= ' ' || c >= 0x7f || strings.IndexByte(`(){%*"\]`, c) >= 0 {
			return false
		}
	}
	return true
}
