package accounts

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Key names a setting of an account or a domain.
type Key string

const (
	KeyProtocols     Key = "protocols"
	KeyExclusive     Key = "exclusive"
	KeyQuotaBytes    Key = "quota_bytes"
	KeyQuotaMessages Key = "quota_messages"
	KeySeparator     Key = "separator"    // domains only
	KeyInboxPrefix   Key = "inbox_prefix" // domains only
	KeyRefusalText   Key = "refusal_text"
	KeyStatus        Key = "status"
	KeyStatusReason  Key = "status_reason"
	KeyDelivery      Key = "delivery"
	KeySearchIndex   Key = "search_index"
	KeyShared        Key = "shared"
	KeyIMAPHide      Key = "imap_hide"
	KeyAdmin         Key = "admin" // accounts only
)

// keyRow says how one setting is read and where it may stand. The column has the
// name of the key; NULL is "inherit".
type keyRow struct {
	key   Key
	place keyPlace
	parse func(string) (string, error)
}

type keyPlace int

const (
	anywhere keyPlace = iota
	domainOnly
	accountOnly
)

// fits says whether the setting may stand on a domain, or on an account.
func (r keyRow) fits(domain bool) bool {
	return r.place == anywhere || domain == (r.place == domainOnly)
}

var keyTable = []keyRow{
	{KeyProtocols, anywhere, oneOf(string(POP3), string(IMAP), string(Both), string(None))},
	{KeyExclusive, anywhere, oneOf(string(ExclusiveMailbox), string(ExclusiveRemoval), string(ExclusiveSnapshot))},
	{KeyQuotaBytes, anywhere, parseSize},
	{KeyQuotaMessages, anywhere, parseCount},
	{KeySeparator, domainOnly, oneOf("/", ".")},
	{KeyInboxPrefix, domainOnly, oneOf("true", "false")},
	{KeyRefusalText, anywhere, parseLine},
	{KeyStatus, anywhere, oneOf(string(Active), string(Suspended))},
	{KeyStatusReason, anywhere, parseLine},
	{KeyDelivery, anywhere, oneOf(string(Accept), string(Defer), string(Reject))},
	{KeySearchIndex, anywhere, oneOf(string(SearchIndexAuto), string(SearchIndexOn), string(SearchIndexOff))},
	{KeyShared, anywhere, oneOf("true", "false")},
	{KeyIMAPHide, anywhere, parseCapabilities},
	{KeyAdmin, accountOnly, oneOf(string(AdminDomain), string(AdminServer))},
}

// Keys lists the settings of accounts, or of domains.
func Keys(domain bool) []Key {
	var keys []Key
	for _, row := range keyTable {
		if row.fits(domain) {
			keys = append(keys, row.key)
		}
	}
	return keys
}

// ParseValue gives the stored form of a value: "quota_bytes" takes "2G" and gives
// "2147483648". "inherit" is a value of every key.
func ParseValue(k Key, value string, domain bool) (string, error) {
	i := slices.IndexFunc(keyTable, func(r keyRow) bool { return r.key == k })
	switch {
	case i < 0:
		return "", fmt.Errorf("%w: there is no setting %q", ErrBadValue, k)
	case !keyTable[i].fits(domain) && domain:
		return "", fmt.Errorf("%w: %s is a setting of accounts", ErrBadValue, k)
	case !keyTable[i].fits(domain):
		return "", fmt.Errorf("%w: %s is a setting of domains", ErrBadValue, k)
	case value == string(Inherit):
		return value, nil
	}
	v, err := keyTable[i].parse(value)
	if err != nil {
		return "", fmt.Errorf("%w: %s %q: %w", ErrBadValue, k, value, err)
	}
	return v, nil
}

func oneOf(values ...string) func(string) (string, error) {
	return func(s string) (string, error) {
		if !slices.Contains(values, s) {
			return "", fmt.Errorf("want %s or inherit", strings.Join(values, ", "))
		}
		return s, nil
	}
}

// parseSize reads bytes, with K, M, G or T for powers of 1024; "none" is 0, no limit.
func parseSize(s string) (string, error) {
	if s == "none" {
		return "0", nil
	}
	t := strings.TrimSuffix(strings.TrimSuffix(strings.ToUpper(s), "B"), "I")
	shift := 0
	if i := strings.IndexByte("KMGT", last(t)); i >= 0 {
		shift = 10 * (i + 1)
		t = t[:len(t)-1]
	}
	n, err := strconv.ParseUint(t, 10, 63)
	if err != nil || n > math.MaxInt64>>shift {
		return "", fmt.Errorf("want a size such as 500M or 2G, or none")
	}
	return strconv.FormatUint(n<<shift, 10), nil
}

func last(s string) byte {
	if s == "" {
		return 0
	}
	return s[len(s)-1]
}

func parseCount(s string) (string, error) {
	if s == "none" {
		return "0", nil
	}
	n, err := strconv.ParseUint(s, 10, 63)
	if err != nil {
		return "", fmt.Errorf("want a number or none")
	}
	return strconv.FormatUint(n, 10), nil
}

// parseCapabilities reads names of IMAP capabilities with blanks or commas between them; "none" hides none, though the domain hides
// some.
func parseCapabilities(s string) (string, error) {
	upper := strings.ToUpper(s)
	words := strings.FieldsFunc(upper, func(r rune) bool { return r == ' ' || r == ',' })
	if len(words) == 0 || len(s) > 400 || strings.ContainsFunc(upper, notCapability) {
		return "", fmt.Errorf("want names of capabilities such as QRESYNC NOTIFY, in at most 400 octets, or none")
	}
	if len(words) == 1 && words[0] == "NONE" {
		return "none", nil
	}
	return strings.Join(words, " "), nil
}

func notCapability(r rune) bool { return !strings.ContainsRune(capabilityChars+" ,", r) }

// capabilityChars are what the names of registered capabilities are made of.
const capabilityChars = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-=+._:/"

// parseLine takes a text that is sent to clients: one line, so that it cannot
// forge a second one, in UTF-8 and of a length that every client reads.
func parseLine(s string) (string, error) {
	if len(s) > 400 || !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return "", fmt.Errorf("want one line of at most 400 octets without control characters")
	}
	return s, nil
}
