package accounts

import (
	"context"
	"errors"
	"time"
)

var (
	// ErrNotFound says that there is no such account, domain or scheduled switch.
	ErrNotFound = errors.New("no such account")
	// ErrNoDomain says that there is no such domain.
	ErrNoDomain = errors.New("no such domain")
	// ErrExists says that the account or domain is there already.
	ErrExists = errors.New("it exists already")
	// ErrNotEmpty says that a domain still has accounts.
	ErrNotEmpty = errors.New("the domain still has accounts")
	// ErrBadValue says that a setting cannot have this value.
	ErrBadValue = errors.New("not a possible value")
	// ErrScheme says that a password hash is of a scheme this server cannot check.
	ErrScheme = errors.New("password scheme not supported")
)

// Directory is what the front door needs to know about accounts. Its methods are
// called from many goroutines, and on every login, so they must be quick; Verify
// alone may take its time, and whoever calls it bounds how many run at once.
type Directory interface {
	// Lookup gives what holds for the account at this moment, never a remembered
	// value: a switch works because the next Lookup sees it. Errors: ErrNotFound.
	Lookup(ctx context.Context, a Address) (Effective, error)

	// Verify says whether the password is the account's. For an unknown account
	// or one without a password it is false after about the same time. An error
	// means that it could not be found out, not that the password is wrong.
	Verify(ctx context.Context, a Address, password string) (bool, error)

	// SCRAM gives the keys for SCRAM-SHA-256. For an account that is unknown or
	// has none it gives false ones that are the same for ever and in all
	// processes (else one could tell who exists), with Real unset.
	SCRAM(ctx context.Context, a Address) (SCRAMKeys, error)

	// Changes is a number that differs after any rule or password was changed, by
	// any process. It is polled about once a second.
	Changes(ctx context.Context) (int64, error)

	// Record notes a login that succeeded. It does not wait for the disk and must
	// not block; what it notes may be lost in a crash.
	Record(Login)
}

// Rules is what carries out a switch, and what administrators change from their mail programs. A directory whose accounts are elsewhere
// keeps the protocol setting here all the same.
type Rules interface {
	// SetProtocols writes the rule and its audit line; Inherit removes it. It may
	// be repeated: setting what is set already changes nothing.
	SetProtocols(ctx context.Context, who string, s Scope, p Protocols) (Change, error)

	// SetQuota gives an account limits of its own, 0 for none, with their audit lines. Errors: ErrNotFound, ErrForeign.
	SetQuota(ctx context.Context, who string, a Address, bytes, messages int64) error

	// CarryOut does the scheduled switches that are due, each exactly once
	// whoever calls it, and says which.
	CarryOut(ctx context.Context, now time.Time) ([]Switch, error)
}

// Change is one changed setting. Values are as Set reads them; "inherit" is none.
type Change struct {
	Key      Key
	Old, New string
}

// Changed is false if the setting had the new value before.
func (c Change) Changed() bool { return c.Old != c.New }

// Login is one success at the door. A later Login of the same account and
// protocol replaces the former; an empty Client leaves the known name.
type Login struct {
	Address  Address
	Protocol string
	At       time.Time
	Remote   string // IP address
	Client   string // as the client calls itself (IMAP ID), if it does
}
