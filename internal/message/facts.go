package message

import "strings"

// Kind says what the bytes of a stored message are, as a set of bits. The zero Kind says nothing: only
// with Known set do absent bits mean anything.
type Kind uint16

// The bits are stored in index rows: their values never change, new ones are added at the end.
const (
	Known      Kind = 1 << iota // the whole message was scanned
	BareLF                      // at least one LF without a CR before it
	BareCR                      // at least one CR without an LF behind it
	NUL                         // at least one NUL byte
	LeadingDot                  // some line starts with "."
	NoFinalEOL                  // not empty, and the last line is not ended by LF
	NoEOH                       // no empty line ends the header
	EightBit                    // at least one byte above 0x7F
)

var kindNames = [...]string{"known", "barelf", "barecr", "nul", "dot", "nofinaleol", "noeoh", "8bit"}

// Direct reports that the bytes on disk are exactly the bytes on the IMAP wire, so a body may be
// sent straight from the file.
func (k Kind) Direct() bool { return k&(Known|BareLF|NUL) == Known }

// DirectPOP3 reports that the bytes on disk are exactly what RETR sends, without stuffing and without
// an added end.
func (k Kind) DirectPOP3() bool {
	return k&(Known|BareLF|NUL|LeadingDot|NoFinalEOL|NoEOH) == Known
}

// String lists the bits, for logs and test failures.
func (k Kind) String() string {
	var names []string
	for i, name := range kindNames {
		if k&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return strings.Join(names, ",")
}

// Facts are what one pass over the stored bytes found. They stay true as long as the file is not
// changed, which Maildir forbids.
type Facts struct {
	Disk  int64 // bytes on disk
	Wire  int64 // octets on the wire: Disk plus one CR for each bare LF
	Lines int64 // LFs, which the wire form has as many of
	Kind  Kind
}

// POP3Octets is the size that RETR, LIST and STAT announce: the octets WritePOP3 sends, not counting
// stuffed dots (RFC 1939 §11). An unended last line gets its CRLF, a header without end its empty line.
func (f Facts) POP3Octets() int64 {
	n := f.Wire
	if f.Kind&NoFinalEOL != 0 {
		n += 2
	}
	if f.Kind&NoEOH != 0 {
		n += 2
	}
	return n
}
