package disk

import (
	"slices"
	"strconv"
	"strings"
)

// Name is a message file name taken apart: <Base><Other>:2,<Flags><Extra>.
type Name struct {
	// Base is the message's identity: everything up to the first ':'. It never changes.
	Base string
	// Other stands between Base and ":2,"; empty in all names that follow the rules. It begins with ':'.
	Other string
	// Flags are the letters after ":2,", in the order found, unknown ones included.
	Flags string
	// Extra is what follows the flags from the next ',' on (experimental parts of other programs); kept untouched.
	Extra string
	// HasInfo says whether ":2," is there at all; a message in new/ normally has none.
	HasInfo bool
}

// maxFileName is NAME_MAX of every file system that matters.
const maxFileName = 255

// ParseName takes a file name in new/ or cur/ apart. It says false for names that no mail reader takes for a message:
// empty, leading dot, empty base name, or containing CR, LF, NUL or '/'.
func ParseName(file string) (Name, bool) {
	if !isMessage(file) {
		return Name{}, false
	}
	base := BaseOf(file)
	n := Name{Base: base}
	info := file[len(base):]
	// Dovecot looks for the flags behind the last colon, so a name such as "base:old:2,S" keeps ":old".
	last := strings.LastIndexByte(info, ':')
	if last < 0 || !strings.HasPrefix(info[last:], ":2,") {
		n.Other = info
		return n, true
	}
	n.Other, n.HasInfo = info[:last], true
	n.Flags = info[last+len(":2,"):]
	if comma := strings.IndexByte(n.Flags, ','); comma >= 0 {
		n.Flags, n.Extra = n.Flags[:comma], n.Flags[comma:]
	}
	return n, true
}

// isMessage says whether a directory entry can be a message. Every byte is looked at once: a scan calls it for each file.
func isMessage(file string) bool {
	if file == "" || file[0] == '.' || file[0] == ':' {
		return false
	}
	for i := 0; i < len(file); i++ {
		if c := file[i]; c == '\r' || c == '\n' || c == 0 || c == '/' {
			return false
		}
	}
	return true
}

// BaseOf cuts a file name at the first ':'.
func BaseOf(file string) string {
	if i := strings.IndexByte(file, ':'); i >= 0 {
		return file[:i]
	}
	return file
}

// String is the file name again: ParseName(s).String() == s.
func (n Name) String() string {
	if !n.HasInfo {
		return n.Base + n.Other
	}
	return n.Base + n.Other + ":2," + n.Flags + n.Extra
}

// WithFlags gives the name with these flag letters, sorted by ASCII and each once, as all readers expect them.
// The result has an info part even without flags; letters that are not ASCII letters or digits are left out, since they
// could change what the name means.
func (n Name) WithFlags(letters string) Name {
	n.HasInfo = true
	n.Flags = SortFlags(letters)
	return n
}

// SortFlags sorts flag letters by ASCII, drops doubles and everything that is not a letter or digit.
func SortFlags(letters string) string {
	b := make([]byte, 0, len(letters))
	for i := 0; i < len(letters); i++ {
		if isAlnum(letters[i]) {
			b = append(b, letters[i])
		}
	}
	slices.Sort(b)
	return string(slices.Compact(b))
}

func isAlnum(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
}

// HasFlag says whether a flag letter is set.
func (n Name) HasFlag(letter byte) bool { return strings.IndexByte(n.Flags, letter) >= 0 }

// SizeOnDisk is the value of ",S=" in a base name: the file's bytes as its writer saw them. A stranger's value proves
// nothing. It counts only when followed by ',' or the end of the base name.
func SizeOnDisk(base string) (int64, bool) { return sizeField(base, ",S=") }

// SizeOnWire is the value of ",W=": the bytes with CRLF line ends, RFC822.SIZE. A stranger's value proves nothing.
func SizeOnWire(base string) (int64, bool) { return sizeField(base, ",W=") }

func sizeField(base, key string) (int64, bool) {
	base = BaseOf(base)
	i := strings.Index(base, key)
	if i < 0 {
		return 0, false
	}
	v := base[i+len(key):]
	if j := strings.IndexByte(v, ','); j >= 0 {
		v = v[:j]
	}
	if v == "" || v[0] < '0' || v[0] > '9' {
		return 0, false
	}
	n, err := strconv.ParseInt(v, 10, 64)
	return n, err == nil
}
