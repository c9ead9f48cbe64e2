package locking

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

var (
	// ErrBusy: others hold the lease, or wait for it.
	ErrBusy = errors.New("locking: busy")
	// ErrClosed: the manager is closed.
	ErrClosed = errors.New("locking: manager is closed")
	// ErrNotHeld: nobody holds the key.
	ErrNotHeld = errors.New("locking: not held")
)

// MaxBusyHolders is how many holders a BusyError lists at most.
const MaxBusyHolders = 16

// BusyError says that a lease was not to be had, and who has it.
type BusyError struct {
	Key  Key
	Mode Mode // what was asked for
	// Holders are those that hold the key, at most MaxBusyHolders. There may
	// be none: it may have become free just now, or be promised to waiters.
	Holders []Holder
	// Cause is why waiting ended: the error of the context. It is nil if
	// there was no waiting (TryAcquire).
	Cause error
}

// Error names the first holder.
func (e *BusyError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "locking: %s lease on %q is not to be had", e.Mode, string(e.Key))
	if len(e.Holders) > 0 {
		h := e.Holders[0]
		fmt.Fprintf(&b, ": held (%s) by %s session %q", h.Mode, orUnknown(h.Protocol), h.Session)
		if !h.Since.IsZero() {
			fmt.Fprintf(&b, " since %s", h.Since.Format(time.RFC3339))
		}
		if n := len(e.Holders) - 1; n > 0 {
			fmt.Fprintf(&b, " and %d more", n)
		}
	}
	if e.Cause != nil {
		fmt.Fprintf(&b, ": %v", e.Cause)
	}
	return b.String()
}

func orUnknown(s string) string {
	if s == "" {
		return "unknown"
	}
	return s
}

// Unwrap gives ErrBusy and the cause.
func (e *BusyError) Unwrap() []error {
	if e.Cause == nil {
		return []error{ErrBusy}
	}
	return []error{ErrBusy, e.Cause}
}
