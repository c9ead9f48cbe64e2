package gate

import (
	"sync"
	"time"

	"bascule/internal/accounts"
)

// loginDelay is the LOGIN-DELAY of RFC 2449 §6.5 as a bucket: an account has some
// free logins and gets one more after each interval. So a person who presses "get
// mail" twice is not refused, and a program that polls every second is.
type loginDelay struct {
	every time.Duration
	burst int

	// mu protects full.
	mu sync.Mutex
	// full is when the account's bucket will be full again; absent: it is.
	full map[accounts.Address]time.Time
}

const maxDelays = 100_000

func newLoginDelay(every time.Duration, burst int) *loginDelay {
	return &loginDelay{every: every, burst: burst, full: map[accounts.Address]time.Time{}}
}

// take uses up one login. It is false if there is none.
func (d *loginDelay) take(a accounts.Address, now time.Time) bool {
	if d.every <= 0 {
		return true
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	full := d.full[a]
	if full.Before(now) {
		full = now
	}
	full = full.Add(d.every)
	if full.Sub(now) > time.Duration(d.burst)*d.every {
		return false
	}
	if _, ok := d.full[a]; !ok && len(d.full) >= maxDelays {
		d.sweep(now)
	}
	d.full[a] = full
	return true
}

// giveBack undoes one take: the login came to nothing for a reason that is not the
// client's.
func (d *loginDelay) giveBack(a accounts.Address) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if full, ok := d.full[a]; ok {
		d.full[a] = full.Add(-d.every)
	}
}

// sweep makes room: whose bucket is full again needs no entry. If that is nobody,
// one account gets its free logins early.
func (d *loginDelay) sweep(now time.Time) {
	for a, full := range d.full {
		if !full.After(now) {
			delete(d.full, a)
		}
	}
	for a := range d.full {
		if len(d.full) < maxDelays {
			return
		}
		delete(d.full, a)
	}
}
