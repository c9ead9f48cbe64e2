package netserve

import (
	"errors"
	"os"
	"syscall"
	"time"
)

// A connection rests while its client has nothing to say and the server nothing to tell. The goroutine that had served it would keep the
// stack that a login or a SELECT had needed, 8 KiB and more, as the runtime makes a stack smaller only while it collects, and only one of which
// less than a quarter is used. So it ends, and a new one waits, with few and small frames: 2 KiB. It waits for the socket, not
// for TLS, whose reading alone needs more than that.

// Rest asks for a rest of at most timeout. If it says true, the caller has to return from Server's Handler, and resume is called in
// another goroutine, in the Handler's place, when there may be input, somebody called Wake, or the time is over: WaitReadable tells what
// it was. It says false where that is not possible, or input is there already; then nothing has happened.
func (c *Conn) Rest(timeout time.Duration, resume func()) bool {
	if !c.mayRest || c.Buffered() > 0 || len(c.line) > 0 || c.Flush() != nil || c.behindSocket() {
		return false
	}
	c.Idle()
	c.restUntil, c.resume = time.Now().Add(timeout), resume
	return true
}

// behindSocket tells whether there is input that the socket no longer shows, as TLS or the compression has taken it already. The
// reader holds it then.
func (c *Conn) behindSocket() bool {
	if c.tls == nil && c.zip == nil {
		return false
	}
	c.between, c.waitUntil = true, past
	_, err := c.Reader().Peek(1)
	c.between, c.waitUntil = false, time.Time{}
	return !errors.Is(err, ErrTimeout)
}

// step runs a part of what a connection's goroutine does. The connection is over after it, or rests.
func (s *Server) step(c *Conn, part func()) {
	defer s.stepped(c)
	defer s.recovered(c)
	part()
}

func (s *Server) stepped(c *Conn) {
	if c.resume != nil {
		go s.rest(c)
		return
	}
	s.end(c)
}

// rest is the goroutine of a connection that rests. Its frames, and those of what it calls, are small.
func (s *Server) rest(c *Conn) {
	c.restOn()
	resume := c.resume
	c.resume = nil
	s.step(c, resume)
}

// restOn returns when there is something to do. A wake stays pending for the next read.
func (c *Conn) restOn() {
	end := c.restUntil
	if !c.deadline.IsZero() && c.deadline.Before(end) {
		end = c.deadline
	}
	rc, err := c.raw.(syscall.Conn).SyscallConn()
	for err == nil {
		if !c.restParked(end) {
			return
		}
		asked := false
		err = rc.Read(func(fd uintptr) bool {
			// The poller tells only of what comes from now on.
			done := asked || readable(fd)
			asked = true
			return done
		})
		if c.unpark() || err == nil || !errors.Is(err, os.ErrDeadlineExceeded) || !time.Now().Before(end) {
			return
		}
	}
}

// restParked arms the read deadline; false: a wake is pending.
func (c *Conn) restParked(end time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.woken {
		return false
	}
	c.parked = true
	c.raw.SetReadDeadline(end)
	return true
}
