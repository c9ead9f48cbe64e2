package filelock

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"

	"bascule/locking"
)

const (
	lockFiles = 256

	// ticketArea is where tickets begin in a lock file.
	ticketArea = int64(1) << 62
	// ticketBits is how many bits of a place say when a ticket was taken.
	ticketBits = 32
)

// place is where the locks of a key are.
type place struct {
	sum [sha256.Size]byte
}

func placeOf(key locking.Key) place {
	return place{sha256.Sum256([]byte(key))}
}

// file is the number of the lock file.
func (p *place) file() int { return int(p.sum[0]) }

// lock is the place of the lock; the record's is the next one.
func (p *place) lock() int64 {
	return int64(binary.BigEndian.Uint64(p.sum[1:9])>>4) << 2
}

func (p *place) record() int64 { return p.lock() + 1 }

// tickets is the first of the places for tickets.
func (p *place) tickets() int64 {
	return ticketArea + int64(binary.BigEndian.Uint32(p.sum[9:13])>>2)<<ticketBits
}

// sideFile is the name of the key's record.
func (p *place) sideFile() string { return hex.EncodeToString(p.sum[:16]) }
