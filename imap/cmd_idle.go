package imap

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"time"

	"bascule/internal/netserve"
)

// maxDone bounds the line that ends IDLE, octets.
const maxDone = 1024

// cmdIdle is IDLE (RFC 9051 §6.3.13). The connection waits without buffers; a nudge from the mailbox wakes it, and
// sync says what is new. Commands behind DONE stay in the buffer, be they in the same packet.
//
//	idle = "IDLE" CRLF "DONE"
func (c *conn) cmdIdle(r *request) error {
	if !c.dec.ExpectCRLF() {
		return c.dec.Err()
	}
	c.enc.Atom("+ idling").CRLF()
	if c.box != nil {
		defer c.box.m.Watch(c.nc.Wake)()
	}
	r.refresh = true
	end := time.Now().Add(c.srv.opt.IdleTimeout)
	sign := c.nextSign(end)
	for {
		if why := c.leaving.Load(); why != nil {
			return why
		}
		c.attach()
		if err := c.sync(r); err != nil {
			if why := c.leaving.Load(); why != nil {
				return why // it was cut short by the end
			}
			// A tagged reply would come before DONE, which no client understands: it ends with BYE, or the news come later.
			if c.broken(err) || c.replyFor(r, err).kind == kindBye {
				return err
			}
		}
		if c.flush() != nil {
			return errClientGone
		}
		// Who wakes us has looked already: a thousand idle sessions of one mailbox must not each look again.
		r.refresh = false
		c.detach()
		wait := time.Until(sign)
		if c.heldBack() {
			wait = min(wait, heldBackPoll)
		}
		switch err := c.nc.WaitReadable(max(wait, time.Millisecond)); {
		case err == nil:
			if done, err := c.readDone(); done {
				return err
			}
		case errors.Is(err, netserve.ErrWoken):
		case errors.Is(err, netserve.ErrTimeout):
			switch now := time.Now(); {
			case !now.Before(end):
				return c.idleEnd(err)
			case !now.Before(sign):
				c.attach()
				c.status("*", kindOK, "", "Still here")
				sign = c.nextSign(end)
			}
			r.refresh = true // now and then, for a nudge that was lost
		default:
			return errClientGone
		}
	}
}

// nextSign is when the next sign of life is due, a little different each time so that ten thousand connections do not
// speak at once; end if none is. NATs forget silent connections; phones pay for each line.
func (c *conn) nextSign(end time.Time) time.Time {
	every := c.srv.opt.KeepAlive
	if every <= 0 {
		return end
	}
	if next := time.Now().Add(every - every/8 + rand.N(every/4+1)); next.Before(end) {
		return next
	}
	return end
}

// heldBackPoll is how often a session that has to keep news to itself looks whether it may tell them. A POP3 session that
// ends nudges, but not if its process was killed, and a nudge that changes nothing in our process wakes nobody.
const heldBackPoll = 250 * time.Millisecond

// heldBack tells whether there are news that were not told. It does not ask whether the lock is still held: that could have ended
// since it was asked last, and nobody would come to tell them.
func (c *conn) heldBack() bool { return c.box != nil && c.box.m.Snapshot() != c.box.view.snap }

// readDone reads the line that ends IDLE. A stray empty line does not end it. A command without DONE before it fails
// IDLE, and stays where it is: it is run next, and answered.
func (c *conn) readDone() (done bool, err error) {
	c.attach()
	if is, err := c.doneNext(); err != nil {
		return true, err
	} else if !is {
		return true, errNotDone
	}
	line, err := c.dec.ReadLine(maxDone)
	if err != nil {
		return true, err
	}
	switch line = bytes.TrimSpace(line); {
	case len(line) == 0:
		return false, nil
	case !bytes.EqualFold(line, []byte("DONE")):
		return true, errNotDone
	}
	return true, nil
}

var errNotDone = bad("Expected DONE")

// doneNext tells whether the line that comes can be DONE or an empty one. It takes nothing from the stream, and
// waits for no more octets than such a line has.
func (c *conn) doneNext() (bool, error) {
	br := c.nc.Reader()
	for n := 1; ; n++ {
		p, err := br.Peek(n)
		if err != nil {
			return false, c.idleEnd(err)
		}
		switch last := p[n-1]; {
		case last == '\r' || last == '\n' || last == ' ' || last == '\t':
			return n == 1 || n == len("DONE")+1, nil
		case n > len("DONE") || last|0x20 != "done"[n-1]:
			return false, nil
		}
	}
}

// idleEnd makes the error for a wait that failed.
func (c *conn) idleEnd(err error) error {
	if errors.Is(err, netserve.ErrTimeout) {
		return bye("", "Autologout; idle for too long")
	}
	return errClientGone
}
