package imap

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync/atomic"
	"time"

	"bascule/imap/wire"
	"bascule/internal/accounts"
	"bascule/internal/gate"
	"bascule/internal/language"
	"bascule/internal/netserve"
	"bascule/maildir"
)

// conn is one client's connection. All of it belongs to the goroutine of Server.Handle, or to the one that has taken its place after a
// rest, save leaving and nc.Wake.
type conn struct {
	srv *Server
	nc  *netserve.Conn
	log *slog.Logger
	dec *wire.Decoder
	enc *wire.Encoder

	// ctx ends when the server drains or the session is evicted, so that no wait outlives it.
	ctx    context.Context
	cancel context.CancelFunc
	// forget takes the connection off the server's context, which outlives it.
	forget func() bool

	state   states
	sess    *gate.Session
	home    *mount // the user's own mail, after login
	mounts  map[accounts.Address]*mount
	ns      namespace // the client's names: separator, and how the user's own mail is called
	on      enabled
	notify  *notifySet                   // nil until NOTIFY is used
	found   map[maildir.UID][]*fetchPlan // what searches with UPDATE want to be told of new messages
	made    []maildir.UID                // messages that the running command put into the selected mailbox
	box     *selected                    // not nil exactly in stateSelected
	idling  *idling                      // not nil exactly during IDLE
	entries entryNews                    // what is told of annotations
	bad     int                          // commands in a row that made no sense
	names   []string                     // scratch for flag names
	client  *gate.Client
	lang    language.Tag // of the texts that the client reads
	// clientID is what the client called itself in ID, before or after login.
	clientID string
	sum      summary

	// leaving is set from outside when the session must end; the words are for the BYE.
	leaving atomic.Pointer[replyError]
}

// request is one command while it runs.
type request struct {
	tag   string
	row   *command
	began time.Time

	code string // response code of the OK
	text string // of the OK; "" for the usual one

	answered bool // the handler has sent the tagged reply itself
	// then is done right behind the tagged OK, before anything else is said; nil for nothing.
	then     func() error
	internal bool     // it failed for a reason that nobody foresaw
	refresh  bool     // look for changes of other processes and programs too
	numbers  bool     // sequence numbers are used although the row does not say so: expunges are held back
	named    []string // mailboxes that the command made, removed, renamed, or subscribed: NOTIFY needs not tell them
	visiting bool     // the client is told in a visit
	expunged bool     // messages were removed: the new HIGHESTMODSEQ is told
	stored   *stored
	// inside is the selected mailbox as it was when the command left it: what may be told even if a POP3 session has it since.
	inside *maildir.Snapshot
}

func newConn(ctx context.Context, s *Server, nc *netserve.Conn) *conn {
	c := &conn{srv: s, nc: nc, state: stateNotAuth, ns: newNamespace("", false)}
	c.log = s.log.With(slog.String("conn", nc.ID()))
	c.ctx, c.cancel = context.WithCancel(ctx)
	c.forget = context.AfterFunc(ctx, func() { c.leave(&replyError{kindBye, "UNAVAILABLE", "The server is shutting down"}) })
	c.dec = wire.NewDecoder(nc.Reader())
	c.enc = wire.NewEncoder(nc.Writer())
	c.dec.Continue = c.allowLiteral
	c.dec.LiteralMinus = s.opt.LiteralMinus
	// UTF-8 in quoted strings is taken from everybody: most clients send passwords so, and some everything once they see
	// IMAP4rev2 offered, whether or not they enable it. What we send keeps to what was enabled.
	c.dec.QuotedUTF8 = true
	c.client = &gate.Client{Protocol: "imap", Remote: nc.Remote(), Local: nc.Local(), TLS: nc.TLS(), ProxyTLS: nc.ProxyTLS(), ConnID: nc.ID(), Kick: c.kick,
		Trace: func(emit func(string, []byte)) { nc.TraceCommands(emit, false) }}
	c.waitForLogin()
	return c
}

// close gives everything back. The connection itself is the caller's.
func (c *conn) close() {
	c.forget()
	c.cancel()
	c.attach()
	c.enc.Flush()
	if c.idling != nil {
		c.idleOver(nil)
	}
	c.unselect()
	c.setNotify(nil)
	c.endEntries()
	c.unmountAll()
	if c.sess != nil {
		c.sess.End()
		c.logSummary()
		c.sess = nil
	}
}

// leave asks the connection to end with a BYE after the running command. Any goroutine may call it; the first call counts.
func (c *conn) leave(why *replyError) {
	if c.leaving.CompareAndSwap(nil, why) {
		c.cancel()
		c.nc.Wake()
	}
}

// kick is the gate's hand on our shoulder: the account was switched, suspended, or somebody ended the session.
func (c *conn) kick(e gate.Eviction) {
	c.nc.CloseAfter(c.srv.opt.EvictGrace)
	c.leave(&replyError{kindBye, "", e.Text})
}

// allowLiteral lets the client send a literal (wire.Decoder.Continue).
func (c *conn) allowLiteral(size int64, nonSync, binary bool) error {
	if nonSync {
		return nil
	}
	c.enc.Atom("+ ").Text(c.words("Ready for literal data")).CRLF()
	return c.flush()
}

// flush sends what was written so far.
func (c *conn) flush() error { return c.enc.Flush() }

func (c *conn) greet() {
	c.status("*", kindOK, "CAPABILITY "+c.capabilities(), c.srv.opt.Name+" ready")
}

// status writes a status response; tag "*" for an untagged one (RFC 9051 §7.1). The text is English; the client gets it in its language.
func (c *conn) status(tag string, k kind, code, text string) {
	c.enc.Status(tag, kindNames[k], code, c.words(text))
}

// words gives an English text in the client's language.
func (c *conn) words(text string) string { return c.lang.Text(text) }

// next waits for a command and runs it. It returns false when the connection is over.
func (c *conn) next() bool {
	if why := c.leaving.Load(); why != nil {
		return c.end(*why)
	}
	if c.nc.Buffered() == 0 {
		if c.enc.Flush() != nil {
			return false
		}
		var bye *replyError
		switch err := c.await(); {
		case err == nil:
		case c.leaving.Load() != nil:
			return true
		case errors.Is(err, netserve.ErrWoken):
			return true
		case errors.Is(err, netserve.ErrTimeout):
			return c.end(replyError{kindBye, "", "Autologout; idle for too long"})
		case errors.Is(err, netserve.ErrCorrupt):
			return c.end(corrupt)
		case errors.As(err, &bye):
			return c.end(*bye)
		default:
			return false
		}
	}
	c.attach()
	if c.dec.Begin() != nil {
		return false
	}
	if c.dec.CRLF() {
		return true // stray empty lines of Apple Mail
	}
	if c.sess != nil {
		c.sess.Active()
		c.sum.commands++
	}
	return c.one()
}

// one reads one command, runs it and answers it.
func (c *conn) one() (more bool) {
	return c.conclude(&request{tag: "*", row: &noCommand, began: time.Now()}, (*conn).readAndRun)
}

func (c *conn) readAndRun(r *request) error {
	if err := c.read(r); err != nil {
		return err
	}
	if err := c.standing(); err != nil {
		return err
	}
	return r.row.run(c, r)
}

// conclude does what is left of a command and answers it, unless that has to wait for the end of a rest. The result is counted whatever
// becomes of it.
func (c *conn) conclude(r *request, part func(*conn, *request) error) (more bool) {
	result := "panic"
	defer func() {
		if result != "" {
			c.srv.opt.Observe(r.row.verb, result, time.Since(r.began))
		}
	}()
	err := part(c, r)
	if err == errRests {
		result = ""
		return true
	}
	k, more := c.finish(r, err)
	c.trimMounts()
	if result = resultNames[k]; r.internal {
		result = "server"
	}
	return more
}

var noCommand = command{verb: "unknown"}

// resultNames are the results of commands as they are counted. A command after which the server said BYE counts as "no".
var resultNames = [...]string{"ok", "no", "bad", "no", "io"}

// kindIO is the result of a command in which the connection broke; no reply has it.
const kindIO = kindBye + 1

// attach tells the codec which buffers the connection has now: an idle one had given them back.
func (c *conn) attach() {
	c.dec.SetReader(c.nc.Reader())
	c.enc.SetWriter(c.nc.Writer())
}

// detach makes the codec let go of the buffers before a long wait: as long as it pointed to them they would be kept
// for this connection, pool or no pool.
func (c *conn) detach() {
	c.dec.SetReader(nil)
	c.enc.SetWriter(nil)
}

// read reads tag and verb and finds the row.
func (c *conn) read(r *request) error {
	var tag, verb string
	if !c.dec.ExpectTag(&tag) {
		return c.dec.Err()
	}
	r.tag = tag
	if !c.dec.ExpectSP() || !c.dec.ExpectVerb(&verb) {
		return c.dec.Err()
	}
	if verb == "UID" {
		if !c.dec.ExpectSP() || !c.dec.ExpectVerb(&verb) {
			return c.dec.Err()
		}
		verb = "UID " + verb
	}
	row := commands[verb]
	switch {
	case row == nil:
		return bad("Unknown command")
	case row.states&c.state == 0:
		r.row = row
		return bad(wrongState(row.states, c.state))
	case c.on.uidOnly && row.numbered():
		r.row = row
		return errUIDRequired
	}
	r.row = row
	return nil
}

func wrongState(want, have states) string {
	switch {
	case have == stateNotAuth:
		return "Please log in first"
	case want == stateNotAuth:
		return "Already logged in"
	}
	return "No mailbox selected"
}

// finish brings the stream in step, tells the news, and ends the command with its one tagged reply.
func (c *conn) finish(r *request, err error) (k kind, more bool) {
	if err != nil && c.broken(err) {
		return kindIO, c.cutOff()
	}
	reply := replyError{kindOK, r.code, r.text}
	if err != nil {
		reply = c.replyFor(r, err)
	}
	if reply.kind == kindBye {
		return kindBye, c.end(reply)
	}
	if desync := c.dec.Resync(); errors.Is(desync, wire.ErrDesync) {
		if err != nil {
			c.status(r.tag, reply.kind, reply.code, reply.text) // why, before the end
		}
		return kindBye, c.end(c.replyFor(r, desync))
	} else if desync != nil {
		return kindIO, c.cutOff()
	}
	var last replyError
	defer func() { c.made = c.made[:0] }()
	if reply.kind != kindBad {
		if err := c.sync(r, &reply); err != nil {
			if c.broken(err) {
				return kindIO, false
			}
			last = c.replyFor(r, err)
		}
	}
	if !r.answered {
		if reply.text == "" {
			reply.text = r.row.verb + " completed"
		}
		c.status(r.tag, reply.kind, reply.code, reply.text)
	}
	if r.then != nil && reply.kind == kindOK {
		if _, err := c.enc.Writer(); err != nil || r.then() != nil {
			return kindIO, false
		}
		c.attach()
	}
	if last.kind == kindBye {
		// After the tagged reply: an APPEND that went unanswered would be sent again.
		return kindBye, c.end(last)
	}
	// Into the connection's own buffer, which is sent before a read waits: replies to pipelined commands leave together.
	if _, err := c.enc.Writer(); err != nil || c.state == stateLogout {
		return reply.kind, false
	}
	if reply.kind != kindBad {
		c.bad = 0
	} else if c.bad++; c.bad >= c.srv.opt.MaxBad {
		return kindBye, c.end(replyError{kindBye, "", "Too many bad commands"})
	}
	return reply.kind, true
}

// broken tells whether an error means that the connection cannot go on.
func (c *conn) broken(err error) bool {
	return c.enc.Err() != nil || c.dec.IOErr() != nil && !errors.Is(c.dec.IOErr(), wire.ErrDesync) ||
		errors.Is(err, io.ErrUnexpectedEOF) && c.dec.IOErr() != nil || errors.Is(err, errClientGone)
}

// cutOff ends a connection that broke off within a command. If the client may still listen it is told why.
func (c *conn) cutOff() bool {
	why := c.leaving.Load()
	if why == nil && errors.Is(c.dec.IOErr(), netserve.ErrTimeout) {
		why = &replyError{kindBye, "", "Autologout; the command did not end in time"}
	}
	if why == nil && errors.Is(c.dec.IOErr(), netserve.ErrCorrupt) {
		why = &corrupt
	}
	if why == nil || c.enc.Err() != nil {
		return false
	}
	return c.end(*why)
}

var corrupt = replyError{kindBye, "", "What you send is not compressed as it should be"}

// end says goodbye. It returns false, for its callers to return.
func (c *conn) end(why replyError) bool {
	c.attach()
	c.sum.reason = why.text
	c.status("*", kindBye, why.code, why.text)
	c.enc.Flush()
	return false
}
