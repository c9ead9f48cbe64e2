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
	silentUntil := time.Now().Add(c.srv.opt.IdleTimeout)
	for {
		if why := c.leaving.Load(); why != nil {
			return why
		}
		c.attach()
		if err := c.sync(r); err != nil {
			if why := c.leaving.Load(); why != nil {
				return why // it was cut short by the end: a tagged reply would come before DONE
			}
			return err
		}
		if c.flush() != nil {
			return errClientGone
		}
		switch err := c.nc.WaitReadable(c.untilStillHere(silentUntil)); {
		case err == nil:
			return c.readDone()
		case errors.Is(err, netserve.ErrWoken):
		case errors.Is(err, netserve.ErrTimeout):
			if time.Now().After(silentUntil) {
				return bye("", "Autologout; idle for too long")
			}
			c.attach()
			c.status("*", kindOK, "", "Still here")
		default:
			return errClientGone
		}
	}
}

// untilStillHere is how long to wait before the next sign of life, a little different each time so that ten
// thousand connections do not speak at once. NATs forget silent connections; phones pay for each line.
func (c *conn) untilStillHere(end time.Time) time.Duration {
	left := max(time.Until(end), time.Millisecond)
	if every := c.srv.opt.KeepAlive; every > 0 {
		return min(left, every-every/8+rand.N(every/4+1))
	}
	return left
}

// readDone reads the line that ends IDLE.
func (c *conn) readDone() error {
	c.attach()
	line, err := c.dec.ReadLine(maxDone)
	if err != nil {
		return err
	}
	if !bytes.EqualFold(bytes.TrimSpace(line), []byte("DONE")) {
		return bad("Expected DONE")
	}
	return nil
}
