package wire

import (
	"bufio"
	"errors"
	"fmt"
	"io"
)

// Source is what a Decoder reads from; a *bufio.Reader is one. Peek must be able to show any number of bytes that Buffered
// counts, and at least one more.
type Source interface {
	io.Reader
	Peek(n int) ([]byte, error)
	Discard(n int) (int, error)
	Buffered() int
}

// Limits bound what one command may cost. All are in bytes, save Depth.
type Limits struct {
	Line    int64 // a whole command, its literals left out
	String  int64 // one literal that is kept in memory (see String, AString)
	Strings int64 // all such literals of one command together
	Drain   int64 // what one Resync may skip before it gives up with ErrDesync
	Depth   int   // parentheses within parentheses
}

// BeforeLogin are the limits for a client that has not shown a password yet.
func BeforeLogin() Limits {
	return Limits{Line: 8 << 10, String: 8 << 10, Strings: 16 << 10, Drain: 64 << 10, Depth: 8}
}

// AfterLogin are the limits for a known user: webmail sends UID sets of up to 2 MiB in one line.
func AfterLogin() Limits {
	return Limits{Line: 2 << 20, String: 64 << 10, Strings: 1 << 20, Drain: 8 << 20, Depth: 32}
}

// keepScratch is the largest scratch buffer, in bytes, that outlives a command.
const keepScratch = 1 << 10

// Decoder reads commands from a client.
//
// Methods named after a grammar element try to read it: they return false, with nothing consumed,
// if something else begins at this place. The Expect methods demand it and set the sticky error. An element
// that has begun and then goes wrong sets the error in both. After an error every method returns
// false; Err tells it, Resync makes the stream usable again.
//
// A Decoder belongs to one goroutine. It never reads past the end of a command, so its reader may be
// exchanged between commands (STARTTLS, COMPRESS, a pooled buffer).
type Decoder struct {
	// Continue is asked before the bytes of a literal are read: it refuses with an error (which
	// becomes Err) or accepts with nil. For a synchronising literal it must, before it accepts, write
	// and flush the "+" line, for the client waits for it. A nil Continue accepts non-synchronising literals only.
	Continue func(size int64, nonSync, binary bool) error
	// QuotedUTF8 allows UTF-8 in quoted strings (RFC 9051 §4.3, RFC 6855 §3). 8-bit bytes that are not UTF-8
	// are always refused there.
	QuotedUTF8 bool
	// UTF8Names takes mailbox names as UTF-8; otherwise they are decoded from modified UTF-7.
	UTF8Names bool
	// LiteralMinus refuses non-synchronising literals over 4096 bytes (RFC 7888 §5).
	LiteralMinus bool

	// Interrupted tells which errors of the reader leave ReadLine able to go on: the connection was
	// woken, or a deadline passed. If nil, os.ErrDeadlineExceeded is one.
	Interrupted func(error) bool

	br     Source
	limits Limits

	// The command being read.
	err     error  // first error; cleared by Begin
	last    string // the last element read, for the error text
	line    int64  // bytes of the command so far, literals left out
	strs    int64  // bytes of literals kept in memory so far
	depth   int    // open parentheses
	touched bool   // a byte of it was seen: it must be read or skipped, even if no element wanted it
	ended   bool   // the CRLF was consumed, or a synchronising literal was refused
	buf     []byte // scratch for the element being read
	partial bool   // buf holds the begin of a ReadLine cut short by a deadline

	// The place in the stream.
	ioErr error // the reader failed, or the place is lost; for ever
	scan  scanner
	lit   Literal // the literal announced or being read
}

// NewDecoder returns a decoder with the limits of BeforeLogin, ready for Begin.
func NewDecoder(br Source) *Decoder {
	d := new(Decoder)
	d.Reset(br)
	return d
}

// Reset makes d as new, for another connection; it keeps no setting and no callback.
func (d *Decoder) Reset(br Source) {
	*d = Decoder{br: br, limits: BeforeLogin(), ended: true}
}

// SetReader exchanges the reader between two commands. What the old one has buffered is the
// caller's to move or, at STARTTLS, to throw away (RFC 9051 §6.2.1).
func (d *Decoder) SetReader(br Source) { d.br = br }

// SetLimits sets the limits, for the command being read too.
func (d *Decoder) SetLimits(l Limits) { d.limits = l }

// Begin prepares for a new command. It reads nothing. It fails with ErrDesync if the previous
// command was neither read to its end nor given to Resync, and with the reader's error if it has failed.
func (d *Decoder) Begin() error {
	if d.ioErr != nil {
		return d.ioErr
	}
	if !d.atStart() {
		return ErrDesync
	}
	d.begin()
	return nil
}

func (d *Decoder) begin() {
	d.err, d.last = nil, ""
	d.line, d.strs, d.depth = 0, 0, 0
	d.touched, d.ended, d.partial = false, false, false
	d.scan = scanner{}
	d.lit = Literal{}
	if cap(d.buf) > keepScratch {
		d.buf = nil
	}
}

// atStart tells whether the next byte of the stream is the first of a command.
func (d *Decoder) atStart() bool {
	return d.lit.state == litNone && (d.ended || !d.touched && d.err == nil)
}

// Err returns the first error of this command: a *SyntaxError, ErrLineTooLong, ErrLiteralTooBig, what
// Continue returned, or the reader's error.
func (d *Decoder) Err() error { return d.err }

// IOErr returns the error of the reader (io.EOF at a clean end between commands), or ErrDesync when the
// place in the stream is lost. After it nothing can be read any more.
func (d *Decoder) IOErr() error { return d.ioErr }

// Ended tells whether the command was read to its end.
func (d *Decoder) Ended() bool { return d.ended }

// Fail sets the error to a SyntaxError with this text, unless there is one already, and returns
// false. For handlers that find a wrong word where the grammar allows a few.
func (d *Decoder) Fail(text string) bool {
	if d.err == nil {
		d.err = &SyntaxError{Text: text}
	}
	return false
}

func (d *Decoder) setErr(err error) bool {
	if d.err == nil {
		d.err = err
	}
	return false
}

// setIOErr keeps the reader's error; in the midst of a command EOF is unexpected.
func (d *Decoder) setIOErr(err error) bool {
	if err == io.EOF && !d.atStart() {
		err = io.ErrUnexpectedEOF
	}
	if errors.Is(err, bufio.ErrBufferFull) || errors.Is(err, bufio.ErrNegativeCount) {
		err = fmt.Errorf("wire: read: %w", err)
	}
	if d.ioErr == nil {
		d.ioErr = err
	}
	return d.setErr(err)
}

// expected sets the syntax error for a missing element.
func (d *Decoder) expected(what string) bool {
	if d.err != nil {
		return false
	}
	text := "expected " + what
	if d.last != "" {
		text += " after " + d.last
	}
	if c, ok := d.peek(); ok {
		text += ", found " + byteName(c)
	}
	return d.Fail(text)
}

// byteName says in words what stands in the way.
func byteName(c byte) string {
	switch {
	case c == '\r' || c == '\n':
		return "end of line"
	case c == ' ':
		return "SP"
	case c > ' ' && c < 0x7f:
		return fmt.Sprintf("%q", string(rune(c)))
	}
	return fmt.Sprintf("byte 0x%02X", c)
}

// expect turns the result of a try into a demand.
func (d *Decoder) expect(ok bool, what string) bool {
	return ok || d.expected(what)
}

// did notes the element just read and returns true.
func (d *Decoder) did(what string) bool {
	d.last = what
	return true
}

// peek shows the next byte of the command.
func (d *Decoder) peek() (byte, bool) {
	if !d.ready() {
		return 0, false
	}
	p, err := d.br.Peek(1)
	if err != nil {
		return 0, d.setIOErr(err)
	}
	d.touched = true
	return p[0], true
}

// Ahead tells whether the command goes on with these bytes, letters in upper or lower case. It consumes nothing, and waits
// for no byte more than it has to see.
func (d *Decoder) Ahead(upper string) bool {
	if _, ok := d.peek(); !ok {
		return false
	}
	for i := range len(upper) {
		p, err := d.br.Peek(i + 1)
		if err != nil {
			return d.setIOErr(err)
		}
		c := p[i]
		if c >= 'a' && c <= 'z' {
			c -= 'a' - 'A'
		}
		if c != upper[i] {
			return false
		}
	}
	return true
}

// ready tells whether a byte of the command line may be read.
func (d *Decoder) ready() bool {
	switch {
	case d.err != nil:
		return false
	case d.ioErr != nil:
		return d.setErr(d.ioErr)
	case d.ended:
		return d.Fail("command ended early")
	case d.lit.state != litNone:
		return d.Fail("literal not read")
	}
	return true
}

// skip consumes the first n buffered bytes, none of them beyond a LF.
func (d *Decoder) skip(n int) bool {
	p, err := d.br.Peek(n)
	if err != nil {
		return d.setIOErr(err)
	}
	d.scan.write(p)
	d.line += int64(n)
	if _, err = d.br.Discard(n); err != nil {
		return d.setIOErr(err)
	}
	if d.line > d.limits.Line {
		return d.setErr(ErrLineTooLong)
	}
	return true
}

// lf consumes a LF. It heeds no line limit: an error between the LF and its evaluation would hide a
// literal that the line announces.
func (d *Decoder) lf() bool {
	c, ok := d.peek()
	if !ok || c != '\n' {
		return false
	}
	if _, err := d.br.Discard(1); err != nil {
		return d.setIOErr(err)
	}
	d.line++
	return true
}

// byte consumes b if it comes next.
func (d *Decoder) byte(b byte) bool {
	c, ok := d.peek()
	return ok && c == b && d.skip(1)
}

// take appends the bytes of class c that come next to d.buf; false if an error came up.
func (d *Decoder) take(c charClass) bool {
	for {
		if _, ok := d.peek(); !ok {
			return false
		}
		p, err := d.br.Peek(d.br.Buffered())
		if err != nil {
			return d.setIOErr(err)
		}
		// One byte over the limit is enough to see it; the rest is left to Resync.
		if room := d.limits.Line - d.line + 1; int64(len(p)) > room {
			p = p[:max(room, 0)]
		}
		n := 0
		for n < len(p) && classes[p[n]]&c != 0 {
			n++
		}
		d.buf = append(d.buf, p[:n]...)
		if !d.skip(n) {
			return false
		}
		if n < len(p) {
			return true
		}
	}
}

// word reads one or more bytes of class c into d.buf.
func (d *Decoder) word(c charClass) bool {
	b, ok := d.peek()
	if !ok || !is(b, c) || b == '~' && d.literal8Next() {
		return false
	}
	d.buf = d.buf[:0]
	return d.take(c)
}
