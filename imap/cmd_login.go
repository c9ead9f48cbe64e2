package imap

import (
	"time"

	"bascule/imap/wire"
	"bascule/internal/accounts"
)

var (
	noDeadline       time.Time
	limitsAfterLogin = wire.AfterLogin()
)

// waitForLogin bounds what somebody without a password may cost: time, and octets of a line.
func (c *conn) waitForLogin() {
	c.nc.SetReadTimeout(c.srv.opt.LoginTimeout)
	c.nc.SetReadDeadline(time.Now().Add(c.srv.opt.LoginTimeout))
	c.dec.SetLimits(wire.BeforeLogin())
}

func sessionNamespace(s accounts.Effective) namespace {
	return newNamespace(s.Separator, s.InboxPrefix)
}

// cmdLogin is LOGIN (RFC 9051 §6.2.3).
//
//	login = "LOGIN" SP userid SP password
func (c *conn) cmdLogin(r *request) error {
	var user, password string
	if !c.dec.ExpectSP() || !c.dec.ExpectAString(&user) || !c.dec.ExpectSP() || !c.dec.ExpectAString(&password) ||
		!c.dec.ExpectCRLF() {
		return c.dec.Err()
	}
	if !c.mayLogin() {
		return no("PRIVACYREQUIRED", "Passwords are taken over TLS only")
	}
	s, err := c.srv.opt.Gate.Password(c.ctx, c.client, user, password)
	if err != nil {
		return err
	}
	c.admitted(r, s)
	return nil
}
