package imap

import "bascule/internal/language"

// canStartTLS tells whether STARTTLS can be offered now.
func (c *conn) canStartTLS() bool { return c.nc.HasTLS() }

// cmdStartTLS is STARTTLS (RFC 9051 §6.2.1). What the client sent in clear text behind it is thrown away.
//
//	starttls = "STARTTLS"
func (c *conn) cmdStartTLS(r *request) error {
	if !c.dec.ExpectCRLF() {
		return c.dec.Err()
	}
	if !c.canStartTLS() {
		return bad("TLS is not available, or active already")
	}
	c.status(r.tag, kindOK, "", "Begin TLS negotiation now")
	r.answered = true
	if _, err := c.enc.Writer(); err != nil {
		return errClientGone
	}
	if err := c.nc.StartTLS(c.ctx); err != nil {
		c.log.Debug("starttls failed", "err", err)
		return errClientGone
	}
	c.attach()
	c.clientID = ""
	c.speak(language.Default) // RFC 5255 §7: what was said before TLS may be an attacker's
	c.originates("", "")
	c.client.TLS = c.nc.TLS()
	return nil
}
