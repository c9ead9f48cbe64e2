package disk

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
)

// How much of a list's end LastUID reads: enough for usual lines at first, then more than one line can be.
const (
	shortTail = 512
	tailSize  = 16 << 10
)

// LastUID is the UID in the last whole line of the folder's dovecot-uidlist, 0 if it has no records; fs.ErrNotExist if there is no
// list. It reads the end of the file only, since a list is in UID order.
func (m *Maildir) LastUID(folder string) (uint32, error) {
	f, err := m.fs.Open(m.uidlistPath(folder))
	if err != nil {
		return 0, fmt.Errorf("disk: read UID list of %q: %w", folder, err)
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return 0, fmt.Errorf("disk: read UID list of %q: %w", folder, err)
	}
	for _, size := range []int64{shortTail, tailSize} {
		from := max(0, st.Size()-size)
		tail := make([]byte, st.Size()-from)
		if _, err := f.ReadAt(tail, from); err != nil && err != io.EOF {
			return 0, fmt.Errorf("disk: read UID list of %q: %w", folder, err)
		}
		if uid := lastUIDOf(tail); uid != 0 || from == 0 {
			return uid, nil
		}
	}
	return 0, nil
}

// lastUIDOf finds the UID in the last whole line; 0 if there is none.
func lastUIDOf(tail []byte) uint32 {
	lines := bytes.Split(tail, []byte("\n"))
	// The last element is empty or a torn line; the first may be cut or the header.
	for i := len(lines) - 2; i > 0; i-- {
		number, _, _ := bytes.Cut(lines[i], []byte(" "))
		if uid, err := strconv.ParseUint(string(number), 10, 32); err == nil {
			return uint32(uid)
		}
	}
	return 0
}
