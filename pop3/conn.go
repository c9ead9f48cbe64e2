package pop3

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync/atomic"
	"time"

	"bascule/internal/gate"
	"bascule/internal/language"
	"bascule/internal/netserve"
)

// maxLine bounds a line from the client, octets without CRLF. RFC 2449 §4 asks for 255; base64 of a long token needs more.
const maxLine = 8 << 10

// closeAfter is how long a session that must end may stay in a wait for its client.
const closeAfter = time.Second

// conn is one connection and, after the login, its session.
type conn struct {
	srv *Server
	net *netserve.Conn
	log *slog.Logger

	// active is when the client was last heard or written to, in Unix nanoseconds; read by the watcher.
	active atomic.Int64
	// ending is the note that makes the loop stop; the first one stays.
	ending atomic.Pointer[ending]

	// The fields below belong to the connection's goroutine.
	state   state
	door    *gate.Client
	name    string       // of USER, until PASS
	speaks  language.Tag // of the texts that the client reads
	bad     int          // bad commands in a row
	scratch []byte

	// After the login.
	session *gate.Session
	drop    *drop
	sum     summary
	watched chan struct{} // closed to end the watcher
	watcher chan struct{} // closed by it when it has ended
}

// ending says why a session has to stop and what its client is told.
type ending struct {
	reason     string // for the log
	code, text string
	patient    bool // answer what has arrived already, and do not cut a reply that is being sent
}

func newConn(s *Server, nc *netserve.Conn) *conn {
	c := &conn{srv: s, net: nc, state: authorization}
	c.log = s.opt.Log.With("conn", nc.ID(), "remote", nc.Remote().String())
	c.sum.reason = "disconnected"
	c.door = &gate.Client{Protocol: gate.POP3, Remote: nc.Remote(), Local: nc.Local(), TLS: nc.TLS(), ProxyTLS: nc.ProxyTLS(), ConnID: nc.ID(), Kick: c.kicked,
		Trace: func(emit func(string, []byte)) { nc.TraceCommands(emit, true) }}
	c.touch()
	return c
}

// touch notes a sign of life.
func (c *conn) touch() {
	c.active.Store(time.Now().UnixNano())
	if c.session != nil {
		c.session.Active()
	}
}

// end makes the loop stop as soon as it can. Any goroutine may call it.
func (c *conn) end(e *ending) {
	if !c.ending.CompareAndSwap(nil, e) {
		return
	}
	c.net.Wake()
	if !e.patient {
		c.net.CloseAfter(closeAfter)
	}
}

// serve greets and answers one line after the other until something ends it.
func (c *conn) serve(ctx context.Context) {
	c.net.SetReadTimeout(c.srv.opt.LoginTimeout)
	c.net.SetWriteTimeout(c.srv.opt.WriteTimeout)
	c.net.SetReadDeadline(time.Now().Add(c.srv.opt.LoginTimeout))
	c.ok(c.srv.opt.Greeting)
	for {
		line, err := c.readLine()
		if err != nil {
			if !c.carryOn(err) {
				return
			}
			continue
		}
		if !c.one(ctx, line) {
			return
		}
	}
}

// one answers one line. Its result is counted whatever becomes of it.
func (c *conn) one(ctx context.Context, line string) (more bool) {
	start := time.Now()
	result := "panic"
	defer func() { c.srv.opt.Observe(verbOf(line), result, time.Since(start)) }()
	err := c.dispatch(ctx, line)
	more = c.carryOn(err)
	result = resultOf(err)
	return more
}

// carryOn writes the reply to an error and tells whether the session goes on.
func (c *conn) carryOn(err error) bool {
	if err == nil {
		c.bad = 0
		return true
	}
	var stop *stopError
	switch {
	case errors.Is(err, errOver):
		return false
	case errors.Is(err, errBroken):
		c.log.Warn("pop3 reply was cut short", "err", err)
		c.sum.reason = "reply was cut short"
		c.net.Abort()
		return false
	case errors.As(err, &stop):
		c.sum.reason = stop.reason
		if stop.text != "" {
			c.refuse(&refusal{code: stop.code, text: stop.text})
		}
		return false
	}
	r := c.refusalFor(err)
	c.refuse(r)
	if !r.isBad {
		return true
	}
	if c.bad++; c.bad < c.srv.opt.MaxBad {
		return true
	}
	c.sum.reason = "too many bad commands"
	c.refuse(&refusal{text: "Too many bad commands"})
	return false
}

// stopError ends the session with a last line to the client, or none.
type stopError ending

func (e *stopError) Error() string { return "pop3: " + e.reason }

// readLine waits for a line. Its error is a *stopError, or a refusal that leaves the stream in step.
func (c *conn) readLine() (string, error) {
	for {
		if e := c.ending.Load(); e != nil && !(e.patient && c.net.Buffered() > 0) {
			return "", (*stopError)(e)
		}
		if c.net.Buffered() == 0 {
			if err := c.net.WaitReadable(0); err != nil {
				if err := c.readError(err); err != nil {
					return "", err
				}
				continue
			}
		}
		line, err := c.net.ReadLine(maxLine)
		if err != nil {
			if err := c.readError(err); err != nil {
				return "", err
			}
			continue
		}
		c.touch()
		return string(line), nil
	}
}

// readError returns nil when the wait is to be tried again: it was only woken.
func (c *conn) readError(err error) error {
	switch {
	case errors.Is(err, netserve.ErrWoken):
		// A patient ending leaves the loop only here, when nothing that arrived is unanswered.
		if e := c.ending.Load(); e != nil {
			return (*stopError)(e)
		}
		return nil
	case errors.Is(err, netserve.ErrLineTooLong):
		c.touch()
		return bad("Line is too long")
	case errors.Is(err, netserve.ErrTimeout):
		// RFC 1939 §3: no removal and no reply at a timeout.
		return &stopError{reason: "silent for too long"}
	case errors.Is(err, netserve.ErrFlood):
		return &stopError{reason: "line without end", text: "Line is too long"}
	case errors.Is(err, io.EOF):
		return &stopError{reason: "disconnected"}
	}
	if e := c.ending.Load(); e != nil {
		return (*stopError)(e)
	}
	return &stopError{reason: "connection failed: " + err.Error()}
}
