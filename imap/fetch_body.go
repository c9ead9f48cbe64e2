package imap

import (
	"fmt"
	"io"
	"strings"

	"bascule/imap/wire"
	"bascule/internal/message"
	"bascule/maildir"
)

// piece is where the bytes of one section come from. It is found before the first byte of the
// answer is written, so that whatever can fail fails while the reply can still say so.
type piece struct {
	none   bool              // there is no such part, or no preview: NIL
	id     string            // of the items EMAILID and THREADID; the text of PREVIEW
	text   []byte            // the bytes themselves, or else
	off, n int64             // the octets of the message's wire form, or
	part   *message.Part     // a part to be decoded, to n octets
	nul    bool              // a decoded part with NULs in it: needs a literal8
	env    *message.Envelope // of the item ENVELOPE
}

// maxHeader bounds what is read into memory to pick fields out of a header.
const maxHeader = 1 << 20

// keptFields tells whether a section is some fields of the message's header, all of which the index keeps.
func keptFields(s wire.Section) bool {
	return len(s.Part) == 0 && s.Text == "HEADER.FIELDS" && maildir.Keeps(s.Fields)
}

// bodySection finds the octets of BODY[section] (RFC 9051 §6.4.5.1). kept is what keptFields says of it.
func (f *fetched) bodySection(s wire.Section, kept bool) (piece, error) {
	switch {
	case len(s.Part) > 0:
		return f.partSection(s)
	case s.Text == "":
		if err := f.openBody(); err != nil {
			return piece{}, err
		}
		return piece{n: f.body.Size()}, nil
	case kept && f.parsed.HasAll():
		// What mail programs list mail by comes from the index.
		h, err := f.parsed.Header()
		if err != nil {
			return piece{}, err
		}
		return f.filtered(h, s), nil
	}
	root, err := f.structure()
	if err != nil {
		return piece{}, err
	}
	return f.messageSection(root, s)
}

// messageSection finds HEADER, TEXT and header fields of a message, the whole or an embedded one.
func (f *fetched) messageSection(m *message.Part, s wire.Section) (piece, error) {
	if err := f.openBody(); err != nil {
		return piece{}, err
	}
	header := piece{off: m.HeaderOff, n: m.BodyOff - m.HeaderOff}
	switch s.Text {
	case "TEXT":
		return f.inside(piece{off: m.BodyOff, n: m.Size()}), nil
	case "HEADER":
		return f.inside(header), nil
	}
	h := make([]byte, min(header.n, maxHeader))
	n, err := io.ReadFull(f.body.Section(header.off, int64(len(h))), h)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return piece{}, fmt.Errorf("imap: read header: %w", err)
	}
	return f.filtered(h[:n], s), nil
}

// partSection finds a part, its MIME header, or what is in an embedded message.
func (f *fetched) partSection(s wire.Section) (piece, error) {
	part, err := f.part(s.Part)
	if part == nil || err != nil {
		return piece{none: true}, err
	}
	if err := f.openBody(); err != nil {
		return piece{}, err
	}
	switch s.Text {
	case "":
		return f.inside(piece{off: part.BodyOff, n: part.Size()}), nil
	case "MIME":
		return f.inside(piece{off: part.HeaderOff, n: part.BodyOff - part.HeaderOff}), nil
	}
	inner := part.Message()
	if inner == nil {
		return piece{none: true}, nil
	}
	return f.messageSection(inner, s)
}

// inside keeps a section within the file as it is now. A stranger may have shortened it since it was parsed, and no more can be sent
// than there is.
func (f *fetched) inside(p piece) piece {
	p.off = min(p.off, f.body.Size())
	p.n = min(p.n, f.body.Size()-p.off)
	return p
}

// filtered picks fields out of a header.
func (f *fetched) filtered(header []byte, s wire.Section) piece {
	start := len(f.scratch)
	f.scratch = message.FilterHeader(f.scratch, header, s.Fields, s.Text == "HEADER.FIELDS.NOT")
	b := f.scratch[start:]
	return piece{text: b, n: int64(len(b))}
}

// part finds a part by its numbers; nil if there is none.
func (f *fetched) part(numbers []uint32) (*message.Part, error) {
	root, err := f.structure()
	if err != nil {
		return nil, err
	}
	path := make([]int, len(numbers))
	for i, n := range numbers {
		path[i] = int(n)
	}
	part, _ := (&message.Parsed{Root: root}).Section(path)
	return part, nil
}

// binary finds the octets of BINARY[section]: the part without its transfer encoding (RFC 3516 §4.2).
func (f *fetched) binary(s wire.Section) (piece, error) {
	part, err := f.part(s.Part)
	if part == nil || err != nil {
		return piece{none: true}, err
	}
	if err := f.openBody(); err != nil {
		return piece{}, err
	}
	switch {
	case len(s.Part) == 0:
		return piece{n: f.body.Size()}, nil
	case part.IsMultipart() || isIdentity(part.Encoding):
		return f.inside(piece{off: part.BodyOff, n: part.Size()}), nil
	}
	// The size must be known before the first byte is sent, so the part is decoded twice rather than kept.
	p := piece{part: part}
	r, err := f.decoded(part)
	if err != nil {
		return piece{}, err
	}
	var count nulCounter
	if p.n, err = io.Copy(&count, r); err != nil {
		return piece{}, fmt.Errorf("imap: decode part: %w", err)
	}
	p.nul = count.found
	return p, nil
}

// decoded reads a part without its transfer encoding. The lines of text end with CRLF, whatever the sender encoded
// (RFC 9051 §7.5.2).
func (f *fetched) decoded(part *message.Part) (io.Reader, error) {
	r, err := message.DecodeTransfer(f.body.Section(part.BodyOff, part.Size()), part.Encoding)
	if err == nil && strings.EqualFold(part.Type, "text") {
		r = message.NewCRLFReader(r)
	}
	return r, err
}

// isIdentity tells whether a transfer encoding leaves the bytes as they are.
func isIdentity(encoding string) bool {
	switch strings.ToLower(strings.Trim(encoding, " \t")) {
	case "", "7bit", "8bit", "binary":
		return true
	}
	return false
}

type nulCounter struct{ found bool }

func (c *nulCounter) Write(p []byte) (int, error) {
	for _, b := range p {
		c.found = c.found || b == 0
	}
	return len(p), nil
}

// cut applies a partial: bytes outside of the section are left out, without an error (RFC 9051 §6.4.5).
func (p *piece) cut(part *wire.Partial) (skip, n int64) {
	if part == nil {
		return 0, p.n
	}
	if part.Offset >= uint64(p.n) {
		return 0, 0
	}
	skip = int64(part.Offset)
	n = p.n - skip
	if part.Count < uint64(n) {
		n = int64(part.Count)
	}
	return skip, n
}

// writePiece writes a section as a literal.
func (f *fetched) writePiece(enc *wire.Encoder, p piece, partial *wire.Partial) {
	if p.none {
		enc.NIL()
		return
	}
	skip, n := p.cut(partial)
	switch {
	case p.nul:
		enc.Literal8Header(n)
	default:
		enc.LiteralHeader(n)
	}
	switch {
	case n == 0:
	case p.text != nil:
		enc.Raw(p.text[skip : skip+n])
	case p.part != nil:
		enc.Body(n, func(w io.Writer) (int64, error) {
			r, err := f.decoded(p.part)
			if err == nil && skip > 0 {
				_, err = io.CopyN(io.Discard, r, skip)
			}
			if err != nil {
				return 0, err
			}
			return io.Copy(w, io.LimitReader(r, n))
		})
	default:
		enc.Body(n, func(w io.Writer) (int64, error) { return f.body.WriteRange(w, p.off+skip, n) })
	}
}

// fetched is one message while its answer is made.
type fetched struct {
	c      *conn
	from   maildir.Reading // of its mailbox
	seq    SeqNum
	msg    *maildir.Message
	parsed maildir.Parsed // valid during the answer
	root   *message.Part  // nil until it is wanted
	unpack maildir.Decoder
	body   *maildir.Body // nil until it is wanted
	pieces []piece       // in the order of the plan's items
	// scratch holds the bytes of the pieces that were put together.
	scratch []byte
}

// structure is the message's part tree.
func (f *fetched) structure() (root *message.Part, err error) {
	if f.root == nil {
		f.root, err = f.unpack.Root(f.parsed)
	}
	return f.root, err
}

// openBody opens the message's file, once.
func (f *fetched) openBody() (err error) {
	if f.body == nil {
		f.body, err = f.from.Open(f.c.ctx, f.msg)
	}
	return err
}

func (f *fetched) close() {
	if f.body != nil {
		f.body.Close()
		f.body = nil
	}
	f.root, f.scratch = nil, f.scratch[:0]
}
