package accounts

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

var (
	// ErrSource says that the source of accounts cannot be asked just now. It is
	// never a wrong password and never an unknown account.
	ErrSource = errors.New("the source of accounts does not answer")
	// ErrForeign says that something belongs to the source and is changed there.
	ErrForeign = errors.New("it belongs to the source of accounts")
)

// Source is a provider's own record of accounts: a database, a directory server, a
// file. It says who exists, what the password is and, as far as it wishes, which
// settings hold; all else about an account is kept in accounts.db, where it gets
// a row when it is first seen. Methods are called from many goroutines, with a
// context that ends after Options.SourceTimeout; they must heed it, and bound the
// connections they make.
type Source interface {
	// Name is how operators know the source: "PostgreSQL".
	Name() string
	// Find gives what the source has of an account. Errors: ErrNotFound;
	// ErrBadValue and ErrScheme for an entry that cannot be used; all others mean
	// that the source cannot be asked.
	Find(ctx context.Context, a Address) (Entry, error)
	// Changes is a text that differs after any entry was changed, or "" if the
	// source cannot tell; then open sessions are looked up every
	// Options.SourceRecheck. It is asked about once a second.
	Changes(ctx context.Context) (string, error)
	Close() error
}

// Checker is a Source that checks passwords itself and gives no hashes away.
type Checker interface {
	// Check says whether the password, which is not empty, is that of the entry.
	// With the zero Entry, for an account that does not exist, it takes about the
	// time of a wrong password.
	Check(ctx context.Context, e Entry, password string) (bool, error)
}

// Entry is one account of a Source.
type Entry struct {
	Password string // hash as of Hashed; "": nobody can log in, or the source is a Checker
	Ref      string // how a Checker finds the entry again
	Version  string // of a Checker: differs after the password was changed; "": it cannot tell
	// Settings are those that the source owns, in the form of ParseValue. They win
	// over what accounts.db has, and cannot be set here.
	Settings map[Key]string
}

// ReadSetting reads a setting as sources name it: a Key, or "active" with a truth
// value for status. Values are read like an operator's; "status" takes a truth
// value too. known is false if there is no such setting of accounts, or none that a source may give: who is an administrator
// is decided here.
func ReadSetting(name, value string) (k Key, stored string, known bool, err error) {
	k = Key(strings.ToLower(name))
	if k == "active" {
		k = KeyStatus
	}
	if _, err := ParseValue(k, string(Inherit), false); err != nil || k == KeyAdmin {
		return "", "", false, nil
	}
	switch k {
	case KeyStatus:
		switch strings.ToLower(value) {
		case "t", "true", "1", "y", "yes", "on", "enabled":
			value = string(Active)
		case "f", "false", "0", "n", "no", "off", "disabled":
			value = string(Suspended)
		}
		value = strings.ToLower(value)
	case KeyProtocols, KeyDelivery, KeyExclusive, KeySearchIndex, KeyShared:
		value = strings.ToLower(value)
	}
	stored, err = ParseValue(k, value, false)
	return k, stored, true, err
}

// apply lays what the source owns over what accounts.db has.
func (e Entry) apply(to *Effective) {
	for k, v := range e.Settings {
		if v == string(Inherit) {
			continue
		}
		switch k {
		case KeyProtocols:
			to.Protocols, to.ProtocolsFrom = Protocols(v), FromSource
		case KeyExclusive:
			to.Exclusive = Exclusive(v)
		case KeyQuotaBytes:
			fmt.Sscan(v, &to.QuotaBytes)
		case KeyQuotaMessages:
			fmt.Sscan(v, &to.QuotaMessages)
		case KeyRefusalText:
			to.RefusalText = v
		case KeyStatus:
			// A suspension here and one there both hold.
			if v == string(Suspended) {
				to.Status, to.StatusReason = Suspended, e.Settings[KeyStatusReason]
			}
		case KeyDelivery:
			to.Delivery = Delivery(v)
		case KeySearchIndex:
			to.SearchIndex = SearchIndex(v)
		case KeyShared:
			to.Shared = v == "true"
		case KeyIMAPHide:
			to.IMAPHide = capabilities(v)
		}
	}
}

// owns says whether the source decides about a setting of this account.
func (e Entry) owns(k Key) bool {
	v, ok := e.Settings[k]
	return ok && v != string(Inherit)
}

// defaultSourceTimes are used where Options have none.
const (
	defaultSourceTimeout = 5 * time.Second
	defaultSourceRecheck = 10 * time.Second
)
