package disk

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"strings"
)

// UIDListFile is the name of the UID list in a folder's directory.
const UIDListFile = "dovecot-uidlist"

// ReadUIDList reads the folder's dovecot-uidlist; fs.ErrNotExist if there is none. A list that can be read in part comes with
// its Bad count; the file is never changed or deleted here. No lock is needed.
func (m *Maildir) ReadUIDList(folder string) (*UIDList, error) {
	f, err := m.fs.Open(m.uidlistPath(folder))
	if err != nil {
		return nil, fmt.Errorf("disk: read UID list of %q: %w", folder, err)
	}
	defer f.Close()
	return ParseUIDList(f)
}

// ReadUIDListHeader is ReadUIDList without the records, of which a folder may have very many; a header that cannot be read is empty.
func (m *Maildir) ReadUIDListHeader(folder string) (*UIDList, error) {
	f, err := m.fs.Open(m.uidlistPath(folder))
	if err != nil {
		return nil, fmt.Errorf("disk: read UID list of %q: %w", folder, err)
	}
	defer f.Close()
	l := &UIDList{}
	lines := lineReader{r: bufio.NewReader(f), max: maxUIDLine}
	line, _, err := lines.next()
	switch {
	case err == io.EOF, errors.Is(err, errLongLine):
	case err != nil:
		return nil, fmt.Errorf("disk: read UID list of %q: %w", folder, err)
	case !isRecord(line) && !l.header(string(line)):
		return l, l.versionError(line)
	}
	return l, nil
}

func (m *Maildir) uidlistPath(folder string) string { return m.Dir(folder) + "/" + UIDListFile }

// WriteTo writes the list in version 3. Records that the format cannot carry are left out.
func (l *UIDList) WriteTo(w io.Writer) (int64, error) {
	b := bufio.NewWriterSize(w, 64<<10)
	n, err := b.Write(l.appendHeader(nil))
	total := int64(n)
	var line []byte
	for _, r := range l.Records {
		if err != nil {
			break
		}
		line = appendRecord(line[:0], r)
		n, err = b.Write(line)
		total += int64(n)
	}
	if err == nil {
		err = b.Flush()
	}
	return total, err
}

func (l *UIDList) appendHeader(b []byte) []byte {
	b = append(b, "3 V"...)
	b = strconv.AppendUint(b, uint64(l.UIDValidity), 10)
	b = append(b, " N"...)
	b = strconv.AppendUint(b, uint64(max(l.NextUID, 1)), 10)
	if l.GUID != "" && plainField(l.GUID) {
		b = append(b, " G"...)
		b = append(b, l.GUID...)
	}
	for _, f := range l.Extra {
		if f != "" && plainField(f) {
			b = append(b, ' ')
			b = append(b, f...)
		}
	}
	return append(b, '\n')
}

// appendRecord writes a line, or nothing if a reader could not read it back.
func appendRecord(b []byte, r UIDRecord) []byte {
	if r.UID == 0 || r.UID >= maxUID || !isMessage(r.Base) || BaseOf(r.Base) != r.Base || len(r.Base) > maxFileName {
		return b
	}
	b = strconv.AppendUint(b, uint64(r.UID), 10)
	for field := range strings.SplitSeq(r.Keys, " ") {
		// A key ':' would be taken for the file name.
		if field != "" && field[0] != ':' && plainField(field) {
			b = append(b, ' ')
			b = append(b, field...)
		}
	}
	b = append(b, " :"...)
	b = append(b, r.Base...)
	return append(b, '\n')
}

// RewriteUIDList replaces the folder's dovecot-uidlist durably: the old or the new list is there after a crash.
// The caller keeps other writers away (its own transaction, and LockUIDList where Dovecot works on the Maildir as well).
func (m *Maildir) RewriteUIDList(folder string, l *UIDList) error {
	return replaceFile(m.fs, m.uidlistPath(folder), func(w io.Writer) error {
		_, err := l.WriteTo(w)
		return err
	})
}

// AppendUIDs appends records to the folder's dovecot-uidlist with one write of whole lines; sync makes them durable. The list
// must exist (fs.ErrNotExist otherwise: rewrite it). A torn last line, which a crash left, is cut off first. The caller keeps
// other writers away, as for RewriteUIDList.
func (m *Maildir) AppendUIDs(folder string, records []UIDRecord, sync bool) error {
	if err := m.appendUIDs(m.uidlistPath(folder), records, sync); err != nil {
		return fmt.Errorf("disk: append to UID list of %q: %w", folder, err)
	}
	return nil
}

func (m *Maildir) appendUIDs(path string, records []UIDRecord, sync bool) error {
	size := 0
	for i := range records {
		size += len("4294967295  :\n") + len(records[i].Keys) + len(records[i].Base)
	}
	lines := make([]byte, 0, size) // growing to the 6 MB of 100,000 files was an eighth of taking them over
	for _, r := range records {
		lines = appendRecord(lines, r)
	}
	return m.appending(path, func(f File) error {
		if err := m.cutTornLine(f); err != nil || len(lines) == 0 {
			return err
		}
		return addLines(f, lines, sync)
	})
}

// appending opens a file that exists for fn, to append to it.
func (m *Maildir) appending(path string, fn func(File) error) error {
	f, err := m.fs.Append(path)
	if err != nil {
		return err
	}
	err = fn(f)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}

// addLines adds whole lines in one write. What a full disk let through of them is a torn line at the end, which readers skip.
func addLines(f File, lines []byte, sync bool) error {
	_, err := f.Write(lines)
	if err == nil && sync {
		err = f.Sync()
	}
	return err
}

// cutTornLine truncates a file after its last LF. Otherwise the next line would be glued to the torn one, and a file name
// would come out of it that nobody ever wrote.
func (m *Maildir) cutTornLine(f File) error {
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	if size == 0 {
		// Without a header nothing that follows would count.
		return fmt.Errorf("empty: %w", fs.ErrNotExist)
	}
	tail := make([]byte, 1)
	for end := size; end > 0; {
		start := max(0, end-int64(len(tail)))
		n, err := f.ReadAt(tail[:end-start], start)
		if err != nil && !(errors.Is(err, io.EOF) && int64(n) == end-start) {
			return err
		}
		if i := bytes.LastIndexByte(tail[:n], '\n'); i >= 0 {
			if keep := start + int64(i) + 1; keep < size {
				return m.fs.Truncate(f.Name(), keep)
			}
			return nil
		}
		end = start
		tail = make([]byte, maxUIDLine)
	}
	return fmt.Errorf("no header: %w", fs.ErrNotExist)
}
