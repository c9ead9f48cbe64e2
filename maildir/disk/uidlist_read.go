package disk

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Bounds of what is read from a UID list.
const (
	maxUIDLine    = 8 << 10 // bytes of a line: a file name, a UIDL, sizes and a GUID have room many times over
	maxUIDRecords = 16 << 20
)

// ParseUIDList reads a dovecot-uidlist of version 3 or 1, or a courierimapuiddb, which is the latter. Every line that
// can be read is given; the others are counted in Bad. An error means that reading failed, that the version is unknown or that
// the list is larger than anything real; what was read is returned with it.
func ParseUIDList(r io.Reader) (*UIDList, error) {
	l := &UIDList{}
	lines := lineReader{r: bufio.NewReaderSize(r, 64<<10), max: maxUIDLine}
	first := true
	for {
		line, torn, err := lines.next()
		if err == io.EOF {
			break
		}
		if err != nil && !errors.Is(err, errLongLine) {
			l.settle()
			return l, fmt.Errorf("disk: read UID list: %w", err)
		}
		switch {
		case first && !isRecord(line): // else the header was lost
			first = false
			if err == nil && l.header(string(line)) {
				continue
			}
			l.Bad++
			if err := l.versionError(line); err != nil {
				return l, err
			}
		case err != nil, torn, len(l.Records) >= maxUIDRecords:
			l.Bad++
		default:
			first = false
			if rec, ok := parseUIDRecord(string(line), l.Version); ok {
				l.Records = append(l.Records, rec)
			} else {
				l.Bad++
			}
		}
	}
	l.settle()
	return l, nil
}

// isRecord tells a first line that is not the header: that was lost.
func isRecord(line []byte) bool { return bytes.Contains(line, []byte(" :")) }

// header reads the first line; false if it is not one. What could be read of it stays.
func (l *UIDList) header(line string) bool {
	fields := strings.Fields(line)
	if len(fields) == 0 {
		return false
	}
	switch fields[0] {
	case "1":
		l.Version = 1
		if len(fields) != 3 {
			return false
		}
		v, okV := parseUint32(fields[1])
		n, okN := parseUint32(fields[2])
		l.UIDValidity, l.NextUID = v, n
		return okV && okN && v != 0 && n != 0
	case "3":
		l.Version = 3
	default:
		return false
	}
	good := true
	for _, f := range fields[1:] {
		var ok bool
		switch f[0] {
		case 'V':
			l.UIDValidity, ok = parseUint32(f[1:])
			good = good && ok
		case 'N':
			l.NextUID, ok = parseUint32(f[1:])
			good = good && ok
		case 'G':
			l.GUID = f[1:]
		default:
			l.Extra = append(l.Extra, f)
		}
	}
	return good && l.UIDValidity != 0 && l.NextUID != 0
}

// versionError tells an unknown version from a header that is damaged.
func (l *UIDList) versionError(line []byte) error {
	if l.Version == 0 && len(line) > 1 && line[0] >= '0' && line[0] <= '9' && line[1] == ' ' {
		return fmt.Errorf("disk: UID list of version %c: %w", line[0], ErrBadFile)
	}
	return nil
}

// parseUIDRecord reads "<uid>[ <key><value>]* :<file>" (version 3) or "<uid> <file>" (version 1). Where the header was
// lost, the line itself tells.
func parseUIDRecord(line string, version int) (UIDRecord, bool) {
	number, rest, ok := strings.Cut(line, " ")
	uid, okUID := parseUint32(number)
	if !ok || !okUID || uid == 0 || uid >= maxUID {
		return UIDRecord{}, false
	}
	file, keys := rest, ""
	if version != 1 {
		before, after, found := strings.Cut(" "+rest, " :")
		switch {
		case found:
			file, keys = after, strings.TrimSpace(before)
		case version == 3:
			return UIDRecord{}, false
		}
	}
	// Writers of all times: with or without ":2,FLAGS".
	base := BaseOf(file)
	if !isMessage(base) || len(base) > maxFileName {
		return UIDRecord{}, false
	}
	return UIDRecord{UID: uid, Base: base, Keys: keys}, true
}

func parseUint32(s string) (uint32, bool) {
	if s == "" || s[0] < '0' || s[0] > '9' {
		return 0, false
	}
	n, err := strconv.ParseUint(s, 10, 32)
	return uint32(n), err == nil
}

var errLongLine = errors.New("line too long")

// lineReader reads bounded lines.
type lineReader struct {
	r   *bufio.Reader
	max int
	buf []byte
}

// next gives a line without its LF; torn says that the LF is missing, which is what a crash leaves of the last one. A line that
// is too long is skipped to its end and errLongLine. The bytes are valid until the next call. After the last line io.EOF.
func (l *lineReader) next() (line []byte, torn bool, err error) {
	l.buf = l.buf[:0]
	long := false
	for {
		part, err := l.r.ReadSlice('\n')
		if len(l.buf)+len(part) > l.max {
			long = true
		} else {
			l.buf = append(l.buf, part...)
		}
		switch {
		case err == bufio.ErrBufferFull:
			continue
		case err == io.EOF && (len(l.buf) > 0 || long):
			torn = true
		case err != nil:
			return nil, false, err
		}
		break
	}
	if long {
		return nil, torn, errLongLine
	}
	return bytes.TrimSuffix(l.buf, []byte("\n")), torn, nil
}
