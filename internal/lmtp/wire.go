package lmtp

import (
	"bytes"
	"errors"
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
	line int // octets since the last LF while commands are read
	crs  int // CRs just before the next octet while DATA is read

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
	w := &wire{Conn: c, s: s}
	s.mu.Lock()
	s.wires[w] = struct{}{}
	s.mu.Unlock()
	return w
}

// past ends a blocked read at once.
var past = time.Unix(1, 0)

func (w *wire) Read(p []byte) (int, error) {
	switch w.arm() {
	case data:
		w.line = 0
		return w.readData(p)
	case chunks:
		w.line = 0
		return w.Conn.Read(p)
	}
	n, err := w.Conn.Read(p)
	if i := bytes.LastIndexByte(p[:n], '\n'); i >= 0 {
		w.line = n - i
	} else {
		w.line += n
	}
	if w.line > maxCommand {
		return 0, errLine
	}
	return n, err
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

// readData makes up for a slip in go-smtp v0.25.1: behind an even number of CRs it does not see an LF as the end of a line,
// so "CR CR LF . CR LF" would not end the message and the client would wait for ever. One more CR makes the number odd. (Two CRs are no
// line end of any standard, so nothing that a standard describes is changed.)
func (w *wire) readData(p []byte) (int, error) {
	const grown, from = 4, 3 // "CR CR LF" becomes four octets
	if len(p) < grown {
		return w.Conn.Read(p) // go-smtp reads through a buffer of 4 KiB
	}
	n, err := w.Conn.Read(p[:len(p)/grown*from])
	for i := 0; i < n; i++ {
		switch {
		case p[i] == '\r':
			w.crs++
			continue
		case p[i] == '\n' && w.crs > 0 && w.crs%2 == 0:
			copy(p[i+1:n+1], p[i:n])
			p[i] = '\r'
			n++
			i++
		}
		w.crs = 0
	}
	return n, err
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
