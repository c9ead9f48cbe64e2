package maildir

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Identifiers that stand for many users. Both mean everybody who has an account of the owner's domain: one server serves
// customers who do not know of each other, and nobody may put a mailbox into the lists of all of them.
const (
	Anyone        = "anyone"
	Authenticated = "authenticated"
)

const (
	maxGrants     = 200     // identifiers in one mailbox's list
	maxIdentifier = 320     // octets
	maxACL        = 1 << 16 // octets of a list as text
)

var (
	// ErrTooManyGrants: a list of rights is full.
	ErrTooManyGrants = errors.New("maildir: too many identifiers have rights in the mailbox")
	// ErrBadIdentifier: a name that nobody can have.
	ErrBadIdentifier = errors.New("maildir: not an identifier")
	// ErrOwnerRights: the owner's rights cannot be changed; he has all of them.
	ErrOwnerRights = errors.New("maildir: the owner of a mailbox has all rights")
	// errACL: the text of a list cannot be understood.
	errACL = errors.New("maildir: the list of rights cannot be read")
)

// ACL says who has which rights in a mailbox beside its owner, in the order in which they were given (RFC 4314 §2).
type ACL struct {
	Grants []Grant
	// others are lines that mean nothing here, such as Dovecot's groups; they are kept for it.
	others []string
}

// Grant is what one identifier has. A negative one takes the rights away from who else would have them.
type Grant struct {
	Who      string // an address, Anyone or Authenticated
	Negative bool
	Rights   Rights
}

// Identifier is Who as the ACL extension writes it: with a dash before it if it is negative.
func (g Grant) Identifier() string {
	if g.Negative {
		return "-" + g.Who
	}
	return g.Who
}

// Rights is what a user has: the sum of what is given to those he is among, without what is taken from any of them.
// local says that his account is of the owner's domain.
func (l ACL) Rights(user string, local bool) Rights {
	var plus, minus Rights
	for _, g := range l.Grants {
		switch {
		case g.Who != user && !(local && (g.Who == Anyone || g.Who == Authenticated)):
		case g.Negative:
			minus |= g.Rights
		default:
			plus |= g.Rights
		}
	}
	return plus &^ minus
}

// Of is what stands in the list for an identifier itself.
func (l ACL) Of(who string, negative bool) Rights {
	if i := l.find(who, negative); i >= 0 {
		return l.Grants[i].Rights
	}
	return 0
}

func (l ACL) find(who string, negative bool) int {
	return slices.IndexFunc(l.Grants, func(g Grant) bool { return g.Who == who && g.Negative == negative })
}

// with is the list with other rights of one identifier. Without any it is struck off, which comes to the same.
func (l ACL) with(who string, negative bool, r Rights) ACL {
	l.Grants = slices.Clone(l.Grants)
	switch i := l.find(who, negative); {
	case r == 0:
		l.Grants = slices.DeleteFunc(l.Grants, func(g Grant) bool { return g.Who == who && g.Negative == negative })
	case i >= 0:
		l.Grants[i].Rights = r
	default:
		l.Grants = append(l.Grants, Grant{who, negative, r})
	}
	return l
}

// meet is the list that gives nobody more than either of two.
func (l ACL) meet(o ACL) ACL {
	out := ACL{others: l.others}
	for _, g := range l.Grants {
		if !g.Negative {
			g.Rights &= o.Of(g.Who, false)
		} else {
			g.Rights |= o.Of(g.Who, true)
		}
		if g.Rights != 0 {
			out.Grants = append(out.Grants, g)
		}
	}
	for _, g := range o.Grants {
		if g.Negative && l.find(g.Who, true) < 0 {
			out.Grants = append(out.Grants, g)
		}
	}
	return out
}

// text is the list in the format of Dovecot's dovecot-acl, which the index keeps too.
func (l ACL) text() string {
	var b strings.Builder
	for _, g := range l.Grants {
		if g.Negative {
			b.WriteByte('-')
		}
		if g.Who != Anyone && g.Who != Authenticated {
			b.WriteString("user=")
		}
		b.WriteString(g.Who + " " + g.Rights.String() + "\n")
	}
	for _, line := range l.others {
		b.WriteString(line + "\n")
	}
	return b.String()
}

// parseACL reads it. After an error the list gives nobody anything: a line that takes rights away from somebody whom we do
// not know must not be passed over.
func parseACL(text string) (ACL, error) {
	var l ACL
	if len(text) > maxACL {
		return ACL{}, fmt.Errorf("%w: it is longer than %d octets", errACL, maxACL)
	}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		g, known, err := parseGrant(line)
		switch {
		case err != nil:
			return ACL{}, err
		case !known && g.Negative:
			return ACL{}, fmt.Errorf("%w: who is meant by %q is not known here", errACL, line)
		case !known:
			l.others = append(l.others, line)
		case g.Rights == 0 || l.find(g.Who, g.Negative) >= 0:
			if g.Rights |= l.Of(g.Who, g.Negative); g.Rights != 0 {
				l = l.with(g.Who, g.Negative, g.Rights)
			}
		default:
			l.Grants = append(l.Grants, g)
		}
		if len(l.Grants) > maxGrants {
			return ACL{}, ErrTooManyGrants
		}
	}
	return l, nil
}

// parseGrant reads a line; known is false if it is about somebody of whom this server has no notion.
func parseGrant(line string) (g Grant, known bool, err error) {
	who, letters, ok := strings.Cut(line, " ")
	if strings.HasPrefix(line, `"`) || strings.HasPrefix(line, `-"`) {
		return g, false, fmt.Errorf("%w: quoted: %q", errACL, line)
	}
	if g.Negative = strings.HasPrefix(who, "-"); g.Negative {
		who = who[1:]
	}
	if ok && !strings.Contains(letters, ":") { // behind a colon Dovecot has rights of plugins
		if g.Rights, err = ParseRights(strings.TrimSpace(letters)); err != nil {
			return g, false, fmt.Errorf("%w: %q: %w", errACL, line, err)
		}
	} else if ok {
		return g, false, fmt.Errorf("%w: %q", errACL, line)
	}
	if who == Anyone || who == Authenticated {
		g.Who = who
		return g, true, nil
	}
	user, ok := strings.CutPrefix(who, "user=")
	if g.Who = user; !ok || !validUser(user) {
		return g, false, nil
	}
	return g, true, nil
}

// validUser says whether a name can be an account's: it must fit into a line and be an address.
func validUser(name string) bool {
	local, domain, ok := strings.Cut(name, "@")
	if !ok || local == "" || domain == "" || local[0] == '-' || len(name) > maxIdentifier {
		return false
	}
	return !strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == '"' })
}

// names lists who is given something, Anyone for Authenticated.
func (l ACL) names() (out []string) {
	for _, g := range l.Grants {
		switch {
		case g.Negative:
		case g.Who == Authenticated:
			out = append(out, Anyone)
		default:
			out = append(out, g.Who)
		}
	}
	return out
}
