package disk

import (
	"cmp"
	"slices"
	"strings"
)

// UIDList is the contents of a dovecot-uidlist (version 3), of its version 1 or of a courierimapuiddb.
type UIDList struct {
	// Version is 3 or 1, 0 if the header could not be read; the records are given all the same.
	Version int
	// UIDValidity is 0 if the header did not tell.
	UIDValidity uint32
	// NextUID is what the header says, which may be stale: use Next.
	NextUID uint32
	// GUID is the mailbox's, 32 hexadecimal digits, or empty.
	GUID string
	// Extra are further header fields, "<letter><value>", unknown to us and kept.
	Extra []string
	// Records are in UID order, each UID and each base name once.
	Records []UIDRecord
	// Bad counts lines that could not be read or contradicted others (UID not rising, name or UID twice, torn line).
	Bad int
}

// UIDRecord is one message in a UIDList.
type UIDRecord struct {
	UID  uint32
	Base string // base name: cut at the first ':'
	// Keys are the record's fields as written, "S123 P<uidl>", separated by one space: one letter and its value. Keys of
	// other programs are kept.
	Keys string
}

// Keys of records. The value of KeyUIDL may be empty: then the base name is the UIDL.
const (
	KeySize     = 'S' // bytes on disk, if not in the file name
	KeyWireSize = 'W' // bytes with CRLF, if not in the file name
	KeyUIDL     = 'P' // POP3 UIDL that differs from what the server would compute
	KeyOrder    = 'O' // POP3 order: numbered ones first, ascending
	KeyGUID     = 'G' // GUID of the message, if not the base name
)

// Key finds a field of the record.
func (r UIDRecord) Key(letter byte) (value string, ok bool) {
	for field := range strings.SplitSeq(r.Keys, " ") {
		if field != "" && field[0] == letter {
			return field[1:], true
		}
	}
	return "", false
}

// UIDL is the POP3 UIDL that the list gives the message, if it gives one.
func (r UIDRecord) UIDL() (string, bool) {
	v, ok := r.Key(KeyUIDL)
	if ok && v == "" {
		return r.Base, true
	}
	return v, ok
}

// WithKey gives the record with a field set. A value that the format cannot carry (it contains a space or control
// characters) leaves the record as it is.
func (r UIDRecord) WithKey(letter byte, value string) UIDRecord {
	if !plainField(value) {
		return r
	}
	if r.Keys == "" {
		r.Keys = string(letter) + value
		return r
	}
	var fields []string
	for field := range strings.SplitSeq(r.Keys, " ") {
		if field != "" && field[0] != letter {
			fields = append(fields, field)
		}
	}
	r.Keys = strings.Join(append(fields, string(letter)+value), " ")
	return r
}

func plainField(s string) bool {
	for i := range len(s) { // of every message in a list that is written
		if s[i] <= ' ' || s[i] == 0x7f {
			return false
		}
	}
	return true
}

// Next is the UID that the next message gets at least: the header may be stale, since lines are appended without it.
// 0 means that no UID is left.
func (l *UIDList) Next() uint32 {
	next := max(l.NextUID, 1)
	if n := len(l.Records); n > 0 {
		next = max(next, l.Records[n-1].UID+1)
	}
	if next >= maxUID {
		return 0
	}
	return next
}

// maxUID is the first UID that is not one.
const maxUID = 1<<32 - 1

// settle brings what was salvaged into order: by UID, later lines before earlier ones where they disagree about a UID or a
// base name, as Dovecot reads them.
func (l *UIDList) settle() {
	rising := true
	for i := 1; i < len(l.Records) && rising; i++ {
		rising = l.Records[i-1].UID < l.Records[i].UID
	}
	if !rising {
		for i := 1; i < len(l.Records); i++ {
			if l.Records[i-1].UID >= l.Records[i].UID {
				l.Bad++
			}
		}
	}
	// Keep the last record of each base name.
	seen := make(map[string]struct{}, len(l.Records))
	kept := len(l.Records)
	for i := len(l.Records) - 1; i >= 0; i-- {
		r := l.Records[i]
		if _, twice := seen[r.Base]; twice {
			l.Bad++
			continue
		}
		seen[r.Base] = struct{}{}
		kept--
		l.Records[kept] = r
	}
	l.Records = l.Records[kept:]
	if rising {
		return
	}
	// And the last one of each UID.
	slices.SortStableFunc(l.Records, func(a, b UIDRecord) int { return cmp.Compare(a.UID, b.UID) })
	out := l.Records[:0]
	for i, r := range l.Records {
		if i+1 < len(l.Records) && l.Records[i+1].UID == r.UID {
			continue
		}
		out = append(out, r)
	}
	l.Records = out
}
