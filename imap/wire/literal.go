package wire

import (
	"errors"
	"io"
)

// literalMinusMax is the largest non-synchronising literal of LITERAL-, in bytes (RFC 7888 §5).
const literalMinusMax = 4096

type litState uint8

const (
	litNone      litState = iota
	litAnnounced          // {n} and its line end were read, nothing decided
	litAccepted           // the client sends, or has sent, the bytes
)

// Literal is a literal whose bytes the handler reads itself: the message of APPEND. There is one per Decoder
// at a time, and it is valid until its last byte is read.
type Literal struct {
	d       *Decoder
	size    int64
	left    int64
	nonSync bool
	binary  bool
	state   litState
}

// Size is the number of bytes announced.
func (l *Literal) Size() int64 { return l.size }

// Left is the number of bytes not yet read.
func (l *Literal) Left() int64 { return l.left }

// NonSync tells whether the client sends the bytes unasked ({n+}).
func (l *Literal) NonSync() bool { return l.nonSync }

// Binary tells whether it is a literal8 (~{n}), which may hold NUL (RFC 3516 §4.4).
func (l *Literal) Binary() bool { return l.binary }

// Accept asks Decoder.Continue, which lets the client go on. It must come before the first Read, and a
// handler that refuses the literal returns its error without calling it; Resync does the rest.
func (l *Literal) Accept() error {
	if l.d == nil || l.state != litAnnounced {
		return errors.New("wire: accept: no literal announced")
	}
	return l.d.accept()
}

// Read reads from the literal; io.EOF after its last byte. If the connection ends before it, the
// error is io.ErrUnexpectedEOF, never io.EOF: half a message must not look whole.
func (l *Literal) Read(p []byte) (int, error) {
	if l.left == 0 || l.state != litAccepted {
		return 0, l.end()
	}
	if len(p) == 0 {
		return 0, nil
	}
	if int64(len(p)) > l.left {
		p = p[:l.left]
	}
	n, err := l.d.br.Read(p)
	l.left -= int64(n)
	if err != nil {
		if l.left == 0 {
			err = nil // what comes after is the next reader's matter
		} else {
			err = l.d.literalErr(err)
		}
	}
	if l.left == 0 {
		l.done()
	}
	return n, err
}

// WriteTo writes what is left to w, straight from the connection's buffer.
func (l *Literal) WriteTo(w io.Writer) (int64, error) {
	var total int64
	for l.left > 0 && l.state == litAccepted {
		p, err := l.d.chunk(l.left)
		if err != nil {
			return total, err
		}
		n, err := w.Write(p)
		if n < 0 || n > len(p) {
			n = 0
		}
		if _, derr := l.d.br.Discard(n); derr != nil {
			return total, l.d.literalErr(derr)
		}
		l.left -= int64(n)
		total += int64(n)
		if err == nil && n < len(p) {
			err = io.ErrShortWrite
		}
		if err != nil {
			return total, err
		}
	}
	if err := l.end(); err != io.EOF {
		return total, err
	}
	return total, nil
}

// Discard reads and throws away what is left.
func (l *Literal) Discard() error {
	_, err := l.WriteTo(io.Discard)
	return err
}

// end is what a read finds when it may read nothing: io.EOF after a whole literal.
func (l *Literal) end() error {
	switch {
	case l.d != nil && l.d.ioErr != nil:
		return l.d.ioErr
	case l.state == litAnnounced:
		return errors.New("wire: literal read before it was accepted")
	case l.left > 0:
		return io.ErrUnexpectedEOF
	}
	l.done()
	return io.EOF
}

// done gives the command line back to the decoder.
func (l *Literal) done() {
	if l.state == litAccepted {
		l.state = litNone
	}
}

// LiteralPending tells about a literal that was announced and not wholly read: how many bytes are
// left, and whether they come unasked. Size 0 with nonSync false also means that there is none.
func (d *Decoder) LiteralPending() (size int64, nonSync bool) {
	if d.lit.state == litNone {
		return 0, false
	}
	return d.lit.left, d.lit.nonSync
}

// Literal reads the announcement of a literal or literal8 and returns it, or nil. The handler then
// checks the size, calls Accept and reads exactly all of it before the next element.
func (d *Decoder) Literal() *Literal {
	if !d.announce() {
		return nil
	}
	return &d.lit
}

// ExpectLiteral is Literal, demanded.
func (d *Decoder) ExpectLiteral() *Literal {
	l := d.Literal()
	d.expect(l != nil, "literal")
	return l
}

// announce reads {n} {n+} ~{n} ~{n+} and the line end. LITERAL- is checked here, so that no caller forgets.
func (d *Decoder) announce() bool {
	c, ok := d.peek()
	binary := ok && c == '~' && d.literal8Next()
	if !ok || c != '{' && !binary || binary && !d.skip(1) || !d.skip(1) {
		return false
	}
	d.last = "{"
	var size uint64
	if !d.ExpectNumber64(&size) {
		return false
	}
	nonSync := d.byte('+')
	if !d.expect(d.byte('}'), "} of the literal") {
		return false
	}
	d.last = "literal announcement"
	d.byte('\r')
	if !d.expect(d.lf(), "line end") {
		return false
	}
	d.scan = scanner{}
	d.lit = Literal{d: d, size: int64(size), left: int64(size), nonSync: nonSync, binary: binary, state: litAnnounced}
	d.last = "literal"
	if d.LiteralMinus && nonSync && size > literalMinusMax {
		return d.setErr(ErrLiteralTooBig)
	}
	return true
}

// literal8Next tells whether the "~" that comes next begins a literal8; alone it is an atom.
func (d *Decoder) literal8Next() bool {
	p, err := d.br.Peek(2)
	if err != nil {
		return d.setIOErr(err)
	}
	return p[1] == '{'
}

// accept asks Continue about the literal announced.
func (d *Decoder) accept() error {
	l := &d.lit
	var err error
	switch {
	case d.Continue != nil:
		err = d.Continue(l.size, l.nonSync, l.binary)
	case !l.nonSync:
		err = ErrLiteralTooBig
	}
	if err != nil {
		d.setErr(err)
		return err
	}
	l.state = litAccepted
	if l.left == 0 {
		l.done()
	}
	return nil
}

// literalString reads a literal into d.buf.
func (d *Decoder) literalString() bool {
	if !d.announce() {
		return false
	}
	l := &d.lit
	if l.size > d.limits.String || l.size > d.limits.Strings-d.strs {
		return d.setErr(ErrLiteralTooBig)
	}
	if d.accept() != nil {
		return false
	}
	d.strs += l.size
	d.buf = d.buf[:0]
	nul := false
	for l.left > 0 {
		p, err := d.chunk(l.left)
		if err != nil {
			return false
		}
		d.buf = append(d.buf, p...)
		for _, c := range p {
			nul = nul || c == 0
		}
		l.left -= int64(len(p))
		if _, err := d.br.Discard(len(p)); err != nil {
			return d.setIOErr(err)
		}
	}
	l.done()
	if nul && !l.binary {
		return d.Fail("NUL in literal")
	}
	return d.did("literal")
}

// chunk shows up to n buffered bytes of a literal, at least one.
func (d *Decoder) chunk(n int64) ([]byte, error) {
	if _, err := d.br.Peek(1); err != nil {
		return nil, d.literalErr(err)
	}
	p, err := d.br.Peek(int(min(n, int64(d.br.Buffered()))))
	if err != nil {
		return nil, d.literalErr(err)
	}
	return p, nil
}

// literalErr keeps the reader's error; inside a literal every end is unexpected.
func (d *Decoder) literalErr(err error) error {
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	d.setIOErr(err)
	return err
}
