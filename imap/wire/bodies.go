package wire

import (
	"fmt"
	"io"
	"strconv"
)

// inlineLiteral is the largest literal, in bytes, that is copied into the buffer instead of being written by itself.
const inlineLiteral = 16 << 10

// LiteralHeader announces a literal of size bytes, which must follow: by Raw, or after Flush on the writer itself.
func (e *Encoder) LiteralHeader(size int64) *Encoder {
	e.byte('{')
	e.buf = strconv.AppendInt(e.buf, size, 10)
	return e.raw("}\r\n")
}

// Literal8Header announces a literal8, which may hold NUL (RFC 3516 §4.4).
func (e *Encoder) Literal8Header(size int64) *Encoder { return e.byte('~').LiteralHeader(size) }

// Literal writes p as a literal. NUL becomes 0x80.
func (e *Encoder) Literal(p []byte) *Encoder {
	e.LiteralHeader(int64(len(p)))
	start := len(e.buf)
	e.Raw(p)
	noNUL(e.buf[start:])
	return e
}

// Literal8 writes p as a literal8.
func (e *Encoder) Literal8(p []byte) *Encoder { return e.Literal8Header(int64(len(p))).Raw(p) }

// Stream writes size bytes of r, the body of a literal whose header was written. A small one joins the
// buffer; before a big one the buffer is written, and r goes to the writer by io.Copy, so that a file
// reaches a socket by sendfile. The bytes are sent as they are.
//
// If r ends early the error is ErrShortLiteral: the client still waits for bytes, and the connection must be closed.
func (e *Encoder) Stream(r io.Reader, size int64) *Encoder {
	return e.Body(size, func(w io.Writer) (int64, error) {
		return io.Copy(w, &io.LimitedReader{R: r, N: size})
	})
}

// Body is Stream for a source that writes itself: write must put exactly size bytes into w, and what
// it returns is what it wrote.
func (e *Encoder) Body(size int64, write func(w io.Writer) (int64, error)) *Encoder {
	if e.err != nil {
		return e
	}
	var n int64
	var err error
	if size <= inlineLiteral {
		e.grow()
		before := len(e.buf)
		_, err = write(inline{e})
		n = int64(len(e.buf) - before)
		if err != nil || n != size {
			e.buf = e.buf[:before] // nothing behind the header; the connection ends here anyway
		}
	} else {
		e.write()
		if e.err != nil {
			return e
		}
		n, err = write(e.w)
		e.sent += n
	}
	switch {
	case err != nil:
		e.err = fmt.Errorf("wire: send literal: %w", err)
	case n != size:
		e.err = fmt.Errorf("wire: send literal: %w: %d of %d bytes", ErrShortLiteral, n, size)
	}
	return e
}

// inline appends to the buffer of an encoder.
type inline struct{ e *Encoder }

func (w inline) Write(p []byte) (int, error) {
	w.e.buf = append(w.e.buf, p...)
	return len(p), nil
}

// ReadFrom saves io.Copy its own buffer.
func (w inline) ReadFrom(r io.Reader) (int64, error) {
	var total int64
	for {
		b := w.e.buf
		if len(b) == cap(b) {
			b = append(b, 0)[:len(b)]
		}
		n, err := r.Read(b[len(b):cap(b)])
		w.e.buf = b[:len(b)+n]
		total += int64(n)
		if err == io.EOF {
			return total, nil
		}
		if err != nil {
			return total, err
		}
	}
}

// Writer flushes and returns the writer underneath, for bodies that the caller writes himself. What is written there
// does not count in Offset.
func (e *Encoder) Writer() (io.Writer, error) {
	e.write()
	return e.w, e.err
}

// noNUL replaces NUL by 0x80, as POP3 does for clients that hang on it: a literal must not hold NUL (RFC 9051 §9 CHAR8).
func noNUL(p []byte) {
	for i, c := range p {
		if c == 0 {
			p[i] = 0x80
		}
	}
}
