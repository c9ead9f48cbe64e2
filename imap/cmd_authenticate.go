package imap

import (
	"encoding/base64"
	"slices"

	"bascule/imap/wire"
)

// maxSASLLine bounds one answer of the client, octets in base64.
const maxSASLLine = 8 << 10

// cmdAuthenticate is AUTHENTICATE (RFC 9051 §6.2.2) with initial response (RFC 4959).
//
//	authenticate = "AUTHENTICATE" SP auth-type [SP initial-resp] *(CRLF base64)
//	initial-resp = (base64 / "=")
func (c *conn) cmdAuthenticate(r *request) error {
	var mech, initial string
	if !c.dec.ExpectSP() || !c.dec.ExpectKeyword(&mech) {
		return c.dec.Err()
	}
	hasInitial := c.dec.SP()
	if hasInitial && !c.dec.ExpectAString(&initial) || !c.dec.ExpectCRLF() {
		return c.dec.Err()
	}
	if offered := c.mechanisms(); len(offered) > 0 && !slices.Contains(offered, mech) {
		return no("CANNOT", "This mechanism is not offered here")
	}
	exchange, err := c.srv.opt.Gate.SASL(c.ctx, c.client, mech)
	if err != nil {
		return err
	}
	var response []byte
	if hasInitial {
		if response, err = decodeSASL(initial); err != nil {
			return err
		}
	}
	for {
		challenge, done, err := exchange.Next(response)
		if err != nil {
			return err
		}
		if done {
			break
		}
		if response, err = c.challenge(challenge); err != nil {
			return err
		}
	}
	c.admitted(r, exchange.Session())
	return nil
}

// challenge sends one challenge and reads the answer.
func (c *conn) challenge(challenge []byte) ([]byte, error) {
	c.enc.Atom("+ ").Atom(base64.StdEncoding.EncodeToString(challenge)).CRLF()
	if c.flush() != nil {
		return nil, errClientGone
	}
	line, err := c.dec.ReadLine(maxSASLLine)
	if err != nil {
		return nil, err
	}
	if string(line) == "*" {
		return nil, bad("Authentication cancelled")
	}
	return decodeSASL(string(line))
}

// decodeSASL decodes an answer; "=" stands for an empty initial response. It is never nil, for
// nil means that there was none.
func decodeSASL(s string) ([]byte, error) {
	if s == "=" {
		return []byte{}, nil
	}
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return nil, &wire.SyntaxError{Text: "invalid base64"}
	}
	return append([]byte{}, b...), nil
}
