package disk

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

// SubscriptionsFile is the list of subscribed folders in the Maildir's root.
const SubscriptionsFile = "subscriptions"

// subscriptionsHeader begins version 2.
const subscriptionsHeader = "V\t2\n\n"

// maxSubscriptions bounds the list.
const maxSubscriptions = 100_000

// Subscriptions is the contents of a subscriptions file. Lines that mean no folder of ours are kept as they are.
type Subscriptions struct {
	// Version is 2 (new files) or 1 (an existing file of that kind stays so).
	Version int
	lines   []string
}

// ParseSubscriptions reads either version. It never fails: what cannot be understood stays in the file, and is not among Names.
func ParseSubscriptions(data []byte) *Subscriptions {
	s := &Subscriptions{Version: 1}
	if rest, ok := bytes.CutPrefix(data, []byte("V\t")); ok {
		s.Version = 2
		_, data, _ = bytes.Cut(rest, []byte("\n"))
		data = bytes.TrimPrefix(data, []byte("\n"))
	} else if len(data) == 0 {
		s.Version = 2
	}
	for line := range bytes.Lines(data) {
		l := string(bytes.TrimSuffix(line, []byte("\n")))
		if l != "" && len(s.lines) < maxSubscriptions {
			s.lines = append(s.lines, l)
		}
	}
	return s
}

// Format writes the file.
func (s *Subscriptions) Format() []byte {
	var b []byte
	if s.Version == 2 {
		b = append(b, subscriptionsHeader...)
	}
	for _, l := range s.lines {
		b = append(b, l...)
		b = append(b, '\n')
	}
	return b
}

// Names are the subscribed folders by canonical name, sorted, each once.
func (s *Subscriptions) Names(e Encoding) []string {
	names := make([]string, 0, len(s.lines))
	for _, l := range s.lines {
		if name, err := s.name(l, e); err == nil {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// name turns a line into a canonical name.
func (s *Subscriptions) name(line string, e Encoding) (string, error) {
	if s.Version == 1 {
		if line == "INBOX" {
			return line, nil
		}
		return FolderName("."+line, e)
	}
	parts := strings.Split(line, "\t")
	for i := range parts {
		parts[i] = tabUnescaper.Replace(parts[i])
	}
	dir := "." + strings.Join(parts, ".")
	if dir == ".INBOX" {
		return "INBOX", nil
	}
	return FolderName(dir, e)
}

// line turns a canonical name into a line.
func (s *Subscriptions) line(name string, e Encoding) (string, error) {
	if name == "INBOX" {
		return name, nil
	}
	dir, err := FolderDir(name, e)
	if err != nil {
		return "", err
	}
	if s.Version == 1 {
		return dir[1:], nil
	}
	parts := strings.Split(dir[1:], ".")
	for i := range parts {
		parts[i] = tabEscaper.Replace(parts[i])
	}
	return strings.Join(parts, "\t"), nil
}

var (
	tabEscaper   = strings.NewReplacer("\x01", "\x011", "\t", "\x01t", "\r", "\x01r", "\n", "\x01n")
	tabUnescaper = strings.NewReplacer("\x011", "\x01", "\x01t", "\t", "\x01r", "\r", "\x01n", "\n")
)

// Add subscribes; false if it was subscribed already. The folder need not exist (RFC 9051 §6.3.7).
func (s *Subscriptions) Add(name string, e Encoding) (bool, error) {
	if s.has(name, e) {
		return false, nil
	}
	l, err := s.line(name, e)
	if err != nil {
		return false, err
	}
	if len(s.lines) >= maxSubscriptions {
		return false, fmt.Errorf("disk: more than %d subscriptions", maxSubscriptions)
	}
	s.lines = append(s.lines, l)
	return true, nil
}

// Remove unsubscribes; false if it was not subscribed.
func (s *Subscriptions) Remove(name string, e Encoding) bool {
	n := len(s.lines)
	s.lines = slices.DeleteFunc(s.lines, func(l string) bool {
		have, err := s.name(l, e)
		return err == nil && have == name
	})
	return len(s.lines) < n
}

func (s *Subscriptions) has(name string, e Encoding) bool {
	return slices.ContainsFunc(s.lines, func(l string) bool {
		have, err := s.name(l, e)
		return err == nil && have == name
	})
}

// ReadSubscriptions reads the Maildir's subscriptions; a missing file is an empty list of version 2.
func (m *Maildir) ReadSubscriptions() (*Subscriptions, error) {
	data, err := ReadSmallFile(m.fs, m.root+"/"+SubscriptionsFile)
	if errors.Is(err, fs.ErrNotExist) {
		return &Subscriptions{Version: 2}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("disk: read subscriptions: %w", err)
	}
	return ParseSubscriptions(data), nil
}

// WriteSubscriptions replaces the file durably. The caller keeps other writers away (LockSubscriptions where Dovecot works on
// the Maildir as well).
func (m *Maildir) WriteSubscriptions(s *Subscriptions) error {
	return WriteFileAtomic(m.fs, m.root+"/"+SubscriptionsFile, s.Format())
}
