package gate

import (
	"runtime/debug"
	"sync/atomic"
)

// hashMemory gives the memory of password hashing back to the system when the logins
// have calmed down. One argon2id hash takes 19 MiB for 25 ms; the runtime would keep
// what a burst of first logins took for minutes, and let the heap grow to twice that
// before it collects: more than ten thousand idle connections need (RSS after 40 first
// logins: 55 to 140 MiB without this).
type hashMemory struct {
	used  atomic.Bool // since the last tick
	dirty bool        // the ticking goroutine's
}

// note says that a password was hashed.
func (h *hashMemory) note() { h.used.Store(true) }

// tick frees what was used before the last tick, if nothing was hashed since. The
// collection runs beside the server's work.
func (h *hashMemory) tick() {
	if h.used.Swap(false) {
		h.dirty = true
		return
	}
	if h.dirty {
		h.dirty = false
		debug.FreeOSMemory()
	}
}
