package wire

import (
	"io"
	"sync"
)

const (
	// flushAt is how many bytes an Encoder gathers before it writes at the end of a line, in bytes.
	flushAt = 32 << 10
	// keepBuffer is the largest buffer, in bytes, that goes back to the pool.
	keepBuffer = 128 << 10
)

// buffers lends the encoders their buffers: a connection that says nothing has none.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

// Encoder writes responses. Its methods are named after grammar elements and return the Encoder, so that a
// response is one sentence:
//
//	enc.Untagged().Number(n).SP().Atom("EXISTS").CRLF()
//
// Everything is gathered in one buffer and written at Flush, at the end of a line when more than 32 KiB have come
// together, and between two elements at 64 KiB. The first error of the writer stays: Err and Flush tell it, what comes after is thrown away. An Encoder belongs to one goroutine.
type Encoder struct {
	// QuotedUTF8 sends UTF-8 in quoted strings and texts, after ENABLE UTF8=ACCEPT or IMAP4rev2
	// (RFC 9051 §4.3, RFC 6855 §3); otherwise as literals, and texts in ASCII.
	QuotedUTF8 bool
	// UTF8Texts sends UTF-8 in texts, after LANGUAGE (RFC 5255 §3.5).
	UTF8Texts bool
	// UTF8Names sends mailbox names as UTF-8; otherwise in modified UTF-7.
	UTF8Names bool

	w    io.Writer
	err  error
	buf  []byte
	own  *[]byte // the pool's handle for buf
	sent int64   // bytes written to w
	open int64   // Offset just after the last "(", for Item
}

// NewEncoder returns an encoder on w.
func NewEncoder(w io.Writer) *Encoder { return &Encoder{w: w, open: -1} }

// Reset makes e as new on w; it keeps no setting. What was not flushed is lost.
func (e *Encoder) Reset(w io.Writer) {
	e.release()
	*e = Encoder{w: w, open: -1}
}

// SetWriter exchanges the writer (STARTTLS, COMPRESS). What was not flushed goes to the new one.
func (e *Encoder) SetWriter(w io.Writer) { e.w = w }

// Err returns the first error of the writer.
func (e *Encoder) Err() error { return e.err }

// Buffered is the number of bytes not yet written.
func (e *Encoder) Buffered() int { return len(e.buf) }

// Offset counts the bytes encoded since Reset.
func (e *Encoder) Offset() int64 { return e.sent + int64(len(e.buf)) }

// Flush writes what was gathered, gives the buffer back, and flushes the writer too if it has a Flush method.
func (e *Encoder) Flush() error {
	e.write()
	e.release()
	if f, ok := e.w.(interface{ Flush() error }); ok && e.err == nil {
		e.err = f.Flush()
	}
	return e.err
}

// write hands the buffer to the writer.
func (e *Encoder) write() {
	if e.err == nil && len(e.buf) > 0 {
		var n int
		n, e.err = e.w.Write(e.buf)
		e.sent += int64(n)
	}
	e.buf = e.buf[:0]
}

// release gives the buffer back to the pool.
func (e *Encoder) release() {
	if e.own != nil && cap(e.buf) <= keepBuffer {
		*e.own = e.buf[:0]
		buffers.Put(e.own)
	}
	e.own, e.buf = nil, nil
}

// grow takes a buffer from the pool if e has none.
func (e *Encoder) grow() {
	if e.own == nil {
		e.own = buffers.Get().(*[]byte)
		e.buf = append((*e.own)[:0], e.buf...)
	}
}

func (e *Encoder) byte(b byte) *Encoder {
	if e.own == nil {
		e.grow()
	}
	e.buf = append(e.buf, b)
	return e
}

func (e *Encoder) raw(s string) *Encoder {
	if e.own == nil {
		e.grow()
	}
	e.buf = append(e.buf, s...)
	return e
}

// CRLF ends the response.
func (e *Encoder) CRLF() *Encoder {
	e.raw("\r\n")
	if len(e.buf) >= flushAt || e.err != nil {
		e.write()
	}
	return e
}

// SP writes a space. A response of many elements (SEARCH of a large mailbox) is written in pieces here.
func (e *Encoder) SP() *Encoder {
	e.byte(' ')
	if len(e.buf) >= 2*flushAt {
		e.write()
	}
	return e
}

// Special writes one byte as it is.
func (e *Encoder) Special(b byte) *Encoder { return e.byte(b) }

// Atom writes s as it is. It is for words that the program knows; what comes from outside goes
// through AString, Flag or Text.
func (e *Encoder) Atom(s string) *Encoder { return e.raw(s) }

// Untagged writes "* ".
func (e *Encoder) Untagged() *Encoder { return e.raw("* ") }

// Raw writes p as it is: structures that were encoded before, or the body of a literal.
func (e *Encoder) Raw(p []byte) *Encoder {
	if e.own == nil {
		e.grow()
	}
	e.buf = append(e.buf, p...)
	return e
}

// BeginList writes "(". Lists may be nested; each element begins with Item.
func (e *Encoder) BeginList() *Encoder {
	e.byte('(')
	e.open = e.Offset()
	return e
}

// Item writes the space between two elements: nothing directly after BeginList.
func (e *Encoder) Item() *Encoder {
	if e.Offset() == e.open {
		return e
	}
	return e.SP()
}

// EndList writes ")".
func (e *Encoder) EndList() *Encoder { return e.byte(')') }

// List writes a list of n elements, each written by f.
func (e *Encoder) List(n int, f func(i int)) *Encoder {
	e.byte('(')
	for i := range n {
		if i > 0 {
			e.SP()
		}
		f(i)
	}
	return e.byte(')')
}
