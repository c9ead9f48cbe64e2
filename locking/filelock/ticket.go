package filelock

import (
	"errors"
	"time"

	"bascule/locking"
)

const (
	// ticketUnit is the resolution of arrival. The 2³² units are passed in
	// three days; a ticket counts as older if it is at most half of that
	// behind.
	ticketUnit = 64 * time.Microsecond
	ticketSpan = int64(1) << ticketBits

	// maxTies is how many tickets of one moment are made room for.
	maxTies = 4096
)

var errNoTicket = errors.New("filelock: too many waiters came at the same moment")

// ticket is a place in the line between processes. The wall clock is used
// because containers may each have a monotonic clock of their own; if it is
// set back, later comers may be served first for that long.
type ticket struct {
	at int64 // in units, 0 ≤ at < ticketSpan
}

// takeTicket stands in line.
func takeTicket(f *lockFile, p *place, now time.Time) (*ticket, error) {
	at := now.UnixNano() / int64(ticketUnit) % ticketSpan
	for range maxTies {
		ok, err := f.try(locking.Exclusive, p.tickets()+at, 1)
		if err != nil {
			return nil, err
		}
		if ok {
			return &ticket{at: at}, nil
		}
		at = (at + 1) % ticketSpan
	}
	return nil, errNoTicket
}

// drop leaves the line.
func (t *ticket) drop(f *lockFile, p *place) error {
	return f.unlock(p.tickets()+t.at, 1)
}

// first tells whether nobody older stands in line.
func (t *ticket) first(f *lockFile, p *place) (bool, error) {
	const half = ticketSpan / 2
	from := t.at - half
	if from < 0 {
		// The older half wraps around: its older part is at the end.
		if taken, err := f.against(locking.Exclusive, p.tickets()+from+ticketSpan, -from); taken || err != nil {
			return false, err
		}
		from = 0
	}
	if from == t.at {
		return true, nil
	}
	taken, err := f.against(locking.Exclusive, p.tickets()+from, t.at-from)
	return !taken && err == nil, err
}

// crowded tells whether anybody of another process stands in line.
func crowded(f *lockFile, p *place) (bool, error) {
	return f.against(locking.Exclusive, p.tickets(), ticketSpan)
}
