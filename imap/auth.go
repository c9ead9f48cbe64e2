package imap

import (
	"slices"

	"bascule/internal/gate"
	"bascule/locking"
)

// mechanisms are the SASL mechanisms this client may use now.
func (c *conn) mechanisms() []string { return c.srv.opt.Gate.Mechanisms(c.client) }

// mayLogin tells whether a password may cross this connection as it is: LOGIN is offered like AUTH=PLAIN.
func (c *conn) mayLogin() bool { return slices.Contains(c.mechanisms(), "PLAIN") }

// admitted opens the session that the gate has let in.
func (c *conn) admitted(r *request, s *gate.Session) {
	c.sess, c.acct = s, s.Account
	c.door = c.acct.Door(locking.Holder{Session: s.ID, Protocol: "imap", Remote: c.nc.Remote().String()})
	c.state = stateAuth
	c.log = c.srv.log.With("conn", c.nc.ID(), "account", s.Address, "session", s.ID)
	c.ns = sessionNamespace(s.Settings)
	if c.clientID != "" {
		s.SetClientName(c.clientID)
	}
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
	c.sess.End()
	c.sess, c.acct, c.door = nil, nil, nil
	c.clientID = ""
	c.log = c.srv.log.With("conn", c.nc.ID())
	c.ns = newNamespace("", false)
	c.enable(enabled{})
	c.state = stateNotAuth
	c.waitForLogin()
	return nil
}
