package message

import (
	"io"
	"unicode/utf8"

	"golang.org/x/text/transform"
)

// What SEARCH looks into beside a message's own header: its text parts, decoded to UTF-8, and the headers of embedded messages. Whoever
// scans for a text and whoever indexes texts see the same octets, because both get them here.

// Octets is a message in wire form.
type Octets interface {
	// Append appends n octets from off on to dst, fewer if the message ends before.
	Append(dst []byte, off, n int64) ([]byte, error)
	// Section reads the same.
	Section(off, n int64) io.Reader
}

const (
	// SmallMessage is up to which size, in octets, a message is read at once, whatever is in it.
	SmallMessage = 64 << 10
	// MaxWholeText is up to which size, in octets as encoded, a text comes in one piece.
	MaxWholeText = 1 << 20
	// textPiece is how large the pieces of longer texts are, in decoded octets.
	textPiece = 64 << 10
	// maxEmbeddedHeader bounds what is read of an embedded message's header.
	maxEmbeddedHeader = 64 << 10
)

// SearchText goes through the searchable texts of one message after the other, in the same memory. It is used by one goroutine.
type SearchText struct {
	src  Octets
	root *Part
	all  []byte // the whole message, if it is small

	raw, decoded, text, header []byte
	fn                         func(text []byte, whole bool) bool
	overlap                    int
	err                        error
}

// Open begins with a message. Nothing of the one before is valid any more.
func (t *SearchText) Open(src Octets, root *Part) (err error) {
	t.src, t.root, t.all, t.err = src, root, nil, nil
	if root.EndOff <= SmallMessage {
		t.raw, err = src.Append(t.raw[:0], 0, root.EndOff)
		t.all = t.raw
	}
	return err
}

// OpenWhole begins with a message that was read already. It must not change until the next begins.
func (t *SearchText) OpenWhole(all []byte, root *Part) {
	t.src, t.root, t.all, t.err = nil, root, all, nil
}

// Header is the message's own header, at most max octets of it, valid until the next Open.
func (t *SearchText) Header(max int64) ([]byte, error) {
	n := min(t.root.BodyOff, max)
	if t.all != nil {
		return cut(t.all, 0, n), nil
	}
	var err error
	t.header, err = t.src.Append(t.header[:0], 0, n)
	return t.header, err
}

// Walk calls fn with each text until it returns false. A text of more than MaxWholeText comes in pieces, whole is false, and each but
// the first begins with at least overlap octets of the one before. text is valid during the call.
func (t *SearchText) Walk(overlap int, fn func(text []byte, whole bool) bool) error {
	t.fn, t.overlap = fn, overlap
	t.part(t.root)
	t.fn = nil
	return t.err
}

// part goes through a part and those in it; false: no further.
func (t *SearchText) part(p *Part) bool {
	if inner := p.Message(); inner != nil {
		raw, err := t.section(inner.HeaderOff, min(inner.BodyOff-inner.HeaderOff, maxEmbeddedHeader))
		if err != nil {
			t.err = err
			return false
		}
		t.text = AppendHeaderText(t.text[:0], raw)
		if !t.fn(t.text, true) {
			return false
		}
	}
	for _, child := range p.Children {
		if !t.part(child) {
			return false
		}
	}
	if len(p.Children) > 0 || !equalName(p.Type, "text") {
		return true
	}
	if p.Size() > MaxWholeText && t.src != nil {
		return t.long(p)
	}
	raw, err := t.section(p.BodyOff, p.Size())
	if err != nil {
		t.err = err
		return false
	}
	return t.fn(t.decode(raw, p), true)
}

// section gives octets of the message, valid until the next call.
func (t *SearchText) section(off, n int64) ([]byte, error) {
	if t.all != nil {
		return cut(t.all, off, n), nil
	}
	var err error
	t.raw, err = t.src.Append(t.raw[:0], off, n)
	return t.raw, err
}

// cut is a section of b, as far as b goes: a file may have become shorter since it was parsed.
func cut(b []byte, off, n int64) []byte {
	size := int64(len(b))
	return b[min(off, size):min(off+n, size)]
}

// decode gives the UTF-8 form of a text part.
func (t *SearchText) decode(raw []byte, p *Part) []byte {
	switch transferOf(p.Encoding) {
	case transferBase64:
		t.decoded = new(base64State).step(t.decoded[:0], raw, true)
		raw = t.decoded
	case transferQuoted:
		t.decoded = new(qpState).step(t.decoded[:0], raw, true)
		raw = t.decoded
	}
	charset := p.Charset()
	if isUTF8Name(charset) && utf8.Valid(raw) {
		return raw
	}
	enc := findCharset(charset)
	if enc == nil && utf8.Valid(raw) {
		return raw
	}
	text, _, err := transform.Append(charsetDecoder(charset), t.text[:0], raw)
	t.text = text
	if err != nil { // no decoder of ours fails
		return raw
	}
	return text
}

// long goes through a text that is not held in memory.
func (t *SearchText) long(p *Part) bool {
	raw := t.src.Section(p.BodyOff, p.Size())
	decoded, err := DecodeTransfer(raw, p.Encoding)
	if err != nil {
		decoded = raw
	}
	r := DecodeCharset(decoded, p.Charset())
	if need := textPiece + t.overlap; cap(t.text) < need {
		t.text = make([]byte, need)
	}
	buf := t.text[:textPiece+t.overlap]
	have := 0 // octets of the piece before, and those of half a character
	for {
		n, err := io.ReadFull(r, buf[have:])
		n += have
		end := err == io.EOF || err == io.ErrUnexpectedEOF
		if err != nil && !end {
			t.err = err
			return false
		}
		last := n
		if !end {
			for last > 0 && n-last < utf8.UTFMax-1 && !utf8.RuneStart(buf[last-1]) {
				last--
			}
			last-- // the last character may go on in the next piece
		}
		if !t.fn(buf[:last], false) {
			return false
		}
		if end {
			return true
		}
		from := max(last-t.overlap, 0)
		for from > 0 && !utf8.RuneStart(buf[from]) {
			from--
		}
		have = copy(buf, buf[from:n])
	}
}

// AppendHeaderText appends a header as text: each field in one line, its encoded words decoded.
func AppendHeaderText(dst, header []byte) []byte {
	for f := range Fields(header) {
		dst = append(dst, f.Name...)
		dst = append(dst, ": "...)
		dst = f.AppendText(dst)
		dst = append(dst, '\n')
	}
	return dst
}

// AppendText appends a field's content as text: in one line, its encoded words decoded.
func (f Field) AppendText(dst []byte) []byte {
	raw := f.rawValue()
	if !plainField(raw) {
		return append(dst, DecodeHeader(Unfold(raw))...)
	}
	for len(raw) > 0 && isBlankByte(raw[0]) {
		raw = raw[1:]
	}
	for len(raw) > 0 && isBlankByte(raw[len(raw)-1]) {
		raw = raw[:len(raw)-1]
	}
	for _, c := range raw {
		if c != '\r' && c != '\n' && c != 0 {
			dst = append(dst, c)
		}
	}
	return dst
}

func isBlankByte(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == 0 }

// plainField says that a field has nothing to decode, also when its line ends and NULs are taken out.
func plainField(raw []byte) bool {
	for i, c := range raw {
		if c >= utf8.RuneSelf || c == '=' && i+1 < len(raw) && (raw[i+1] == '?' || raw[i+1] == '\r' || raw[i+1] == '\n' || raw[i+1] == 0) {
			return false
		}
	}
	return true
}
