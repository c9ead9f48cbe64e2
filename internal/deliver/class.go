package deliver

import (
	"errors"
	"fmt"

	"bascule/internal/accounts"
	"bascule/maildir"
)

// Class is the reason why a message is not delivered, as its sender's server has to understand it.
type Class int

const (
	// Temporary: something is wrong here; the same message may be taken later.
	Temporary Class = iota
	// NoUser: the address is nobody's.
	NoUser
	// Deferred: the account's delivery setting says later.
	Deferred
	// Rejected: the account's delivery setting says no.
	Rejected
	// OverQuota: the mailbox is full, or too full for this message.
	OverQuota
	// Malformed: what was given is not an address.
	Malformed
	// Unavailable: the store is not there (an unmounted disk). A later attempt may succeed.
	Unavailable
	// NoSpace: the disk is full, or nearly so.
	NoSpace
)

// String is the class's name in metrics.
func (c Class) String() string {
	if c < Temporary || c > NoSpace {
		return "?"
	}
	return [...]string{"temporary", "no-user", "deferred", "rejected", "over-quota", "malformed", "unavailable", "no-space"}[c]
}

// Error is a refusal with its class. Text is for the sender; it names nothing that is ours alone to know.
type Error struct {
	Class Class
	Text  string
	Err   error // the cause, for the log; may be nil
}

func (e *Error) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("deliver: %s: %v", e.Text, e.Err)
	}
	return "deliver: " + e.Text
}

func (e *Error) Unwrap() error { return e.Err }

// classify gives errors of the directory and the store their class; an *Error stays what it is.
func classify(err error) error {
	var already *Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &already):
		return err
	case errors.Is(err, accounts.ErrBadAddress):
		return &Error{Malformed, "Not a usable address", err}
	case errors.Is(err, accounts.ErrNotFound):
		return &Error{NoUser, "No such user here", err}
	case errors.Is(err, maildir.ErrOverQuota):
		return &Error{OverQuota, "Mailbox is full", err}
	case errors.Is(err, maildir.ErrNoMarker):
		return &Error{Unavailable, "Mail store is not available", err}
	case errors.Is(err, maildir.ErrDiskFull):
		return &Error{NoSpace, "Insufficient system storage", err}
	}
	return &Error{Temporary, "Delivery failed here; try again later", err}
}
