package netserve

import (
	"bytes"
	"errors"
	"sync"

	"github.com/klauspost/compress/flate"

	"bascule/internal/inflate"
)

var (
	// ErrCompressed is what Compress returns when the connection is compressed already.
	ErrCompressed = errors.New("netserve: the connection is compressed already")
	// ErrCorrupt is what reads return when what a client sent is not compressed as it should be. The connection can be written to.
	ErrCorrupt = inflate.ErrCorrupt
)

const (
	// history is how much of what was sent the compressor looks back to.
	history = 8 << 10
	// deflatePiece is how much is compressed at once: with its history one block of the compressor.
	deflatePiece = 24<<10 - 1
)

// compression is DEFLATE in both directions, between the buffers and TLS or the socket.
//
// What goes out is compressed without a state but the last few KiB that were sent, so that a connection costs no compressor (1 MB
// in Go's library), and every piece ends with a flush: whatever the buffers give out has left, and a forgotten flush cannot keep an answer back. What
// comes in is decoded by inflate, which can stop anywhere: in the middle of a symbol too, when the connection is woken.
type compression struct {
	sent []byte // the last octets that were sent, at most history; nil while idle

	in   inflate.Decoder
	buf  *[readBuffer]byte // input as it came; nil while there is none
	rest []byte            // of buf or one: not decoded yet
	one  [1]byte           // an octet that was read while no buffer was held
}

var (
	compressed = sync.Pool{New: func() any { return new([readBuffer]byte) }}
	deflated   = sync.Pool{New: func() any { return new(bytes.Buffer) }}
)

// Compress makes the connection speak DEFLATE (RFC 4978), below the buffers and above TLS. It flushes first: write the protocol's
// "go ahead" to Writer before. What the client has sent already is taken for compressed. TLS cannot be started any more.
func (c *Conn) Compress() error {
	if c.zip != nil {
		return ErrCompressed
	}
	if err := c.Flush(); err != nil {
		return err
	}
	z := new(compression)
	if n := c.Buffered(); n > 0 {
		early := make([]byte, n)
		if _, err := c.Reader().Read(early); err != nil {
			return err
		}
		z.rest = early
	}
	c.zip = z
	return nil
}

// Compressed tells whether the connection is compressed.
func (c *Conn) Compressed() bool { return c.zip != nil }

// EndCompression makes the connection speak plainly again (RFC 8437 §3): what was written is sent compressed, what is written from now
// on is not. Input that was not decoded yet is thrown away, and what may be still on its way of the client's last flush: it is the end of
// its compressed stream.
func (c *Conn) EndCompression() error {
	if c.zip == nil {
		return nil
	}
	err := c.Flush()
	c.zip.idle()
	c.zip.free()
	c.zip = nil
	c.flushing = longestFlush
	return err
}

// longestFlush is how many octets of a flush may come behind the line that can be decoded before: what is left of the block's
// end, the header of an empty block, and 00 00 ff ff, which Go's library sends by themselves.
const longestFlush = 6

// skipFlush takes away what the client's compressed stream ends with. No command begins with such octets.
func (c *Conn) skipFlush(p []byte) (rest int) {
	n := 0
	for n < len(p) && c.flushing > 0 {
		if b := p[n]; ' ' <= b && b < 0x80 {
			c.flushing = 0
			break
		}
		c.flushing--
		n++
	}
	return copy(p, p[n:])
}

// room is where the next input is to be read into. While the connection waits for one octet it needs no buffer; the octets after the
// first get one.
func (z *compression) room(waiting bool) []byte {
	if waiting && z.buf == nil {
		return z.one[:]
	}
	if z.buf == nil {
		z.buf = compressed.Get().(*[readBuffer]byte)
	}
	return z.buf[:]
}

// inflate decodes input that is there already. Nothing decoded and no error: more must be read.
func (z *compression) inflate(p []byte) (int, error) {
	n, taken, err := z.in.Decode(p, z.rest)
	z.rest = z.rest[taken:]
	return n, err
}

// ready tells whether there is something decoded to be read; it puts its first octet into first.
func (z *compression) ready(first *[1]byte) bool {
	n, _ := z.inflate(first[:]) // an error is told again to who reads
	return n == 1
}

// idle gives back what a waiting connection does not need. The history of what was sent is not needed but useful: the answers after it
// become a little longer.
func (z *compression) idle() {
	z.sent = nil
	if len(z.rest) == 0 {
		z.free()
	}
}

func (z *compression) free() {
	z.rest = nil
	if z.buf != nil {
		compressed.Put(z.buf)
		z.buf = nil
	}
}

// deflate sends p compressed.
func (c *Conn) deflate(p []byte) (int, error) {
	buf := deflated.Get().(*bytes.Buffer)
	defer deflated.Put(buf)
	done := 0
	for done < len(p) {
		piece := p[done:min(len(p), done+deflatePiece)]
		buf.Reset()
		if err := flate.StatelessDeflate(buf, piece, false, c.zip.sent); err != nil {
			return done, err
		}
		c.zip.remember(piece)
		if _, err := c.send(buf.Bytes()); err != nil {
			return done, err
		}
		done += len(piece)
	}
	return done, nil
}

// remember keeps the end of what was sent.
func (z *compression) remember(p []byte) {
	if len(p) >= history {
		z.sent = append(z.sent[:0], p[len(p)-history:]...)
		return
	}
	if over := len(z.sent) + len(p) - history; over > 0 {
		z.sent = append(z.sent[:0], z.sent[over:]...)
	}
	z.sent = append(z.sent, p...)
}
