package gate

import (
	"github.com/xdg-go/scram"

	"bascule/internal/accounts"
)

const (
	scramPlain = "SCRAM-SHA-256"      // RFC 7677
	scramPlus  = "SCRAM-SHA-256-PLUS" // bound to the TLS connection
)

// channelBinding is the tls-exporter binding of RFC 9266. It exists with TLS 1.3,
// and with 1.2 where the extended master secret was agreed.
func channelBinding(c *Client) (scram.ChannelBinding, bool) {
	if c.TLS == nil {
		return scram.ChannelBinding{}, false
	}
	cb, err := scram.NewTLSExporterBinding(c.TLS)
	return cb, err == nil
}

// scramExchange is SCRAM-SHA-256 (RFC 5802 §3) and its -PLUS. The client proves
// that it knows the password and, in the last challenge, we prove that we do; the
// client answers that with an empty response, and only then is it let in.
type scramExchange struct {
	exchange
	mechanism string
	conv      *scram.ServerConversation
	step      int
	address   accounts.Address
	keys      accounts.SCRAMKeys
}

func newScram(base exchange, mechanism string) (Exchange, error) {
	x := &scramExchange{exchange: base, mechanism: mechanism}
	server, err := scram.SHA256.NewServer(x.lookup)
	if err != nil {
		return nil, base.gate.refused(base.client, "", mechanism, err)
	}
	cb, bound := channelBinding(base.client)
	switch {
	case mechanism == scramPlus:
		x.conv = server.NewConversationWithChannelBindingRequired(cb)
	case bound && base.gate.offers(scramPlus):
		// A client that could bind but was not told that we can ("y") has been
		// lied to by somebody in between; the library refuses it.
		x.conv = server.NewConversationWithChannelBinding(cb)
	default:
		x.conv = server.NewConversation()
	}
	return x, nil
}

func (g *Gate) offers(mechanism string) bool {
	for _, m := range g.opts.Mechanisms {
		if m == mechanism {
			return true
		}
	}
	return false
}

// lookup gives the keys of the user, false ones if there are none.
func (x *scramExchange) lookup(user string) (scram.StoredCredentials, error) {
	x.address, _ = x.gate.address(user)
	keys, err := x.gate.opts.Directory.SCRAM(x.ctx, x.address)
	if err != nil {
		return scram.StoredCredentials{}, err
	}
	x.keys = keys
	return scram.StoredCredentials{
		KeyFactors: scram.KeyFactors{Salt: string(keys.Salt), Iters: keys.Iterations},
		StoredKey:  keys.StoredKey, ServerKey: keys.ServerKey,
	}, nil
}

func (x *scramExchange) Next(response []byte) ([]byte, bool, error) {
	if response == nil {
		return []byte{}, false, nil
	}
	if len(response) > maxResponse {
		return nil, false, x.malformed(x.mechanism)
	}
	x.step++
	switch x.step {
	case 1:
		return x.first(response)
	case 2:
		return x.final(response)
	}
	if len(response) != 0 {
		return nil, false, x.malformed(x.mechanism)
	}
	var err error
	x.session, err = x.gate.admit(x.ctx, x.client, proof{address: x.address, version: x.keys.PasswordVersion, mechanism: x.mechanism})
	return nil, err == nil, err
}

func (x *scramExchange) first(response []byte) ([]byte, bool, error) {
	challenge, err := x.conv.Step(string(response))
	switch {
	case err != nil && x.address != "" && x.keys.Iterations == 0:
		return nil, false, x.gate.refused(x.client, x.address, x.mechanism, err) // the directory failed
	case err != nil, !x.gate.sameUser(x.conv.AuthzID(), x.conv.Username()):
		return nil, false, x.malformed(x.mechanism)
	}
	return []byte(challenge), false, nil
}

// final checks the proof. The throttle comes before it, as with passwords: each
// proof is a guess.
func (x *scramExchange) final(response []byte) ([]byte, bool, error) {
	g, remote := x.gate, x.client.Remote.Addr()
	release, err := g.patience(x.ctx, x.client, x.address)
	if err != nil {
		return nil, false, g.refused(x.client, x.address, x.mechanism, err)
	}
	challenge, err := x.conv.Step(string(response))
	release()
	if err != nil || !x.conv.Valid() || !x.keys.Real {
		g.throttle.failed(remote, x.address, passMAC{}, g.opts.Clock.Now())
		return nil, false, g.refused(x.client, x.address, x.mechanism, authFailed())
	}
	g.throttle.succeeded(remote, x.address, g.opts.Clock.Now())
	return []byte(challenge), false, nil
}
