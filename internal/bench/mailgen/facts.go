package mailgen

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"os"
)

// Flags of message i, as in a file name. A third is read, a seventh flagged.
func Flags(i int) string {
	f := ""
	if Flagged(i) {
		f += "F"
	}
	if Seen(i) {
		f += "S"
	}
	return f
}

// Seen and Flagged are the flags of message i.
func Seen(i int) bool    { return i%3 == 0 }
func Flagged(i int) bool { return i%7 == 0 }

// Fact is what is known of a message as it goes over the wire.
type Fact struct {
	Octets uint32
	Fields uint32 // of "From To Subject Date Message-ID In-Reply-To References" with the empty line
	Sum    uint32 // CRC-32C of it all
}

// Facts are those of the messages of a mailbox, in order.
type Facts []Fact

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// FieldNames are the header fields that Fact.Fields counts, those that mail clients ask for to show a list.
var FieldNames = []string{"From", "To", "Subject", "Date", "Message-ID", "In-Reply-To", "References"}

func factOf(message []byte) Fact {
	head, _, _ := bytes.Cut(message, []byte("\r\n\r\n"))
	fields := 2
	for line := range bytes.SplitSeq(head, []byte("\r\n")) {
		for _, name := range FieldNames {
			if len(line) > len(name) && line[len(name)] == ':' && string(line[:len(name)]) == name {
				fields += len(line) + 2
			}
		}
	}
	return Fact{Octets: uint32(len(message)), Fields: uint32(fields), Sum: crc32.Checksum(message, castagnoli)}
}

// Octets is the size of all.
func (f Facts) Octets() (n int64) {
	for _, x := range f {
		n += int64(x.Octets)
	}
	return n
}

// Fields is the size of all the fields that Fact.Fields counts.
func (f Facts) Fields() (n int64) {
	for _, x := range f {
		n += int64(x.Fields)
	}
	return n
}

// Sum adds up all sums, so that the order in which messages come does not matter.
func (f Facts) Sum() (n uint32) {
	for _, x := range f {
		n += x.Sum
	}
	return n
}

// Count counts the messages for which a property holds.
func (f Facts) Count(property func(i int) bool) (n int) {
	for i := range f {
		if property(i) {
			n++
		}
	}
	return n
}

func (f Facts) save(path string) error {
	b := make([]byte, 0, 12*len(f))
	for _, x := range f {
		b = binary.LittleEndian.AppendUint32(b, x.Octets)
		b = binary.LittleEndian.AppendUint32(b, x.Fields)
		b = binary.LittleEndian.AppendUint32(b, x.Sum)
	}
	return os.WriteFile(path, b, 0o644)
}

// LoadFacts reads the first n facts of a template.
func LoadFacts(path string, n int) (Facts, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if len(b) < 12*n {
		return nil, fmt.Errorf("mailgen: %s has fewer than %d messages", path, n)
	}
	f := make(Facts, n)
	for i := range f {
		r := b[12*i:]
		f[i] = Fact{binary.LittleEndian.Uint32(r), binary.LittleEndian.Uint32(r[4:]), binary.LittleEndian.Uint32(r[8:])}
	}
	return f, nil
}
