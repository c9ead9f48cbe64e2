package client

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net"
	"time"
)

// Patience bounds one command from sending it to its last octet. Long, since first openings of large mailboxes are measured too.
const Patience = 5 * time.Minute

// Castagnoli is the table of all sums.
var Castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Conn is a connection with a reader that hands out its own buffer.
type Conn struct {
	nc net.Conn
	r  *bufio.Reader
}

// Dialer says how to connect.
type Dialer struct {
	Addr   string
	TLS    *tls.Config // nil: in clear
	Buffer int         // octets of the read buffer; 0: 64 KiB. Small for thousands of idle connections
}

func (d Dialer) dial(ctx context.Context) (*Conn, error) {
	nc, err := (&net.Dialer{Timeout: 30 * time.Second}).DialContext(ctx, "tcp", d.Addr)
	if err != nil {
		return nil, err
	}
	if d.TLS != nil {
		nc.SetDeadline(time.Now().Add(Patience))
		t := tls.Client(nc, d.TLS)
		if err := t.HandshakeContext(ctx); err != nil {
			nc.Close()
			return nil, err
		}
		nc = t
	}
	size := d.Buffer
	if size == 0 {
		size = 64 << 10
	}
	c := &Conn{nc: nc, r: bufio.NewReaderSize(nc, size)}
	c.renew()
	return c, nil
}

// renew gives the next exchange its time.
func (c *Conn) renew() { c.nc.SetDeadline(time.Now().Add(Patience)) }

// Close ends the connection without a word.
func (c *Conn) Close() error { return c.nc.Close() }

// Resumed says whether the TLS session was an old one.
func (c *Conn) Resumed() bool {
	t, ok := c.nc.(*tls.Conn)
	return ok && t.ConnectionState().DidResume
}

// line reads a line and returns it without its end, valid until the next read. A line longer than the buffer is copied together into
// *spare, which grows.
func (c *Conn) line(spare *[]byte) ([]byte, error) {
	b, err := c.r.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		*spare = (*spare)[:0]
		for errors.Is(err, bufio.ErrBufferFull) {
			*spare = append(*spare, b...)
			b, err = c.r.ReadSlice('\n')
		}
		*spare = append(*spare, b...)
		b = *spare
	}
	if err != nil {
		return nil, err
	}
	if len(b) < 2 || b[len(b)-2] != '\r' {
		return nil, fmt.Errorf("line without CRLF: %.100q", b)
	}
	return b[:len(b)-2], nil
}

// sum reads n octets and adds them to a sum.
func (c *Conn) sum(sum uint32, n int64) (uint32, error) {
	for n > 0 {
		if _, err := c.r.Peek(1); err != nil {
			return sum, err
		}
		b, _ := c.r.Peek(int(min(n, int64(c.r.Buffered()))))
		sum = crc32.Update(sum, Castagnoli, b)
		c.r.Discard(len(b))
		n -= int64(len(b))
	}
	return sum, nil
}

// send writes all parts in one call, and renews the deadline.
func (c *Conn) send(parts ...[]byte) error {
	c.renew()
	if len(parts) == 1 {
		_, err := c.nc.Write(parts[0])
		return err
	}
	if _, ok := c.nc.(*tls.Conn); ok {
		for _, p := range parts {
			if _, err := c.nc.Write(p); err != nil {
				return err
			}
		}
		return nil
	}
	bufs := net.Buffers(parts)
	_, err := bufs.WriteTo(c.nc)
	return err
}

// gone turns the end of the stream into an error that says so.
func gone(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
