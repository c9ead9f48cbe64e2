package disk

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
)

// maildirsizeFile is the quota file of Maildir++ in the root.
const maildirsizeFile = "maildirsize"

// maildirsizeMax is the size in bytes from which readers recalculate the file, so that it must be rewritten before.
const maildirsizeMax = 5120

// MaildirSize is the contents of a maildirsize file. To Bascule it is an import at most once and an export where asked for:
// the index is the truth.
type MaildirSize struct {
	// LimitBytes and LimitMessages are the quota; 0 means none.
	LimitBytes, LimitMessages int64
	// Bytes and Messages are the usage: the sum of all lines.
	Bytes, Messages int64
	// Lines is the number of data lines, FileBytes the size of the file.
	Lines, FileBytes int
	// Bad says that the usage is not to be trusted: a line could not be read, the sum is negative, or the file is so
	// large that it had to be recalculated.
	Bad bool
}

// ParseMaildirSize reads a maildirsize file. A last line without LF is ignored.
func ParseMaildirSize(data []byte) MaildirSize {
	s := MaildirSize{FileBytes: len(data), Bad: len(data) >= maildirsizeMax || bytes.IndexByte(data, 0) >= 0}
	first := true
	for line := range strings.Lines(string(data)) {
		if !strings.HasSuffix(line, "\n") {
			break
		}
		if first {
			first = false
			s.Bad = !s.limits(strings.TrimSpace(line)) || s.Bad
			continue
		}
		fields := strings.Fields(line)
		if len(fields) != 2 {
			s.Bad = true
			continue
		}
		b, errB := strconv.ParseInt(fields[0], 10, 64)
		n, errN := strconv.ParseInt(fields[1], 10, 64)
		if errB != nil || errN != nil {
			s.Bad = true
			continue
		}
		s.Bytes, s.Messages, s.Lines = s.Bytes+b, s.Messages+n, s.Lines+1
	}
	s.Bad = s.Bad || first || s.Bytes < 0 || s.Messages < 0
	return s
}

// limits reads "<n>S,<m>C"; either may be missing and the order is free.
func (s *MaildirSize) limits(line string) bool {
	good := true
	for part := range strings.SplitSeq(line, ",") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		n, err := strconv.ParseInt(part[:len(part)-1], 10, 64)
		switch {
		case err != nil || n < 0:
			good = false
		case part[len(part)-1] == 'S':
			s.LimitBytes = n
		case part[len(part)-1] == 'C':
			s.LimitMessages = n
		default:
			good = false
		}
	}
	return good
}

// Format writes the file with the usage in one line. Without limits the first line is "0S", as Dovecot writes it.
func (s MaildirSize) Format() []byte {
	limits := strconv.FormatInt(s.LimitBytes, 10) + "S"
	if s.LimitMessages > 0 {
		limits += "," + strconv.FormatInt(s.LimitMessages, 10) + "C"
	}
	return []byte(limits + "\n" + sizeLine(s.Bytes, s.Messages))
}

// sizeLine is padded to 14 bytes at least, as Courier does.
func sizeLine(bytes, messages int64) string {
	return fmt.Sprintf("%-13s\n", fmt.Sprintf("%d %d", bytes, messages))
}

// ReadMaildirSize reads the Maildir's maildirsize; fs.ErrNotExist if there is none.
func (m *Maildir) ReadMaildirSize() (MaildirSize, error) {
	data, err := ReadSmallFile(m.fs, m.root+"/"+maildirsizeFile)
	if err != nil {
		return MaildirSize{}, fmt.Errorf("disk: read maildirsize: %w", err)
	}
	return ParseMaildirSize(data), nil
}

// WriteMaildirSize replaces the maildirsize file durably.
func (m *Maildir) WriteMaildirSize(s MaildirSize) error {
	return WriteFileAtomic(m.fs, m.root+"/"+maildirsizeFile, s.Format())
}

// AddMaildirSize notes a change of usage by appending a line, without syncing it. full says that the file is missing or must be
// rewritten with WriteMaildirSize; then nothing was appended.
func (m *Maildir) AddMaildirSize(bytes, messages int64) (full bool, err error) {
	path := m.root + "/" + maildirsizeFile
	line := sizeLine(bytes, messages)
	st, err := m.fs.Stat(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && st.Size+int64(len(line)) >= maildirsizeMax {
		return true, nil
	}
	if err == nil {
		err = m.appending(path, func(f File) error { return addLines(f, []byte(line), false) })
	}
	if err != nil {
		return false, fmt.Errorf("disk: add to maildirsize: %w", err)
	}
	return false, nil
}
