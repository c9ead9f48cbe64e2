package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"time"
)

// uidvalidityFile holds the UIDVALIDITY that Dovecot gave last: 8 lower-case hexadecimal digits. Beside it lies an empty file
// with that value behind a dot; renaming it to the next value is how a new one is taken, so that no two processes get the same.
const uidvalidityFile = "dovecot-uidvalidity"

// UIDValidity is the highest UIDVALIDITY that dovecot-uidvalidity and the files beside it know as given; 0 if there is none.
func (m *Maildir) UIDValidity() (uint32, error) {
	last, _, err := m.uidvalidity()
	return last, err
}

func (m *Maildir) uidvalidity() (last uint32, counters []uint32, err error) {
	names, err := m.fs.ReadDirNames(m.root)
	if err != nil {
		return 0, nil, fmt.Errorf("disk: read uidvalidity: %w", err)
	}
	for _, name := range names {
		if hex, ok := strings.CutPrefix(name, uidvalidityFile+"."); ok {
			if v, ok := parseHex8(hex); ok {
				counters = append(counters, v)
				last = max(last, v)
			}
		}
	}
	data, err := ReadSmallFile(m.fs, m.root+"/"+uidvalidityFile)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, nil, fmt.Errorf("disk: read uidvalidity: %w", err)
	}
	if v, ok := parseHex8(strings.TrimSpace(string(data))); ok {
		last = max(last, v)
	}
	return last, counters, nil
}

// NextUIDValidity takes a UIDVALIDITY that nobody was given before in this Maildir, at least atLeast, and notes it durably in
// the files that Dovecot uses. The first one of a Maildir is the time.
func (m *Maildir) NextUIDValidity(now time.Time, atLeast uint32) (uint32, error) {
	const attempts = 100 // others may take values at the same moment; each attempt that fails means one of them succeeded
	for range attempts {
		last, counters, err := m.uidvalidity()
		if err != nil {
			return 0, err
		}
		next := last + 1
		if last == 0 {
			next = uint32(now.Unix())
		}
		next = max(next, atLeast, 1)
		if last == 1<<32-1 {
			return 0, fmt.Errorf("disk: next uidvalidity: none left")
		}
		taken, err := m.takeUIDValidity(counters, next)
		if err != nil {
			return 0, fmt.Errorf("disk: next uidvalidity: %w", err)
		}
		if taken {
			// The counter's name is durable and the truth; this file saves readers a look at the directory, and another process
			// that took the next value may be writing it too.
			_ = WriteFileAtomic(m.fs, m.root+"/"+uidvalidityFile, []byte(hex8(next)))
			return next, nil
		}
	}
	return 0, fmt.Errorf("disk: next uidvalidity: others are always quicker")
}

// takeUIDValidity renames the highest counter file to next, or makes one; false if another process was quicker.
func (m *Maildir) takeUIDValidity(counters []uint32, next uint32) (bool, error) {
	target := m.counterPath(next)
	var highest uint32
	for _, c := range counters {
		highest = max(highest, c)
	}
	if highest == 0 {
		w, err := m.fs.Create(target, 0o444)
		if errors.Is(err, fs.ErrExist) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		w.Close()
	} else {
		err := m.fs.RenameNoReplace(m.counterPath(highest), target)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrExist) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
	}
	for _, c := range counters {
		if c != highest {
			m.fs.Remove(m.counterPath(c)) // a leftover; the highest counts in any case
		}
	}
	return true, m.fs.SyncDir(m.root)
}

func (m *Maildir) counterPath(v uint32) string { return m.root + "/" + uidvalidityFile + "." + hex8(v) }

func hex8(v uint32) string { return fmt.Sprintf("%08x", v) }

func parseHex8(s string) (uint32, bool) {
	if len(s) != 8 {
		return 0, false
	}
	v, err := strconv.ParseUint(s, 16, 32)
	return uint32(v), err == nil && v != 0
}
