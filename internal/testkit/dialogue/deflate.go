package dialogue

import (
	"bufio"
	"compress/flate"
	"errors"
	"io"
	"net"

	"bascule/internal/inflate"
)

// Deflated returns a connection whose octets cross nc as DEFLATE (RFC 4978), each Write with a flush behind it. Reads may fail at a
// deadline and go on afterwards.
func Deflated(nc net.Conn) net.Conn {
	w, err := flate.NewWriter(nc, flate.DefaultCompression)
	if err != nil {
		panic(err) // the level is one of the library's own
	}
	return &deflated{Conn: nc, w: w, buf: make([]byte, 16<<10)}
}

type deflated struct {
	net.Conn
	w    *flate.Writer
	in   inflate.Decoder
	buf  []byte
	rest []byte // of buf, not decoded yet
}

func (d *deflated) Write(p []byte) (int, error) {
	n, err := d.w.Write(p)
	if err == nil {
		err = d.w.Flush()
	}
	return n, err
}

func (d *deflated) Read(p []byte) (int, error) {
	for {
		n, taken, err := d.in.Decode(p, d.rest)
		d.rest = d.rest[taken:]
		if n > 0 || err != nil || len(p) == 0 {
			return n, err
		}
		m, err := d.Conn.Read(d.buf)
		d.rest = d.buf[:m]
		if m == 0 && err != nil {
			return 0, err
		}
	}
}

// CloseWrite ends the sending side.
func (d *deflated) CloseWrite() error {
	if cw, ok := d.Conn.(interface{ CloseWrite() error }); ok {
		return cw.CloseWrite()
	}
	return io.ErrClosedPipe
}

// endDeflate makes the client stop.
func (c *conn) endDeflate() error {
	d, ok := c.net.(*deflated)
	if !ok || c.in.Buffered() > 0 || len(c.partial) > 0 || len(c.pending) > 0 {
		return errors.New("nothing is compressed, or something is still unread")
	}
	c.net = d.Conn
	c.in = bufio.NewReaderSize(c.net, 64<<10)
	c.log.add(c.name, "-", "compression ended")
	return nil
}

// startDeflate makes the client compress.
func (c *conn) startDeflate() error {
	if c.in.Buffered() > 0 || len(c.partial) > 0 || len(c.pending) > 0 {
		return errors.New("something plain from the server is still unread")
	}
	c.net = Deflated(c.net)
	c.in = bufio.NewReaderSize(c.net, 64<<10)
	c.log.add(c.name, "-", "compression started")
	return nil
}
