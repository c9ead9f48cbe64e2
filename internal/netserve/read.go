package netserve

import (
	"bufio"
	"bytes"
	"errors"
	"net"
	"os"
	"sync"
	"time"
)

const (
	readBuffer  = 4 << 10
	writeBuffer = 16 << 10 // one TLS record
	// linger is how long a wait keeps its buffers: a client in the middle of a dialogue answers sooner, and then costs no second
	// system call.
	linger = time.Second
	// keepLine is the largest line memory that stays with a connection between lines.
	keepLine = 4 << 10
	// skipFactor times its bound is what ReadLine throws away of an overlong line before it gives up.
	skipFactor = 64
)

var (
	readers = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, readBuffer) }}
	writers = sync.Pool{New: func() any { return bufio.NewWriterSize(nil, writeBuffer) }}
)

// past is a deadline that ends a blocked read at once.
var past = time.Unix(1, 0)

// source is what a Conn's buffered reader reads from.
type source struct{ c *Conn }

func (s source) Read(p []byte) (int, error) { return s.c.read(p) }

// Reader returns the buffered reader. It stays valid until WaitReadable, Idle, StartTLS or Close: ask for it again after those.
// Reads from it are not ended by Wake, so a literal is never cut in two; the wake is kept for the next ReadLine or WaitReadable.
func (c *Conn) Reader() *bufio.Reader {
	if c.br == nil {
		c.br = readers.Get().(*bufio.Reader)
		c.br.Reset(source{c})
	}
	return c.br
}

// Buffered tells how many octets have been read from the client and not been taken yet: while it is not 0 a command may be there
// already, and its answer can leave together with the present one.
func (c *Conn) Buffered() int {
	n := 0
	if c.br != nil {
		n = c.br.Buffered()
	}
	if n == 0 && c.zip != nil && !c.haveFirst {
		if c.haveFirst = c.zip.ready(&c.first); c.haveFirst {
			c.arrived(c.first[:])
		}
	}
	if c.haveFirst {
		n++
	}
	return n
}

// ReadLine reads a line of at most max octets and returns it without its CRLF (or bare LF). The slice is valid until the next read.
// It may end with ErrWoken, in the middle of a line too: call it again and it goes on where it was. ErrLineTooLong leaves the stream
// in step.
func (c *Conn) ReadLine(max int) ([]byte, error) {
	c.wakeable = true
	defer func() { c.wakeable = false }()
	br := c.Reader()
	if cap(c.line) > keepLine && len(c.line) == 0 {
		c.line = nil
	}
	for {
		part, err := br.ReadSlice('\n')
		complete := err == nil
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			c.keep(part, max)
			return nil, err
		}
		if complete && len(c.line) == 0 && c.skipping == 0 {
			line := trimEnd(part)
			if len(line) > max {
				return nil, ErrLineTooLong
			}
			return line, nil
		}
		c.keep(part, max)
		if c.skipping > max*skipFactor {
			return nil, ErrFlood
		}
		if !complete {
			continue
		}
		tooLong := c.skipping > 0
		line := trimEnd(c.line)
		c.line, c.skipping = c.line[:0], 0
		if tooLong || len(line) > max {
			return nil, ErrLineTooLong
		}
		return line, nil
	}
}

// keep puts a part of a line aside; past the bound (and room for CRLF) it only counts.
func (c *Conn) keep(part []byte, max int) {
	if c.skipping == 0 && len(c.line)+len(part) <= max+2 {
		c.line = append(c.line, part...)
		return
	}
	c.skipping += len(c.line) + len(part)
	c.line = c.line[:0]
}

func trimEnd(line []byte) []byte {
	return bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r"))
}

// WaitReadable flushes, then waits until the client has sent something, at most for timeout (0: the read timeout). It returns nil
// when there is input, ErrWoken, ErrTimeout, io.EOF, or the connection's error. While it waits the connection holds no buffers.
func (c *Conn) WaitReadable(timeout time.Duration) error {
	if err := c.Flush(); err != nil {
		return err
	}
	c.wakeable = true
	defer func() { c.wakeable, c.between, c.waitUntil = false, false, time.Time{} }()
	c.between = c.Buffered() == 0 && len(c.line) == 0
	if c.Buffered() > 0 {
		if c.takeWake() {
			return ErrWoken
		}
		return nil
	}
	if timeout <= 0 {
		timeout = c.readTimeout
	}
	end := time.Now().Add(timeout)
	if timeout > linger {
		c.waitUntil = time.Now().Add(linger)
		_, err := c.Reader().Peek(1)
		if !errors.Is(err, ErrTimeout) || c.expired(time.Now()) {
			return err
		}
		c.Idle()
	}
	c.waitUntil = end
	n, err := c.read(c.first[:])
	if n == 1 {
		c.haveFirst = true
		return nil
	}
	return err
}

// expired tells whether the absolute deadline for reads has passed.
func (c *Conn) expired(now time.Time) bool { return !c.deadline.IsZero() && !now.Before(c.deadline) }

// Idle gives the buffers back to the pool, as far as they are empty.
func (c *Conn) Idle() {
	if c.br != nil && c.br.Buffered() == 0 {
		c.br.Reset(nil)
		readers.Put(c.br)
		c.br = nil
	}
	if c.bw != nil && c.bw.Buffered() == 0 {
		c.bw.Reset(nil)
		writers.Put(c.bw)
		c.bw = nil
	}
	if len(c.line) == 0 {
		c.line = nil
	}
	if c.zip != nil {
		c.zip.idle()
	}
}

// freeBuffers throws the buffers' contents away.
func (c *Conn) freeBuffers() {
	if c.br != nil {
		c.br.Reset(nil)
		readers.Put(c.br)
		c.br = nil
	}
	if c.bw != nil {
		c.bw.Reset(nil)
		writers.Put(c.bw)
		c.bw = nil
	}
	c.line, c.skipping, c.haveFirst = nil, 0, false
	if c.zip != nil {
		c.zip.free()
	}
}

// Wake makes a blocked ReadLine or WaitReadable return ErrWoken; if none is blocked, the next one does. Several wakes may merge into
// one. Safe from any goroutine; never blocks.
func (c *Conn) Wake() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.woken = true
	if c.parked {
		c.raw.SetReadDeadline(past)
	}
}

// takeWake consumes a pending wake.
func (c *Conn) takeWake() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	woken := c.woken
	c.woken = false
	return woken
}

// read is the one place where a connection's input is waited for.
func (c *Conn) read(p []byte) (int, error) {
	if c.haveFirst && len(p) > 0 {
		p[0] = c.first[0]
		c.haveFirst = false
		return 1, nil
	}
	if c.zip != nil {
		if n, err := c.zip.inflate(p); n > 0 || err != nil {
			c.arrived(p[:n])
			return n, err
		}
	}
	if err := c.Flush(); err != nil {
		return 0, err
	}
	began := time.Now() // of the whole read: compressed input that says nothing buys no time
	for {
		end := began.Add(c.readTimeout)
		if !c.waitUntil.IsZero() {
			end = c.waitUntil
		}
		if !c.deadline.IsZero() && c.deadline.Before(end) {
			end = c.deadline
		}
		if !c.park(end) {
			return 0, ErrWoken
		}
		room := p
		if c.zip != nil {
			room = c.zip.room(len(p) == 1)
		}
		n, err := c.stream.Read(room)
		woken := c.unpark()
		if n > 0 {
			// A wake that came meanwhile stays pending: input first, or it would wait in p for an answer to the wake.
			c.in.Add(int64(n))
			c.total.in.Add(int64(n))
			if c.zip != nil {
				c.zip.rest = room[:n]
				if n, err = c.zip.inflate(p); n == 0 && err == nil {
					continue
				}
			}
			if c.flushing > 0 {
				if n = c.skipFlush(p[:n]); n == 0 {
					continue
				}
			}
			c.arrived(p[:n])
			return n, err
		}
		if err == nil {
			continue
		}
		var ne net.Error
		if !errors.Is(err, os.ErrDeadlineExceeded) && !(errors.As(err, &ne) && ne.Timeout()) {
			return 0, err
		}
		if woken && c.wakeable && c.takeWake() {
			return 0, ErrWoken
		}
		if !time.Now().Before(end) {
			return 0, ErrTimeout
		}
	}
}

// arrived shows a trace what the client said.
func (c *Conn) arrived(p []byte) {
	if c.between && len(p) > 0 {
		c.takeTrace()
	}
	if t := c.trace.Load(); t != nil {
		t.client(p)
	}
}

// park arms the read deadline; false: a wake is pending (and is consumed by this).
func (c *Conn) park(end time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.wakeable && c.woken {
		c.woken = false
		return false
	}
	c.parked = c.wakeable
	c.raw.SetReadDeadline(end)
	return true
}

// unpark tells whether a wake is pending.
func (c *Conn) unpark() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.parked = false
	return c.woken
}
