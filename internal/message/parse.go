package message

import (
	"bytes"
	"fmt"
	"io"
)

// Parse reads a message in wire form to its end. The error is the reader's.
func Parse(r io.Reader, limits Limits) (*Parsed, error) {
	p := NewParser(limits)
	buf := wireBuffers.Get().(*[wireChunk]byte)
	defer wireBuffers.Put(buf)
	for empty := 0; ; {
		n, err := r.Read(buf[:])
		p.Write(buf[:n])
		switch {
		case err == io.EOF:
			return p.Finish(), nil
		case err != nil:
			return nil, fmt.Errorf("message: parse: %w", err)
		case n > 0:
			empty = 0
		default:
			if empty++; empty == maxEmptyReads {
				return nil, fmt.Errorf("message: parse: %w", io.ErrNoProgress)
			}
		}
	}
}

// ParseBytes is Parse for a message in memory. The result keeps no reference to b.
func ParseBytes(b []byte, limits Limits) *Parsed {
	p := NewParser(limits)
	p.Write(b)
	return p.Finish()
}

// Parser builds the part tree from wire bytes written to it in any pieces, so that a message can be
// parsed while it is stored. It holds the current header and the start of the current line, no bodies.
type Parser struct {
	limits  Limits
	parts   int // parts opened so far
	headers int // bytes kept of part headers so far
	addrs   int // addresses kept so far

	off     int64 // octets before the current line
	lines   int64 // line ends before the current line
	prevEOL int64 // length of the line end before the current line

	// line is the start of the current line, lineLen its length so far, where it began in an earlier Write.
	line    []byte
	lineLen int64
	lineCR  bool // the last piece of it ended with CR

	state state
	hdr   []byte // the header being read
	hdrAt int    // length of hdr before the current line
	cut   bool   // hdr lacks lines that did not fit

	open  []open // the parts around the current line, outermost first
	marks int    // how many of them wait for a boundary line
	out   Parsed
}

type state uint8

const (
	inHeader state = iota
	inBody         // a boundary line may end it
	inRest         // nothing but the end of the message matters
)

// open is a part whose end is not found yet.
type open struct {
	part     *Part
	boundary string // waited for; "" if none, or after its closing line
	lines    int64  // line ends before its body
	message  bool   // it is a message, not a MIME part: root or embedded
	// multipart: it was opened for boundary lines.
	multipart bool
}

// NewParser gives a parser at the start of a message.
func NewParser(limits Limits) *Parser {
	p := &Parser{limits: limits.orDefault()}
	p.out.Root = p.push(nil, true)
	return p
}

// maxBoundary is how many bytes of a boundary count. RFC 2046 §5.1.1 allows 70.
const maxBoundary = 256

// lineKeep is how much of an unfinished line is needed to know whether it is a boundary line.
const lineKeep = len("--") + maxBoundary + len("--\r\n")

// Write takes the next bytes. It never fails.
func (p *Parser) Write(b []byte) (int, error) {
	n := len(b)
	for len(b) > 0 {
		switch {
		case p.state == inRest:
			p.lines += int64(bytes.Count(b, lfByte))
			p.off += int64(len(b))
			return n, nil
		case p.lineLen == 0 && p.state == inBody:
			b = p.skipBody(b)
		default:
			i := bytes.IndexByte(b, '\n')
			if i < 0 {
				p.partial(b)
				return n, nil
			}
			piece := b[:i+1]
			b = b[i+1:]
			if p.lineLen == 0 {
				p.keep(piece)
				p.endLine(piece, int64(len(piece)), eolLen(piece))
				continue
			}
			eol := eolLen(piece)
			if len(piece) == 1 && p.lineCR {
				eol = 2
			}
			p.partial(piece)
			p.endLine(p.line, p.lineLen, eol)
		}
	}
	return n, nil
}

var lfByte = []byte{'\n'}

// Finish ends the message and gives the result. The Parser is used up.
func (p *Parser) Finish() *Parsed {
	if p.lineLen > 0 {
		p.endLine(p.line, p.lineLen, 0)
	}
	for p.state == inHeader {
		p.endHeader(p.off, p.lines)
	}
	p.closeParts(0, p.off, p.lines)
	return &p.out
}

// partial takes a piece of a line that other pieces precede or follow.
func (p *Parser) partial(b []byte) {
	p.keep(b)
	p.lineLen += int64(len(b))
	p.lineCR = b[len(b)-1] == '\r'
	if room := lineKeep - len(p.line); room > 0 {
		p.line = append(p.line, b[:min(room, len(b))]...)
	}
}

// keep adds a piece to the header that is being read, as far as the limits allow.
func (p *Parser) keep(b []byte) {
	if p.state != inHeader {
		return
	}
	if p.lineLen == 0 {
		p.hdrAt = len(p.hdr)
	}
	limit := p.limits.MaxHeader
	if len(p.open) > 1 {
		limit = min(limit, p.limits.MaxHeaders-p.headers)
	}
	if p.cut || len(p.hdr)+len(b) > limit {
		p.cut = true
		p.hdr = p.hdr[:p.hdrAt] // whole lines only
		return
	}
	p.hdr = append(p.hdr, b...)
}

// skipBody goes over the lines of a body, up to and including the next one that may be a boundary. It
// gives the bytes behind that; an unfinished line is taken as partial.
func (p *Parser) skipBody(b []byte) []byte {
	for at := 0; ; {
		i := bytes.IndexByte(b[at:], '\n')
		next := at + i + 1
		if i >= 0 && (i < 3 || b[at] != '-' || b[at+1] != '-') {
			p.lines++
			at = next
			continue
		}
		if at > 0 {
			p.off += int64(at)
			p.prevEOL = eolLen(b[:at])
		}
		if i >= 0 {
			line := b[at:next]
			p.endLine(line, int64(len(line)), eolLen(line))
			return b[next:]
		}
		if at < len(b) {
			p.partial(b[at:])
		}
		return nil
	}
}

// eolLen is the length of the line end that b ends with.
func eolLen(b []byte) int64 {
	switch n := len(b); {
	case n == 0 || b[n-1] != '\n':
		return 0
	case n > 1 && b[n-2] == '\r':
		return 2
	}
	return 1
}

// endLine looks at a whole line: its first bytes, its length, and the length of its line end (0 at
// the end of the message).
func (p *Parser) endLine(line []byte, n, eol int64) {
	start, before, prevEOL := p.off, p.lines, p.prevEOL
	p.off += n
	if eol > 0 {
		p.lines++
	}
	p.prevEOL = eol
	p.line, p.lineLen, p.lineCR = p.line[:0], 0, false

	if p.marks > 0 {
		if at, closing := p.match(line); at >= 0 {
			if p.state == inHeader {
				p.hdr = p.hdr[:min(p.hdrAt, len(p.hdr))]
			}
			for p.state == inHeader { // a message part that begins here has an empty header too
				p.endHeader(start, before)
			}
			if prevEOL > 0 {
				before--
			}
			p.boundaryLine(at, closing, start-prevEOL, before)
			return
		}
	}
	if p.state == inHeader && n == eol {
		p.endHeader(p.off, p.lines)
	}
}
