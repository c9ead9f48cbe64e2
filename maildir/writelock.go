package maildir

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// writeLock keeps the processes of one host from changing an account at the same
// moment: it is held from before the transaction until the file operations that it
// decided on are done. It is an open-file-description lock, so the kernel drops it
// when its process dies. A second byte range, one byte per process, tells whether the
// process that noted an intent still lives.
type writeLock struct {
	f *os.File
	// owner is a random number: this opening of the account. It is not one per process,
	// because an account may be opened again while its last use is being closed.
	owner int64
}

// Byte 0 is the lock; byte ownerBase+owner is held as long as that process lives. The
// file's contents are the times of folders, timeSize bytes for each folder's id; locks and
// contents have nothing to do with each other.
const (
	ownerBase = 1 << 8
	timeSize  = 16
	maxTimeID = 1 << 20 // bounds the file
)

func openWriteLock(path string) (*writeLock, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	var r [8]byte
	rand.Read(r[:])
	l := &writeLock{f: f, owner: int64(binary.BigEndian.Uint64(r[:]) >> 20)} // 44 bits: room for ownerBase
	if err := l.fcntl(unix.F_OFD_SETLK, unix.F_WRLCK, ownerBase+l.owner); err != nil {
		f.Close()
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return l, nil
}

func (l *writeLock) fcntl(cmd int, typ int16, at int64) error {
	lk := unix.Flock_t{Type: typ, Whence: io.SeekStart, Start: at, Len: 1}
	for {
		err := unix.FcntlFlock(l.f.Fd(), cmd, &lk)
		if !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// Lock waits for the other processes. Within this process Account.mu keeps order.
func (l *writeLock) Lock() error {
	if err := l.fcntl(unix.F_OFD_SETLK, unix.F_WRLCK, 0); err == nil {
		return nil
	}
	if err := l.fcntl(unix.F_OFD_SETLKW, unix.F_WRLCK, 0); err != nil {
		return fmt.Errorf("write lock: %w", err)
	}
	return nil
}

// Unlock lets the others go on.
func (l *writeLock) Unlock() { l.fcntl(unix.F_OFD_SETLK, unix.F_UNLCK, 0) }

// Alive says whether the process of this number still has the account open.
func (l *writeLock) Alive(owner int64) bool {
	if owner == l.owner {
		return true
	}
	lk := unix.Flock_t{Type: unix.F_WRLCK, Whence: io.SeekStart, Start: ownerBase + owner, Len: 1}
	if err := unix.FcntlFlock(l.f.Fd(), unix.F_OFD_GETLK, &lk); err != nil {
		return true // it is safer to leave intents alone than to repeat them under their owner
	}
	return lk.Type != unix.F_UNLCK
}

// Alone says whether no other process, and no other opening in this one, has the
// account open.
func (l *writeLock) Alone() bool {
	lk := unix.Flock_t{Type: unix.F_WRLCK, Whence: io.SeekStart, Start: ownerBase, Len: 0} // to the end of all bytes
	if err := unix.FcntlFlock(l.f.Fd(), unix.F_OFD_GETLK, &lk); err != nil {
		return false
	}
	return lk.Type == unix.F_UNLCK
}

// SetTime notes the time of cur/ of the folder with this id, for the other processes
// and the next opening. It is a hint without durability: it counts until the system is
// started anew, since a power failure may take back more of a directory than of this.
func (l *writeLock) SetTime(id, t int64) {
	if id < 0 || id >= maxTimeID || boot == 0 {
		return
	}
	var b [timeSize]byte
	binary.LittleEndian.PutUint64(b[:8], uint64(t))
	binary.LittleEndian.PutUint64(b[8:], boot^uint64(t))
	l.f.WriteAt(b[:], id*timeSize)
}

// Time is what SetTime noted last; 0 if that is not known.
func (l *writeLock) Time(id int64) int64 {
	var b [timeSize]byte
	if id < 0 || id >= maxTimeID || boot == 0 {
		return 0
	}
	if n, _ := l.f.ReadAt(b[:], id*timeSize); n < len(b) {
		return 0
	}
	t := binary.LittleEndian.Uint64(b[:8])
	if binary.LittleEndian.Uint64(b[8:]) != boot^t {
		return 0
	}
	return int64(t)
}

// boot is a number of this start of the system; 0 if there is none to be had.
var boot = func() uint64 {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return 0
	}
	sum := sha256.Sum256(id)
	return binary.LittleEndian.Uint64(sum[:])
}()

// Close gives everything back.
func (l *writeLock) Close() { l.f.Close() }
