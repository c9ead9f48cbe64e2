package wire

import (
	"bufio"
	"strconv"
	"strings"
)

// maxSectionDepth bounds the part numbers of a section, as deep as any message structure is followed.
const maxSectionDepth = 100

// Section is what stands in the brackets of BODY[] and BINARY[] (RFC 9051 §9 section-spec). The zero value is the
// whole message.
type Section struct {
	Part   []uint32 // part numbers, none 0
	Text   string   // "", HEADER, HEADER.FIELDS, HEADER.FIELDS.NOT, TEXT, or MIME, in upper case
	Fields []string // of HEADER.FIELDS and HEADER.FIELDS.NOT, as the client wrote them
}

// Partial is the range of BODY[]<offset.count>, in bytes (RFC 9051 §6.4.5).
type Partial struct{ Offset, Count uint64 }

// ExpectSection reads a section with its brackets.
func (d *Decoder) ExpectSection(s *Section) bool {
	*s = Section{}
	return d.ExpectSpecial('[') && d.sectionSpec(s) && d.ExpectSpecial(']')
}

// ParseSection parses a section without brackets, as it stands in a URL (RFC 5092 §6.1).
func ParseSection(text string) (s Section, ok bool) {
	d := NewDecoder(bufio.NewReader(strings.NewReader("[" + text + "]\r\n")))
	ok = d.Begin() == nil && d.ExpectSection(&s) && d.ExpectCRLF()
	return s, ok
}

// ExpectPartSection reads a section of BINARY: part numbers only (RFC 3516 §7).
func (d *Decoder) ExpectPartSection(s *Section) bool {
	if !d.ExpectSection(s) {
		return false
	}
	if s.Text != "" {
		return d.Fail("expected part numbers only in section")
	}
	return true
}

func (d *Decoder) sectionSpec(s *Section) bool {
	var n uint32
	for d.Number(&n) {
		if n == 0 {
			return d.Fail("part number 0")
		}
		if len(s.Part) == maxSectionDepth {
			return d.Fail("section too deep")
		}
		s.Part = append(s.Part, n)
		if !d.Special('.') {
			return d.err == nil
		}
	}
	if d.err != nil {
		return false
	}
	if !d.Att(&s.Text) {
		if len(s.Part) > 0 {
			return d.expected("part number or section text")
		}
		return d.err == nil
	}
	switch s.Text {
	case "HEADER", "TEXT":
		return true
	case "MIME":
		if len(s.Part) == 0 {
			return d.Fail("MIME needs a part number")
		}
		return true
	case "HEADER.FIELDS", "HEADER.FIELDS.NOT":
		if !d.ExpectSP() || !d.ExpectList(func() bool {
			var f string
			if !d.ExpectAString(&f) {
				return false
			}
			s.Fields = append(s.Fields, f)
			return true
		}) {
			return false
		}
		if len(s.Fields) == 0 {
			return d.Fail("expected header field names")
		}
		return true
	}
	return d.Fail("unknown section text")
}

// Partial reads <offset.count>. A count of 0 is an error by the grammar.
func (d *Decoder) Partial(p *Partial) bool {
	if !d.Special('<') {
		return false
	}
	if !d.ExpectNumber64(&p.Offset) || !d.ExpectSpecial('.') || !d.ExpectNumber64(&p.Count) || !d.ExpectSpecial('>') {
		return false
	}
	if p.Count == 0 {
		return d.Fail("partial of 0 bytes")
	}
	return true
}

// Section writes a section with its brackets, as it stands in the answer; header fields go out as a client sent them.
func (e *Encoder) Section(s Section) *Encoder {
	e.byte('[')
	for i, n := range s.Part {
		if i > 0 {
			e.byte('.')
		}
		e.buf = strconv.AppendUint(e.buf, uint64(n), 10)
	}
	if s.Text != "" {
		if len(s.Part) > 0 {
			e.byte('.')
		}
		e.Atom(s.Text)
	}
	if len(s.Fields) > 0 {
		e.SP().BeginList()
		for _, f := range s.Fields {
			e.Item().AString(f)
		}
		e.EndList()
	}
	return e.byte(']')
}
