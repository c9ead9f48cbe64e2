package message

import (
	"bytes"
	"io"
	"sync"
)

// wireChunk is how much a reader takes from its source at once.
const wireChunk = 32 << 10

var wireBuffers = sync.Pool{New: func() any { return new([wireChunk]byte) }}

// NewWireReader gives the wire form of stored bytes: bare LF becomes CRLF, NUL becomes 0x80 (Outlook hangs on a
// NUL), all else, a lone CR too, stays. The octets are exactly Facts.Wire. Needed only where
// Kind.Direct is false.
//
// The reader borrows a buffer and gives it back when the source ends or fails; one that is left
// unread is collected as garbage.
func NewWireReader(r io.Reader) io.Reader {
	return &lineReader{src: r, nul: true, last: '\n'}
}

// NewCRLFReader makes CRLF of each bare LF and changes nothing else. It is for messages that this
// server writes itself.
func NewCRLFReader(r io.Reader) io.Reader {
	return &lineReader{src: r, last: '\n'}
}

// WireBytes is NewWireReader for a message in memory. It gives b itself when nothing changes.
func WireBytes(b []byte) []byte {
	f := ScanBytes(b)
	if f.Kind.Direct() {
		return b
	}
	out := make([]byte, f.Wire)
	lr := lineReader{nul: true, last: '\n', pending: b}
	n := 0
	for len(lr.pending) > 0 {
		n += lr.convert(out[n:])
	}
	return out[:n]
}

type lineReader struct {
	src     io.Reader
	nul     bool
	buf     *[wireChunk]byte
	pending []byte // read and not converted yet
	last    byte   // the byte before pending
	owed    bool   // a CR was given for the bare LF that pending starts with
	err     error  // what the source said last
}

func (l *lineReader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	n := 0
	for n == 0 {
		if len(l.pending) == 0 {
			if l.err != nil {
				l.release()
				return 0, l.err
			}
			l.fill()
			continue
		}
		n = l.convert(p)
	}
	return n, nil
}

// maxEmptyReads ends a source that gives neither bytes nor an error, as bufio does.
const maxEmptyReads = 100

func (l *lineReader) fill() {
	if l.buf == nil {
		l.buf = wireBuffers.Get().(*[wireChunk]byte)
	}
	for range maxEmptyReads {
		n, err := l.src.Read(l.buf[:])
		l.pending, l.err = l.buf[:n], err
		if n > 0 || err != nil {
			return
		}
	}
	l.err = io.ErrNoProgress
}

func (l *lineReader) release() {
	if l.buf != nil {
		wireBuffers.Put(l.buf)
		l.buf = nil
	}
}

// convert moves bytes from pending to dst and says how many it wrote.
func (l *lineReader) convert(dst []byte) int {
	n := 0
	for n < len(dst) && len(l.pending) > 0 {
		if l.pending[0] == '\n' && l.last != '\r' && !l.owed {
			dst[n] = '\r'
			l.owed = true
			n++
			continue
		}
		// A run ends before the next bare LF. The first byte is never one here.
		end := l.run(min(len(l.pending), len(dst)-n))
		out := dst[n : n+end]
		copy(out, l.pending)
		l.last, l.owed = l.pending[end-1], false
		l.pending = l.pending[end:]
		if l.nul {
			for i := bytes.IndexByte(out, 0); i >= 0; i = bytes.IndexByte(out, 0) {
				out[i] = 0x80
				out = out[i+1:]
			}
		}
		n += end
	}
	return n
}

// run gives how many of the first limit pending bytes stand before the next bare LF, at least one.
func (l *lineReader) run(limit int) int {
	b := l.pending[:limit]
	for at := 1; at < len(b); {
		i := bytes.IndexByte(b[at:], '\n')
		if i < 0 {
			return limit
		}
		lf := at + i
		if b[lf-1] != '\r' {
			return lf
		}
		at = lf + 1
	}
	return limit
}
