package gate

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"sync"
	"time"

	"bascule/internal/accounts"
)

// passCache remembers that a password was right, since POP3 clients log in every
// few minutes and a hash costs a core for many milliseconds each time. It has no
// passwords but MACs under a key that lives in this process only, and it is never
// written anywhere.
type passCache struct {
	life time.Duration
	most int
	key  [32]byte

	// mu protects entries.
	mu      sync.Mutex
	entries map[accounts.Address]pass
}

type passMAC [32]byte

type pass struct {
	mac     passMAC
	version int64 // of the password; another version makes the entry worthless
	until   time.Time
}

func newPassCache(life time.Duration, most int) *passCache {
	c := &passCache{life: life, most: most, entries: map[accounts.Address]pass{}}
	rand.Read(c.key[:])
	return c
}

// mac stands for a password of an account; the address is part of it so that two
// accounts with one password cannot be told by it.
func (c *passCache) mac(a accounts.Address, password string) (m passMAC) {
	h := hmac.New(sha256.New, c.key[:])
	h.Write([]byte(a))
	h.Write([]byte{0})
	h.Write([]byte(password))
	h.Sum(m[:0])
	return m
}

func (c *passCache) knows(a accounts.Address, version int64, m passMAC, now time.Time) bool {
	c.mu.Lock()
	e, ok := c.entries[a]
	if ok && (e.version != version || !now.Before(e.until)) {
		delete(c.entries, a)
		ok = false
	}
	c.mu.Unlock()
	return ok && version != 0 && hmac.Equal(e.mac[:], m[:])
}

func (c *passCache) remember(a accounts.Address, version int64, m passMAC, now time.Time) {
	if c.life < 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.entries[a]; !ok && len(c.entries) >= c.most {
		// Any other goes: a map's order is arbitrary, and forgetting costs one hash.
		for other := range c.entries {
			delete(c.entries, other)
			break
		}
	}
	c.entries[a] = pass{mac: m, version: version, until: now.Add(c.life)}
}
