package maildir

import (
	"errors"
	"fmt"
	"strings"
)

// Rights is a set of what a user may do in a mailbox (RFC 4314 §2.1).
type Rights uint16

const (
	RightLookup     Rights = 1 << iota // l: the mailbox is there for the user
	RightRead                          // r: SELECT, STATUS, and all that reads
	RightSeen                          // s: \Seen
	RightWrite                         // w: flags other than \Seen and \Deleted
	RightInsert                        // i: APPEND and COPY into it
	RightPost                          // p: mail to its address; nothing here asks for it
	RightCreate                        // k: mailboxes below it
	RightDelete                        // x: DELETE and RENAME it
	RightDeleteMark                    // t: \Deleted
	RightExpunge                       // e: EXPUNGE
	RightAdmin                         // a: change and read who has which rights
)

// AllRights are what the owner of a mailbox has, always: nobody can lock himself out.
const AllRights = RightAdmin<<1 - 1

// RightLetters are the letters of the rights, in the order of their bits.
const RightLetters = "lrswipkxtea"

// The rights of RFC 2086 that were split up later: "c" stands for k, and x besides, which most servers of
// its time asked for DELETE; "d" for t and e (RFC 4314 §2.1.1).
const (
	rightsOfC = RightCreate | RightDelete
	rightsOfD = RightDeleteMark | RightExpunge
)

// ErrBadRight: a letter that means no right.
var ErrBadRight = errors.New("maildir: no such right")

// ParseRights reads letters in any order, "c" and "d" among them. Upper case is not allowed (RFC 4314 §2).
func ParseRights(letters string) (r Rights, err error) {
	for _, l := range letters {
		switch i := strings.IndexRune(RightLetters, l); {
		case i >= 0:
			r |= 1 << i
		case l == 'c':
			r |= rightsOfC
		case l == 'd':
			r |= rightsOfD
		default:
			return 0, fmt.Errorf("%w: %q", ErrBadRight, l)
		}
	}
	return r, nil
}

// Has says whether all of need are there.
func (r Rights) Has(need Rights) bool { return r&need == need }

// Need fails unless all of need are there: with ErrNoRight, or with ErrNoMailbox for who may not know of the mailbox (RFC 4314 §6).
func (r Rights) Need(need Rights) error {
	switch {
	case r.Has(need):
		return nil
	case !r.Has(RightLookup):
		return ErrNoMailbox
	}
	return ErrNoRight
}

// FlagsOf are the flags that take one of these rights to set or to clear (RFC 4314 §4).
func FlagsOf(r Rights) (f Flags) {
	if r.Has(RightSeen) {
		f |= FlagSeen
	}
	if r.Has(RightDeleteMark) {
		f |= FlagDeleted
	}
	if r.Has(RightWrite) {
		f |= ^(FlagSeen | FlagDeleted)
	}
	return f
}

// String is the letters.
func (r Rights) String() string {
	b := make([]byte, 0, len(RightLetters))
	for i := range len(RightLetters) {
		if r&(1<<i) != 0 {
			b = append(b, RightLetters[i])
		}
	}
	return string(b)
}

// Compatible is String with "c" and "d" behind, if any of what they stand for is there, for clients that know no
// other rights (RFC 4314 §2.1.1).
func (r Rights) Compatible() string {
	s := r.String()
	if r&rightsOfC != 0 {
		s += "c"
	}
	if r&rightsOfD != 0 {
		s += "d"
	}
	return s
}
