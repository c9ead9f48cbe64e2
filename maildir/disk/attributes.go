package disk

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

// AttributesFile holds annotations of all folders in the format of Dovecot's file dictionary, for the setting
// mail_attribute_dict = file:%h/Maildir/dovecot-attributes: a line for a key and one for its value, by turns.
const AttributesFile = "dovecot-attributes"

// Attribute is an entry of it.
type Attribute struct {
	Key   string
	Value []byte
}

var (
	attributeEscaper   = strings.NewReplacer("\x00", "\x010", "\x01", "\x011", "\t", "\x01t", "\r", "\x01r", "\n", "\x01n")
	attributeUnescaper = strings.NewReplacer("\x010", "\x00", "\x011", "\x01", "\x01t", "\t", "\x01r", "\r", "\x01n", "\n")
)

// FormatAttributes makes the file's contents.
func FormatAttributes(list []Attribute) []byte {
	var b bytes.Buffer
	for _, a := range list {
		b.WriteString(attributeEscaper.Replace(a.Key) + "\n")
		b.WriteString(attributeEscaper.Replace(string(a.Value)) + "\n")
	}
	return b.Bytes()
}

// ParseAttributes reads them. A key without a value is passed over.
func ParseAttributes(data []byte) (list []Attribute) {
	lines := strings.Split(string(data), "\n")
	for i := 0; i+2 < len(lines); i += 2 { // behind the last line end is nothing
		list = append(list, Attribute{attributeUnescaper.Replace(lines[i]), []byte(attributeUnescaper.Replace(lines[i+1]))})
	}
	return list
}

// ReadAttributes reads the file; nil if there is none.
func (m *Maildir) ReadAttributes() ([]byte, error) {
	data, err := ReadSmallFile(m.fs, m.Dir("")+"/"+AttributesFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("disk: read annotations: %w", err)
	}
	return data, nil
}

// WriteAttributes replaces it, durably.
func (m *Maildir) WriteAttributes(data []byte) error {
	if err := WriteFileAtomic(m.fs, m.Dir("")+"/"+AttributesFile, data); err != nil {
		return fmt.Errorf("disk: write annotations: %w", err)
	}
	return nil
}
