package gate

import (
	"bytes"
	"errors"

	"bascule/internal/accounts"
)

// external is EXTERNAL (RFC 4422 appendix A): the client has proved who it is by its TLS certificate.
const external = "EXTERNAL"

// What of a client certificate names the account.
const (
	IdentityEmail = "email" // an e-mail address among its alternative names
	IdentityCN    = "cn"    // the common name of its subject
)

// identities are the accounts that the client's verified certificate stands for.
func (g *Gate) identities(c *Client) []accounts.Address {
	if g.opts.External == "" || c.TLS == nil || len(c.TLS.VerifiedChains) == 0 {
		return nil
	}
	leaf := c.TLS.VerifiedChains[0][0]
	names := leaf.EmailAddresses
	if g.opts.External == IdentityCN {
		names = []string{leaf.Subject.CommonName}
	}
	var list []accounts.Address
	for _, n := range names {
		if a, ok := g.address(n); ok {
			list = append(list, a)
		}
	}
	return list
}

// externalExchange asks for nothing but the identity to act as: none for the certificate's first one, or one that it names.
type externalExchange struct{ exchange }

func (x *externalExchange) Next(response []byte) ([]byte, bool, error) {
	if response == nil {
		return []byte{}, false, nil
	}
	g, c := x.gate, x.client
	mine := g.identities(c)
	if len(mine) == 0 || len(response) > maxResponse || bytes.IndexByte(response, 0) >= 0 {
		return nil, false, x.malformed(external)
	}
	chosen := mine[0]
	if len(response) > 0 {
		chosen = ""
		for _, a := range mine {
			if g.sameUser(string(response), string(a)) {
				chosen = a
			}
		}
		if chosen == "" { // nobody acts for somebody else
			return nil, false, g.refused(c, mine[0], external, authFailed())
		}
	}
	e, err := g.opts.Directory.Lookup(x.ctx, chosen)
	if errors.Is(err, accounts.ErrNotFound) {
		err = authFailed() // a certificate is no guess and does not count as one
	}
	if err != nil {
		return nil, false, g.refused(c, chosen, external, err)
	}
	x.session, err = g.admit(x.ctx, c, proof{address: chosen, version: e.PasswordVersion, mechanism: external})
	return nil, err == nil, err
}
