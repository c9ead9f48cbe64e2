package locking

import (
	"context"
	"fmt"
	"time"
)

// Mode says whether a lease is held together with others.
type Mode int

const (
	Shared    Mode = iota // held together with other Shared leases
	Exclusive             // held alone
)

// String gives "shared" or "exclusive".
func (m Mode) String() string {
	switch m {
	case Shared:
		return "shared"
	case Exclusive:
		return "exclusive"
	}
	return fmt.Sprintf("Mode(%d)", int(m))
}

// MarshalText makes a mode readable in JSON.
func (m Mode) MarshalText() ([]byte, error) {
	if m != Shared && m != Exclusive {
		return nil, fmt.Errorf("locking: unknown mode %d", int(m))
	}
	return []byte(m.String()), nil
}

// UnmarshalText reads what MarshalText wrote.
func (m *Mode) UnmarshalText(b []byte) error {
	switch string(b) {
	case "shared":
		*m = Shared
	case "exclusive":
		*m = Exclusive
	default:
		return fmt.Errorf("locking: unknown mode %q", b)
	}
	return nil
}

// Key names what is locked: a maildrop, by the address of its account. Any
// bytes of any length are allowed; equal bytes are the same key. Whoever makes
// keys folds the case.
type Key string

// Holder says who holds a lease, for people and for logs. No manager
// concludes anything from it.
type Holder struct {
	Session  string `json:"session"`  // the session's id
	Account  string `json:"account"`  // the account's address
	Protocol string `json:"protocol"` // "pop3", "imap", …
	Remote   string `json:"remote"`   // the client's address
	Process  string `json:"process"`  // which process serves it

	// Since and Mode are set by the manager. For a holder, Since is when the
	// lease was granted, for a waiter when it joined the line. The zero time
	// means that it is not known.
	Since time.Time `json:"since"`
	Mode  Mode      `json:"mode"`
}

// Status is what happens at one key. Both lists are in order of arrival;
// across processes they are as near to that as clocks allow.
type Status struct {
	Key     Key      `json:"key"`
	Holders []Holder `json:"holders"`
	Waiters []Holder `json:"waiters"`
}

// Manager hands out leases. Its methods may be called from any goroutine.
type Manager interface {
	// Acquire waits until the lease is had or ctx ends. It is granted first
	// come, first served; a lease that is free is granted even if ctx has
	// ended already.
	//
	// When ctx ends first, the error is a *BusyError: errors.Is finds both
	// ErrBusy and the reason of ctx in it, and it lists the present holders.
	// When the manager is closed, the error is ErrClosed. Any other error
	// means that the backend failed; nothing is held then.
	//
	// The Mode and Since of who are ignored.
	Acquire(ctx context.Context, key Key, mode Mode, who Holder) (Lease, error)

	// TryAcquire grants the lease at once or never. The error is a *BusyError
	// not only when the lease is held by others, but also when others wait
	// in line for it.
	TryAcquire(key Key, mode Mode, who Holder) (Lease, error)

	// List tells what is held and waited for, by all processes, in order of
	// keys. A manager that did not hear every process returns what it knows
	// together with an error.
	List(ctx context.Context) ([]Status, error)

	// Nudge asks the holder of an Exclusive lease to consider giving way: its
	// Asked channel receives. It returns without waiting for an answer.
	// There may be none: nothing may be held, or the holder may refuse. A
	// nudge to another process may get lost.
	Nudge(ctx context.Context, key Key) error

	// Break closes the Lost channel of every lease held on key, in whichever
	// process. It takes nothing away: it is then the duty of the holders to
	// end what they do and to Release. Waiters are left alone. The error is
	// ErrNotHeld if nobody holds the key. Other errors mean that some holder
	// may not have been reached.
	Break(ctx context.Context, key Key) error

	// Held tells whether an Exclusive lease on key is held now, by anybody,
	// and by whom. It is cheap enough to be called for each command of a
	// client that is to be refused. If another process has it, all of the
	// Holder but its Mode may be unknown (zero), in the first moments of the
	// lease above all. The same goes for the error of TryAcquire.
	Held(key Key) (Holder, bool)

	// Close ends all waiting with ErrClosed and refuses new leases. Leases
	// that are held become Lost, but stay held until they are released: what
	// their holders do is protected to the end. A second Close does nothing.
	Close() error
}

// Lease is the right to be in a maildrop. Its methods may be called from any
// goroutine, before and after its release.
type Lease interface {
	Key() Key
	Mode() Mode
	// Holder is who was granted the lease, with Mode and Since.
	Holder() Holder

	// Asked receives when somebody would like the lease to end (Nudge).
	// Several requests may merge into one; one made before the first call of
	// Asked is not lost. The channel is never closed.
	Asked() <-chan struct{}

	// Lost is closed when the holder has to end its session and release the
	// lease (Break, Close, or a backend that can no longer vouch for it).
	Lost() <-chan struct{}

	// Release ends the lease. It never waits for others; a second call does
	// nothing.
	Release()
}

// NewInProcess returns a manager for a single process. It needs no memory for
// keys that nobody holds.
func NewInProcess() Manager { return NewQueue() }
