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
		if c.rise() || err == nil || !errors.Is(err, os.ErrDeadlineExceeded) || !time.Now().Before(end) {
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
	c.parked, c.rests = true, true
	c.raw.SetReadDeadline(end)
	return true
}

// rise is unpark for a rest.
func (c *Conn) rise() (woken bool) {
	c.turn.Lock()
	defer c.turn.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.parked, c.rests = false, false
	return c.woken
}

// Visit runs part in the handler's place while the connection rests, and the rest goes on: who tells a thousand connections the same need not wake
// a thousand goroutines, arm two thousand deadlines and have as many stacks grow. part may write, up to 1 KiB, and flush, which does not block;
// it must not read. Visit says whether all is done. False is also the result if part did not run, as the connection does not rest or is visited
// by somebody else, and if the socket did not take what was written: it is kept. Then Wake is the way. Safe from any goroutine.
func (c *Conn) Visit(part func() bool) (done bool) {
	if !c.turn.TryLock() {
		return false
	}
	defer c.turn.Unlock()
	if !c.atRest() || c.tls != nil && !c.takesOutput() {
		return false
	}
	c.visited = true
	defer func() {
		c.Idle()
		c.visited = false
	}()
	return part() && len(c.unsent) == 0
}

// sendNow sends what the socket takes at once, and keeps the rest for the handler, who also hears of errors: he runs into them. It arms no
// deadline, and asks no socket whether it is ready, which would cost a tenth of a notice.
func (c *Conn) sendNow(p []byte) {
	n := 0
	if rc, err := c.raw.(syscall.Conn).SyscallConn(); err == nil && len(c.unsent) == 0 {
		rc.Control(func(fd uintptr) { n = writeNow(fd, p) })
	}
	c.sent(n)
	c.unsent = append(c.unsent, p[n:]...)
}

// sendKept sends what a visit has left.
func (c *Conn) sendKept() error {
	p := c.unsent
	if len(p) == 0 || c.visited {
		return nil
	}
	c.unsent = nil
	_, err := c.send(p)
	return err
}

// atRest tells whether the connection rests, and nobody has called Wake.
func (c *Conn) atRest() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.rests && !c.woken
}

// takesOutput tells whether a small write would not block.
func (c *Conn) takesOutput() (yes bool) {
	rc, err := c.raw.(syscall.Conn).SyscallConn()
	return err == nil && rc.Control(func(fd uintptr) { yes = writable(fd) }) == nil && yes
}
