package message

import (
	"bytes"
	"encoding/binary"
)

// Scanner computes Facts from the stored bytes written to it, in any pieces. The zero value is
// ready. Write never fails.
type Scanner struct {
	disk    int64
	lines   int64
	bareLF  int64
	crlf    int64 // LFs with a CR before them; more CRs than this means a lone one
	cr      int64
	kind    Kind
	last    byte // the last byte of the previous piece
	started bool // a first byte was seen
	body    bool // the empty line behind the header was seen
	empty   bool // nothing, or only a CR, stands on the current line yet; kept until body
}

// Write takes the next bytes.
func (s *Scanner) Write(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if !s.started {
		s.started, s.empty = true, true
		s.last = '\n' // the message begins at the start of a line
	}
	s.disk += int64(len(p))
	s.cr += int64(bytes.Count(p, crByte))
	if s.kind&NUL == 0 && bytes.IndexByte(p, 0) >= 0 {
		s.kind |= NUL
	}
	if s.kind&EightBit == 0 && hasEightBit(p) {
		s.kind |= EightBit
	}
	if s.last == '\n' && p[0] == '.' {
		s.kind |= LeadingDot
	}
	s.scanLines(p)
	s.last = p[len(p)-1]
	return len(p), nil
}

var crByte = []byte{'\r'}

func (s *Scanner) scanLines(p []byte) {
	at := 0
	for at < len(p) {
		i := bytes.IndexByte(p[at:], '\n')
		if i < 0 {
			break
		}
		lf := at + i
		s.lines++
		before := s.last
		if lf > 0 {
			before = p[lf-1]
		}
		if before == '\r' {
			s.crlf++
		} else {
			s.bareLF++
		}
		if !s.body {
			line := p[at:lf]
			s.body = s.empty && (len(line) == 0 || (len(line) == 1 && line[0] == '\r' && (at > 0 || s.last != '\r')))
			s.empty = true
		}
		at = lf + 1
		if at < len(p) && p[at] == '.' {
			s.kind |= LeadingDot
		}
	}
	if !s.body && at < len(p) {
		// A line goes on in the next piece: it may still be empty if it is a single CR so far.
		rest := p[at:]
		s.empty = s.empty && len(rest) == 1 && rest[0] == '\r' && (at > 0 || s.last != '\r')
	}
}

// Facts says what was written so far. It may be called more than once.
func (s *Scanner) Facts() Facts {
	k := s.kind | Known
	if s.bareLF > 0 {
		k |= BareLF
	}
	if s.cr > s.crlf {
		k |= BareCR
	}
	if s.started && s.last != '\n' {
		k |= NoFinalEOL
	}
	if !s.body {
		k |= NoEOH
	}
	return Facts{Disk: s.disk, Wire: s.disk + s.bareLF, Lines: s.lines, Kind: k}
}

// ScanBytes gives the facts of a message that is in memory.
func ScanBytes(b []byte) Facts {
	var s Scanner
	s.Write(b)
	return s.Facts()
}

// hasEightBit looks at 32 bytes at a time: a byte loop would be the slowest part of the scan.
func hasEightBit(p []byte) bool {
	const high = 0x8080808080808080
	for len(p) >= 32 {
		a := binary.LittleEndian.Uint64(p) | binary.LittleEndian.Uint64(p[8:])
		b := binary.LittleEndian.Uint64(p[16:]) | binary.LittleEndian.Uint64(p[24:])
		if (a|b)&high != 0 {
			return true
		}
		p = p[32:]
	}
	for _, c := range p {
		if c >= 0x80 {
			return true
		}
	}
	return false
}
