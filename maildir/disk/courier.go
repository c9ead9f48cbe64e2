package disk

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strconv"
	"strings"
)

// Files of Courier. They are read when a Maildir is taken over, and never written.
const (
	courierUIDs       = "courierimapuiddb"
	courierSizes      = "courierpop3dsizelist"
	courierSubscribed = "courierimapsubscribed"
)

// ReadCourierUIDs reads the folder's courierimapuiddb; fs.ErrNotExist if there is none.
func (m *Maildir) ReadCourierUIDs(folder string) (*UIDList, error) {
	f, err := m.fs.Open(m.Dir(folder) + "/" + courierUIDs)
	if err != nil {
		return nil, fmt.Errorf("disk: read Courier's UIDs of %q: %w", folder, err)
	}
	defer f.Close()
	return ParseUIDList(f)
}

// SizeList is courierpop3dsizelist: what Courier's POP3 server told clients about INBOX.
type SizeList struct {
	// Version is 3, 2 or, for the oldest kind without UIDs, 1.
	Version int
	NextUID uint32
	// UIDValidity is of messages to come; each entry has its own.
	UIDValidity uint32
	Entries     []SizeEntry
	// Bad counts lines that could not be read.
	Bad int
}

// SizeEntry is one message in a SizeList.
type SizeEntry struct {
	Base string
	// Size is the octets POP3 announced: with CRLF, and 2 more if the last line has no end.
	Size int64
	// UID and UIDValidity are POP3's own, not those of IMAP; 0 where there is none.
	UID, UIDValidity uint32
	// UTF8 says that the message needs the UTF8 command (RFC 6856).
	UTF8 bool
}

// UIDL is what Courier says in answer to UIDL: UID<n>-<uidvalidity>, UID<n>, or the base name with hostile bytes as +HH.
func (e SizeEntry) UIDL() string {
	uid := "UID" + strconv.FormatUint(uint64(e.UID), 10)
	switch {
	case e.UID != 0 && e.UIDValidity != 0:
		return uid + "-" + strconv.FormatUint(uint64(e.UIDValidity), 10)
	case e.UID != 0:
		return uid
	}
	var b strings.Builder
	for i := 0; i < len(e.Base); i++ {
		if c := e.Base[i]; c < 0x21 || c > 0x7e || c == '\'' || c == '"' || c == '+' {
			fmt.Fprintf(&b, "+%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// ReadCourierSizes reads courierpop3dsizelist; fs.ErrNotExist if there is none.
func (m *Maildir) ReadCourierSizes() (*SizeList, error) {
	f, err := m.fs.Open(m.root + "/" + courierSizes)
	if err != nil {
		return nil, fmt.Errorf("disk: read Courier's size list: %w", err)
	}
	defer f.Close()
	return ParseSizeList(f)
}

// ParseSizeList reads a size list of version 3 or 2 ("/3 <next> <uidvalidity>"), or one without a header. Lines that
// cannot be read are counted.
func ParseSizeList(r io.Reader) (*SizeList, error) {
	l := &SizeList{Version: 1}
	lines := lineReader{r: bufio.NewReaderSize(r, 64<<10), max: maxUIDLine}
	for first := true; ; first = false {
		raw, torn, err := lines.next()
		if err == io.EOF {
			return l, nil
		}
		if err != nil && !errors.Is(err, errLongLine) {
			return l, fmt.Errorf("disk: read Courier's size list: %w", err)
		}
		line := string(raw)
		if first && strings.HasPrefix(line, "/") {
			if !l.header(line) {
				l.Bad++
			}
			continue
		}
		e, ok := parseSizeEntry(line)
		if err != nil || torn || !ok || len(l.Entries) >= maxUIDRecords {
			l.Bad++
			continue
		}
		l.Entries = append(l.Entries, e)
	}
}

func (l *SizeList) header(line string) bool {
	fields := strings.Fields(line)
	l.Version = 3
	if fields[0] == "/2" {
		l.Version = 2
	}
	if len(fields) != 3 || fields[0] != "/2" && fields[0] != "/3" {
		return false
	}
	var okN, okV bool
	l.NextUID, okN = parseUint32(fields[1])
	l.UIDValidity, okV = parseUint32(fields[2])
	return okN && okV
}

// parseSizeEntry reads "<name> <size>[ <n>:<uidvalidity>[:<utf8>]]", split from the right since a name may hold spaces.
func parseSizeEntry(line string) (SizeEntry, bool) {
	var e SizeEntry
	head, last, ok := cutLast(line, ' ')
	if !ok {
		return e, false
	}
	if uid, rest, found := strings.Cut(last, ":"); found {
		validity, utf8, _ := strings.Cut(rest, ":")
		var okU, okV bool
		e.UID, okU = parseUint32(uid)
		e.UIDValidity, okV = parseUint32(validity)
		e.UTF8 = utf8 == "1"
		if !okU || !okV {
			return e, false
		}
		if head, last, ok = cutLast(head, ' '); !ok {
			return e, false
		}
	}
	size, err := strconv.ParseInt(last, 10, 64)
	e.Size, e.Base = size, BaseOf(head)
	return e, err == nil && size >= 0 && isMessage(e.Base) && len(e.Base) <= maxFileName
}

func cutLast(s string, sep byte) (before, after string, found bool) {
	i := strings.LastIndexByte(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+1:], true
}

// ReadCourierSubscribed reads courierimapsubscribed and gives canonical names, sorted; fs.ErrNotExist if there is none. Shared
// folders and what cannot be a name of this account are counted in ignored.
func (m *Maildir) ReadCourierSubscribed(e Encoding) (names []string, ignored int, err error) {
	data, err := ReadSmallFile(m.fs, m.root+"/"+courierSubscribed)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0, fmt.Errorf("disk: read Courier's subscriptions: %w", err)
	}
	if err != nil {
		return nil, 0, fmt.Errorf("disk: read Courier's subscriptions: %w", err)
	}
	names, ignored = ParseCourierSubscribed(data, e)
	return names, ignored, nil
}

// ParseCourierSubscribed reads one name per line, "INBOX" or "INBOX.A.B", in the account's encoding.
func ParseCourierSubscribed(data []byte, e Encoding) (names []string, ignored int) {
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSuffix(line, "\n")
		if line == "" {
			continue
		}
		name := "INBOX"
		if line != "INBOX" {
			var err error
			rest, ok := strings.CutPrefix(line, "INBOX.")
			if name, err = FolderName("."+rest, e); !ok || err != nil || strings.Contains(line, "#") {
				ignored++
				continue
			}
		}
		if len(names) < maxSubscriptions {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names), ignored
}
