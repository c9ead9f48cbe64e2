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

// cmdIdle is IDLE (RFC 9051 §6.3.13). The connection rests, without buffers; a nudge from the mailbox wakes it, and
// sync says what is new. Commands behind DONE stay in the buffer, be they in the same packet.
//
//	idle = "IDLE" CRLF "DONE"
func (c *conn) cmdIdle(r *request) error {
	if !c.dec.ExpectCRLF() {
		return c.dec.Err()
	}
	c.enc.Atom("+ ").Text(c.words("idling")).CRLF()
	i := &idling{r: r, unwatch: func() {}, end: time.Now().Add(c.srv.opt.IdleTimeout)}
	i.sign = c.nextSign(i.end)
	if c.box != nil {
		i.unwatch = c.box.m.Attend(c.hear)
	}
	r.refresh = true
	c.idling = i
	return c.idleOn(r)
}

// idling is an IDLE that goes on.
type idling struct {
	r       *request
	unwatch func()
	// end is when the client has idled for too long, sign when the next sign of life is due.
	end, sign time.Time
	// panicked is the panic of a visit; nil: there was none.
	panicked any
}

// errRests is the result of a command that is to be gone on with after a rest.
var errRests = errors.New("imap: the connection rests")

// idleOn idles until IDLE ends or the connection rests.
func (c *conn) idleOn(r *request) error {
	for {
		if why := c.leaving.Load(); why != nil {
			return c.idleOver(why)
		}
		if err := c.announce(r); err != nil {
			return c.idleOver(err)
		}
		if c.nc.Rest(c.patience(c.idling.sign), c.resume) {
			return errRests
		}
		if over, err := c.idleLook(); over {
			return c.idleOver(err)
		}
	}
}

// resume goes on with IDLE after a rest, in a new goroutine.
func (c *conn) resume() {
	c.serve(func() bool {
		return c.conclude(c.idling.r, func(_ *conn, r *request) error {
			if c.idling.panicked != nil {
				panic(c.idling.panicked)
			}
			if over, err := c.idleLook(); over {
				return c.idleOver(err)
			}
			return c.idleOn(r)
		})
	})
}

// idleLook sees what happens next, and waits for it.
func (c *conn) idleLook() (over bool, err error) {
	i := c.idling
	switch err := c.nc.WaitReadable(c.patience(i.sign)); {
	case err == nil:
		return c.readDone()
	case errors.Is(err, netserve.ErrWoken):
	case errors.Is(err, netserve.ErrTimeout):
		switch now := time.Now(); {
		case !now.Before(i.end):
			return true, c.idleEnd(err)
		case !now.Before(i.sign):
			c.attach()
			c.status("*", kindOK, "", "Still here")
			i.sign = c.nextSign(i.end)
		}
		i.r.refresh = true // now and then, for a nudge that was lost
	default:
		return true, errClientGone
	}
	return false, nil
}

// idleOver ends IDLE; err is its result.
func (c *conn) idleOver(err error) error {
	c.idling.unwatch()
	c.idling = nil
	return err
}

// await waits for the next command. Under NOTIFY the client is told meanwhile what happens, as in IDLE (RFC 5465 §3.1).
func (c *conn) await() error {
	if !c.notify.awake() {
		c.detach()
		return c.nc.WaitReadable(0)
	}
	r := request{tag: "*", row: &noCommand, numbers: c.notify.delayed}
	for end := time.Now().Add(c.srv.opt.IdleTimeout); ; {
		if err := c.announce(&r); err != nil {
			return err
		}
		due := end
		if len(c.notify.groups) > 0 {
			due = time.Now().Add(notifyPoll)
			if due.After(end) {
				due = end
			}
		}
		switch err := c.nc.WaitReadable(c.patience(due)); {
		case errors.Is(err, netserve.ErrWoken) && c.leaving.Load() == nil:
		case errors.Is(err, netserve.ErrTimeout) && time.Now().Before(end):
			// What other programs deliver into mailboxes that nobody has open, and nudges that were lost.
			r.refresh = !time.Now().Before(due)
		default:
			return err
		}
	}
}

// notifyPoll is how often a session with NOTIFY looks for what no nudge tells of.
const notifyPoll = time.Minute

// announce tells what is new while the client waits, and lets go of the buffers. A tagged reply cannot be sent then, so an
// error ends the connection, or the news come later.
func (c *conn) announce(r *request) error {
	c.attach()
	if err := c.sync(r, nil); err != nil {
		if why := c.leaving.Load(); why != nil {
			return why // it was cut short by the end
		}
		if c.broken(err) {
			return err
		}
		if reply := c.replyFor(r, err); reply.kind == kindBye {
			return &reply
		}
	}
	if c.flush() != nil {
		return errClientGone
	}
	// Who wakes us has looked already: a thousand idle sessions of one mailbox must not each look again.
	r.refresh = false
	c.detach()
	return nil
}

// patience is how long to wait for the client until something is due.
func (c *conn) patience(due time.Time) time.Duration {
	wait := time.Until(due)
	if c.heldBack() {
		wait = min(wait, heldBackPoll)
	}
	return max(wait, time.Millisecond)
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
func (c *conn) heldBack() bool {
	if c.notify != nil && len(c.notify.held) > 0 {
		return true
	}
	return c.box != nil && !c.notify.mutes(messageNew) && c.box.snapshot() != c.box.view.snap
}

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
