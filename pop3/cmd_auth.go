package pop3

import (
	"context"
	"encoding/base64"
	"slices"
	"strings"
)

// auth is AUTH (RFC 5034). Alone it lists the mechanisms, which is older than the RFC and what Outlook and others ask for.
func (c *conn) auth(ctx context.Context, r request) error {
	mechanisms := c.srv.opt.Gate.Mechanisms(c.door)
	if r.rest == "" {
		c.ok("Mechanisms follow")
		for _, m := range mechanisms {
			c.line(m)
		}
		return c.done()
	}
	name, initial, hasInitial := strings.Cut(r.rest, " ")
	name = strings.ToUpper(name)
	if len(mechanisms) > 0 && !slices.Contains(mechanisms, name) {
		// No [AUTH] as of a wrong password: the client has to choose another mechanism, not ask its user.
		return bad("This mechanism is not offered")
	}
	exchange, err := c.srv.opt.Gate.SASL(ctx, c.door, name)
	if err != nil {
		return err
	}
	var response []byte
	if hasInitial {
		if initial == "=" {
			initial = "" // RFC 5034 §4: an empty initial response
		}
		if response, err = base64.StdEncoding.DecodeString(initial); err != nil {
			return bad("Not base64")
		}
		if response == nil {
			response = []byte{}
		}
	}
	for {
		challenge, done, err := exchange.Next(response)
		if err != nil {
			return err
		}
		// The last words of the server (SCRAM's proof that it knows the password too) are a challenge like others, which the client
		// answers with an empty line: POP3 has no place for data in +OK (RFC 5034 §4).
		if done {
			return c.enter(ctx, exchange.Session())
		}
		if response, err = c.exchange(challenge); err != nil {
			return err
		}
	}
}

// exchange sends a challenge and reads the response to it.
func (c *conn) exchange(challenge []byte) ([]byte, error) {
	c.challenge(base64.StdEncoding.EncodeToString(challenge))
	line, err := c.readLine()
	if err != nil {
		return nil, err
	}
	if line == "*" {
		return nil, &refusal{text: "Authentication cancelled"}
	}
	response, err := base64.StdEncoding.DecodeString(strings.TrimRight(line, " "))
	if err != nil {
		return nil, bad("Not base64")
	}
	if response == nil {
		response = []byte{}
	}
	return response, nil
}
