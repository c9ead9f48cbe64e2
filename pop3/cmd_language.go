package pop3

import (
	"context"
	"strings"
)

// utf8 is UTF8 (RFC 6856 §2). It changes nothing: messages are sent as they are stored in either mode, because a surrogate for
// eight-bit headers would have other octets than the message that IMAP shows, and a refusal would keep the user from mail that every
// client shows well enough (docs/decisions/pop3-sends-utf8-as-stored.md).
func (c *conn) utf8(ctx context.Context, r request) error {
	return c.ok("UTF-8 it is")
}

// lang is LANG (RFC 6856 §3). English is what there is.
func (c *conn) lang(ctx context.Context, r request) error {
	if r.rest == "" {
		c.ok("Languages follow")
		c.line("en English")
		return c.done()
	}
	// "*" is our choice; else RFC 4647 §3.4: shorten the range until it is a tag that we have.
	for wanted := strings.ToLower(r.rest); wanted != ""; {
		if wanted == "*" || wanted == "en" || wanted == "i-default" {
			return c.ok("en English it is")
		}
		cut := strings.LastIndexByte(wanted, '-')
		if cut < 0 {
			break
		}
		wanted = wanted[:cut]
	}
	return &refusal{text: "No such language here"}
}
