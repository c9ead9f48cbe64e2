package lmtp

import (
	"bytes"
	"io"

	"github.com/emersion/go-smtp"
)

// dots reads one dot-stuffed message (RFC 5321 §4.5.2) from a wire, in pieces as large as they come, to its end: io.EOF.
// go-smtp's own reader looks at each octet, which was two fifths of what a delivery of 1 MiB cost, and does not see the
// end of a message behind "CR CR LF".
//
// Only CR LF ends a line: what follows "LF . CR LF" in a message must not be taken for commands.
type dots struct {
	more  func([]byte) (int, error) // reads from the connection
	buf   []byte
	in    []byte // octets that are not looked at yet; what is left of them at the end are commands
	state place
	err   error
}

// place is where in a line the next octet stands.
type place uint8

const (
	begin  place = iota // of a line
	dot                 // behind the dot that begins one
	dotCR               // behind that and a CR
	inLine              // behind anything else
	cr                  // behind a CR
)

// dotsBuffer is how many octets are read at a time.
const dotsBuffer = 32 << 10

// Read gives the message without its dots. A connection that ends before it is io.ErrUnexpectedEOF.
func (d *dots) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	n := 0
	for n == 0 && d.err == nil {
		if len(d.in) == 0 {
			d.fill()
		} else {
			n = d.take(p)
		}
	}
	if n == 0 {
		return 0, d.err
	}
	return n, nil
}

func (d *dots) fill() {
	if d.buf == nil {
		d.buf = make([]byte, dotsBuffer)
	}
	n, err := d.more(d.buf)
	if d.in = d.buf[:n]; n == 0 {
		if d.err = err; err == io.EOF {
			d.err = io.ErrUnexpectedEOF
		}
	}
}

// take moves octets of the message from in to p, at most up to the end of in.
func (d *dots) take(p []byte) int {
	switch d.state {
	case begin:
		if d.state = inLine; d.in[0] == '.' {
			d.state = dot
			d.in = d.in[1:]
			return 0
		}
	case dot:
		if d.state = inLine; d.in[0] == '\r' {
			d.state = dotCR
			d.in = d.in[1:]
			return 0
		}
	case dotCR:
		if d.in[0] == '\n' {
			d.in, d.err = d.in[1:], io.EOF
			return 0
		}
		p[0] = '\r' // no end: the CR belongs to the line
		d.state = cr
		return 1
	}
	return d.text(p)
}

// text moves octets up to the next line that begins with a dot.
func (d *dots) text(p []byte) int {
	p = p[:min(len(p), len(d.in))]
	n := len(p)
	switch i := bytes.Index(d.in[:n], []byte("\r\n.")); {
	case d.state == cr && d.in[0] == '\n':
		n, d.state = 1, begin
	case i >= 0:
		n, d.state = i+2, begin
	case n > 1 && d.in[n-2] == '\r' && d.in[n-1] == '\n':
		d.state = begin
	case d.in[n-1] == '\r':
		d.state = cr
	default:
		d.state = inLine
	}
	copy(p, d.in[:n])
	d.in = d.in[n:]
	return n
}

// bounded gives smtp.ErrDataTooLarge for a message of more than left octets.
type bounded struct {
	r    io.Reader
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, smtp.ErrDataTooLarge
	}
	return n, err
}
