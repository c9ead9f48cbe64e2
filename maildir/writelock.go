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
// file's contents are notes on folders, notesSize bytes for each folder's id; locks and
// contents have nothing to do with each other.
const (
	ownerBase = 1 << 8
	noteSize  = 16
	notesSize = 2 * noteSize
	maxNoteID = 1 << 19 // bounds the file
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

// fillByte is held by whoever fills the account's text index.
const fillByte = 1

// TryFill takes the right to fill the text index, if no other process has it.
func (l *writeLock) TryFill() bool { return l.fcntl(unix.F_OFD_SETLK, unix.F_WRLCK, fillByte) == nil }

// EndFill gives it back.
func (l *writeLock) EndFill() { l.fcntl(unix.F_OFD_SETLK, unix.F_UNLCK, fillByte) }

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

// A folder has two notes in the file.
const (
	noteTime  = 0 // of cur/, in nanoseconds
	noteClaim = 1 // UIDVALIDITY << 32 | first UID that is still to be called \Recent
)

// SetTime notes the time of cur/ of the folder with this id, for the other processes
// and the next opening. It is a hint without durability: it counts until the system is
// started anew, since a power failure may take back more of a directory than of this.
func (l *writeLock) SetTime(id, t int64) { l.setNote(id, noteTime, uint64(t)) }

// Time is what SetTime noted last; 0 if that is not known.
func (l *writeLock) Time(id int64) int64 { return int64(l.note(id, noteTime)) }

// SetClaimed notes which UID of a folder is the first that no session has called \Recent; false if it could not.
func (l *writeLock) SetClaimed(id int64, validity, uid uint32) bool {
	return l.setNote(id, noteClaim, uint64(validity)<<32|uint64(uid))
}

// Claimed is what SetClaimed noted last under this UIDVALIDITY; 0 if that is not known.
func (l *writeLock) Claimed(id int64, validity uint32) uint32 {
	if v := l.note(id, noteClaim); uint32(v>>32) == validity {
		return uint32(v)
	}
	return 0
}

// setNote writes a value and, after it, what tells a whole note of this boot and kind from anything else.
func (l *writeLock) setNote(id int64, kind int, v uint64) bool {
	if id < 0 || id >= maxNoteID || boot == 0 {
		return false
	}
	var b [noteSize]byte
	binary.LittleEndian.PutUint64(b[:8], v)
	binary.LittleEndian.PutUint64(b[8:], boot+uint64(kind)^v)
	n, err := l.f.WriteAt(b[:], id*notesSize+int64(kind)*noteSize)
	return err == nil && n == len(b)
}

// note is 0 if there is none.
func (l *writeLock) note(id int64, kind int) uint64 {
	var b [noteSize]byte
	if id < 0 || id >= maxNoteID || boot == 0 {
		return 0
	}
	if n, _ := l.f.ReadAt(b[:], id*notesSize+int64(kind)*noteSize); n < len(b) {
		return 0
	}
	v := binary.LittleEndian.Uint64(b[:8])
	if binary.LittleEndian.Uint64(b[8:]) != boot+uint64(kind)^v {
		return 0
	}
	return v
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
