package gate

import (
	"bytes"
	"context"
	"slices"
	"strings"
)

// maxResponse bounds one response of a client, in octets after base64.
const maxResponse = 6 << 10

// Exchange is a SASL exchange (RFC 4422) on its way. The front end encodes and
// decodes base64, and drops the exchange when the client cancels it or goes; then
// nothing is left behind.
type Exchange interface {
	// Next takes the client's response (nil: there was no initial response; an
	// empty one is not nil) and gives the next challenge, or done. After done or an
	// error, which is a *Refusal, it must not be called again. There is never a
	// challenge together with done.
	Next(response []byte) (challenge []byte, done bool, err error)
	// Session is what Next reached when it said done.
	Session() *Session
}

// SASL begins an exchange. The mechanism name is in upper case. ctx is for the
// whole exchange.
func (g *Gate) SASL(ctx context.Context, c *Client, mechanism string) (Exchange, error) {
	offered := g.Mechanisms(c)
	if !slices.Contains(offered, mechanism) {
		if len(offered) == 0 {
			return nil, g.refused(c, "", mechanism, refuse(Privacy, "Passwords are not taken in clear text here; use TLS"))
		}
		return nil, g.refused(c, "", mechanism, refuse(Auth, "This mechanism is not offered here"))
	}
	base := exchange{gate: g, ctx: ctx, client: c}
	switch mechanism {
	case "PLAIN":
		return &plain{exchange: base}, nil
	case "LOGIN":
		return &login{exchange: base}, nil
	case scramPlain, scramPlus:
		return newScram(base, mechanism)
	case external:
		return &externalExchange{base}, nil
	}
	return nil, g.refused(c, "", mechanism, refuse(Auth, "This mechanism is not offered here"))
}

type exchange struct {
	gate    *Gate
	ctx     context.Context // of the exchange, which is a method call in several parts
	client  *Client
	session *Session
}

func (x *exchange) Session() *Session { return x.session }

// malformed refuses what is no guess at a password and does not count as one.
func (x *exchange) malformed(mechanism string) error {
	return x.gate.refused(x.client, "", mechanism, authFailed())
}

// plain is PLAIN, RFC 4616.
type plain struct{ exchange }

func (x *plain) Next(response []byte) ([]byte, bool, error) {
	if response == nil {
		return []byte{}, false, nil
	}
	parts := bytes.Split(response, []byte{0})
	if len(parts) != 3 || len(response) > maxResponse {
		return nil, false, x.malformed("PLAIN")
	}
	user := string(parts[1])
	if !x.gate.sameUser(string(parts[0]), user) {
		return nil, false, x.malformed("PLAIN") // nobody acts for somebody else
	}
	var err error
	x.session, err = x.gate.password(x.ctx, x.client, user, string(parts[2]), "PLAIN", "PLAIN")
	return nil, err == nil, err
}

// sameUser says whether an authorization identity is none or the user itself.
func (g *Gate) sameUser(authzid, user string) bool {
	if authzid == "" || authzid == user {
		return true
	}
	a, _ := g.address(authzid)
	b, ok := g.address(user)
	return ok && a == b
}

// login is LOGIN, which was never more than a draft and is what old Outlooks speak.
type login struct {
	exchange
	user  string
	asked int // challenges sent
}

func (x *login) Next(response []byte) ([]byte, bool, error) {
	if len(response) > maxResponse {
		return nil, false, x.malformed("LOGIN")
	}
	if response == nil {
		return []byte("Username:"), false, nil
	}
	if x.asked == 0 {
		x.asked++
		// Some clients end the name with a NUL.
		x.user = strings.TrimRight(string(response), "\x00")
		return []byte("Password:"), false, nil
	}
	var err error
	x.session, err = x.gate.password(x.ctx, x.client, x.user, string(response), "LOGIN", "LOGIN")
	return nil, err == nil, err
}
