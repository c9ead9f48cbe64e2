package netserve

import (
	"bufio"
	"io"
	"os"
	"time"
)

const (
	// writePiece is how much output one write deadline covers.
	writePiece = 64 << 10
	// filePiece is how much of a file one write deadline covers; large enough that sendfile is worth its call.
	filePiece = 256 << 10
)

// sink is what a Conn's buffered writer writes to. bufio.Writer hands a whole io.Reader over to ReadFrom when its buffer is empty;
// that is how io.Copy from a file reaches sendfile.
type sink struct{ c *Conn }

func (s sink) Write(p []byte) (int, error) { return s.c.write(p) }

func (s sink) ReadFrom(r io.Reader) (int64, error) { return s.c.readFrom(r) }

// Writer returns the buffered writer. It stays valid until WaitReadable, Idle, StartTLS or Close: ask for it again after those.
// io.Copy from an *os.File (or an io.LimitedReader over one) uses sendfile on a plain connection.
func (c *Conn) Writer() *bufio.Writer {
	if c.bw == nil {
		c.bw = writers.Get().(*bufio.Writer)
		c.bw.Reset(sink{c})
	}
	return c.bw
}

// Flush sends what is buffered. Reads do it themselves before they block.
func (c *Conn) Flush() error {
	if err := c.sendKept(); err != nil {
		return err
	}
	if c.bw == nil {
		return nil
	}
	return c.bw.Flush()
}

// write sends p as it is or compressed.
func (c *Conn) write(p []byte) (int, error) {
	if t := c.trace.Load(); t != nil {
		t.server(p)
	}
	if c.zip != nil {
		return c.deflate(p)
	}
	return c.send(p)
}

// send sends p in pieces, each under its own deadline: a slow reader of a large answer is in order, one that stopped is not.
func (c *Conn) send(p []byte) (int, error) {
	if c.visited && c.tls == nil {
		c.sendNow(p)
		return len(p), nil
	}
	if err := c.sendKept(); err != nil {
		return 0, err
	}
	done := 0
	for len(p) > 0 {
		piece := p[:min(len(p), writePiece)]
		c.raw.SetWriteDeadline(time.Now().Add(c.writeTimeout))
		n, err := c.stream.Write(piece)
		c.sent(n)
		done += n
		if err != nil {
			return done, err
		}
		p = p[n:]
	}
	if c.tls != nil {
		// A read may have to answer a KeyUpdate (RFC 8446 §4.6.3); an old deadline would make that fail for good.
		c.raw.SetWriteDeadline(time.Time{})
	}
	return done, nil
}

func (c *Conn) sent(n int) {
	c.out.Add(int64(n))
	c.total.out.Add(int64(n))
}

// readFrom copies r to the connection: by sendfile when r is a file and the connection is plain (no TLS, no compression), else
// through a pooled buffer.
func (c *Conn) readFrom(r io.Reader) (int64, error) {
	raw, plain := c.stream.(io.ReaderFrom)
	left, limited := r.(*io.LimitedReader)
	src := r
	if limited {
		src = left.R
	}
	_, isFile := src.(*os.File)
	if !plain || !isFile || c.tls != nil || c.zip != nil || c.trace.Load() != nil {
		return c.copyBuffered(r)
	}
	var done int64
	for {
		piece := io.LimitedReader{R: src, N: filePiece}
		if limited {
			piece.N = min(piece.N, left.N)
		}
		if piece.N <= 0 {
			return done, nil
		}
		c.raw.SetWriteDeadline(time.Now().Add(c.writeTimeout))
		n, err := raw.ReadFrom(&piece)
		c.out.Add(n)
		c.total.out.Add(n)
		done += n
		if limited {
			left.N -= n
		}
		if err != nil || n == 0 {
			return done, err
		}
	}
}

// copyBuffered borrows a second write buffer, because the connection's own is in use by the caller (bufio.Writer.ReadFrom).
func (c *Conn) copyBuffered(r io.Reader) (int64, error) {
	buf := pieces.Get().(*[pieceSize]byte)
	defer pieces.Put(buf)
	var done int64
	for {
		n, rerr := r.Read(buf[:])
		if n > 0 {
			m, werr := c.write(buf[:n])
			done += int64(m)
			if werr != nil {
				return done, werr
			}
		}
		if rerr == io.EOF {
			return done, nil
		}
		if rerr != nil {
			return done, rerr
		}
	}
}
