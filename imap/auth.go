package imap

import (
	"slices"

	"bascule/internal/gate"
	"bascule/internal/language"
)

// mechanisms are the SASL mechanisms this client may use now.
func (c *conn) mechanisms() []string { return c.srv.opt.Gate.Mechanisms(c.client) }

// mayLogin tells whether a password may cross this connection as it is: LOGIN is offered like AUTH=PLAIN.
func (c *conn) mayLogin() bool { return slices.Contains(c.mechanisms(), "PLAIN") }

// admitted opens the session that the gate has let in.
func (c *conn) admitted(r *request, s *gate.Session) {
	c.sess, c.ns = s, sessionNamespace(s.Settings)
	c.home = c.mount(s.Account)
	c.state = stateAuth
	c.log = c.srv.log.With("conn", c.nc.ID(), "account", s.Address, "session", s.ID)
	if c.clientID != "" {
		s.SetClientName(c.clientID)
	}
	c.sum.begin()
	c.nc.LoggedIn()
	c.nc.SetReadTimeout(c.srv.opt.IdleTimeout)
	c.nc.SetReadDeadline(noDeadline)
	c.dec.SetLimits(limitsAfterLogin)
	r.code = "CAPABILITY " + c.capabilities()
	r.text = "Logged in"
}

// cmdUnauthenticate is UNAUTHENTICATE (RFC 8437): the connection is as it was after its greeting, TLS stays.
//
//	unauthenticate = "UNAUTHENTICATE"
func (c *conn) cmdUnauthenticate(r *request) error {
	if !c.dec.ExpectCRLF() {
		return c.dec.Err()
	}
	c.unselect()
	c.setNotify(nil)
	c.endEntries()
	c.unmountAll()
	c.sess.End()
	c.nc.TraceCommands(nil, false) // the next one to log in may be somebody else
	c.sum.reason = "unauthenticated"
	c.logSummary()
	c.sess, c.home = nil, nil
	c.clientID = ""
	c.originates("", "")
	c.log = c.srv.log.With("conn", c.nc.ID())
	c.ns = newNamespace("", false)
	c.enable(enabled{})
	then := c.nc.EndCompression
	r.then = func() error {
		c.speak(language.Default) // RFC 8437 §4; the answer is still in the language of before
		return then()
	}
	c.state = stateNotAuth
	c.waitForLogin()
	return nil
}
