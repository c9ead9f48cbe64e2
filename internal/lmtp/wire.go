package lmtp

import (
	"bytes"
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

// maxCommand bounds a command line. It is far above what RFC 5321 §4.5.3.1 allows, because the first piece of a BDAT chunk may be
// read together with its command.
const maxCommand = 64 << 10

var errLine = errors.New("lmtp: command line too long")

// wire is a connection as go-smtp sees it. It renews the deadline at each read (go-smtp sets one per command, so a large
// message on a slow line would run out of time), bounds command lines, and ends waiting connections when the server stops.
type wire struct {
	net.Conn
	s *Server

	// The fields below are the reading goroutine's.
	line int    // octets since the last LF while commands are read
	rest []byte // read from the client and not given out yet
	msg  *dots  // the message that is being read, or was read last

	// mu protects the fields below.
	mu    sync.Mutex
	state reading
}

// reading is what a connection is being read for.
type reading uint8

const (
	commands reading = iota
	data             // a message, dot-stuffed
	chunks           // a message, by BDAT
)

func (s *Server) newWire(c net.Conn) *wire {
	w := &wire{Conn: counted{c, s}, s: s}
	s.accepted.Add(1)
	s.mu.Lock()
	s.wires[w] = struct{}{}
	s.mu.Unlock()
	return w
}

// counted counts the octets of a connection.
type counted struct {
	net.Conn
	s *Server
}

func (c counted) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.s.in.Add(int64(n))
	return n, err
}

func (c counted) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.s.out.Add(int64(n))
	return n, err
}

// past ends a blocked read at once.
var past = time.Unix(1, 0)

// Read is called by go-smtp. It gets one command line at a time, so that it has nothing of a message in its buffer when LMTPData reads that
// from the wire itself; of a message it gets the end alone.
func (w *wire) Read(p []byte) (int, error) {
	switch w.arm() {
	case data:
		return w.endData(p)
	case chunks:
		w.line = 0
		return w.next(p)
	}
	n, err := w.next(p)
	if i := bytes.IndexByte(p[:n], '\n'); i >= 0 {
		if i+1 < n {
			w.rest = append(bytes.Clone(p[i+1:n]), w.rest...)
		}
		n, w.line = i+1, 0
	} else if w.line += n; w.line > maxCommand {
		return 0, errLine
	}
	return n, err
}

// next gives what was read before, or reads.
func (w *wire) next(p []byte) (int, error) {
	if len(w.rest) > 0 {
		n := copy(p, w.rest)
		w.rest = w.rest[n:]
		return n, nil
	}
	return w.Conn.Read(p)
}

// message begins a message that DATA announced. max bounds its octets if it is not 0.
func (w *wire) message(max int64) io.Reader {
	w.become(data)
	w.msg = &dots{in: w.rest, more: func(p []byte) (int, error) {
		w.arm()
		return w.Conn.Read(p)
	}}
	w.rest, w.line = nil, 0
	if max > 0 {
		return &bounded{w.msg, max}
	}
	return w.msg
}

// endData lets go-smtp see the end of a message, behind what LMTPData has left of it.
func (w *wire) endData(p []byte) (int, error) {
	if err := w.drain(); err != nil {
		return 0, err
	}
	return copy(p, ".\r\n"), nil
}

// drain reads a message to its end; what the client sent behind it are commands.
func (w *wire) drain() error {
	if _, err := io.Copy(io.Discard, w.msg); err != nil {
		return err
	}
	w.rest = append(w.rest, w.msg.in...)
	w.msg.in, w.msg.buf = nil, nil
	return nil
}

// arm sets the deadline for the next read: a stopping server waits for messages, not for commands.
func (w *wire) arm() reading {
	w.mu.Lock()
	defer w.mu.Unlock()
	end := time.Now().Add(w.s.opt.Timeout)
	if w.s.draining.Load() && w.state == commands {
		end = past
	}
	w.Conn.SetReadDeadline(end)
	return w.state
}

// nudge ends a wait for a command; go-smtp then says 421 and closes.
func (w *wire) nudge() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.state == commands {
		w.Conn.SetReadDeadline(past)
	}
}

// become notes that a message begins or has ended.
func (w *wire) become(state reading) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.state = state
	if state != commands {
		w.Conn.SetReadDeadline(time.Now().Add(w.s.opt.Timeout)) // undo a nudge that came just before
	}
}

func (w *wire) Close() error {
	w.s.mu.Lock()
	delete(w.s.wires, w)
	w.s.mu.Unlock()
	return w.Conn.Close()
}
