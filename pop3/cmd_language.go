package pop3

import (
	"context"

	"bascule/internal/language"
)

// utf8 is UTF8 (RFC 6856 §2). It changes nothing: messages are sent as they are stored in either mode, because a surrogate for
// eight-bit headers would have other octets than the message that IMAP shows, and a refusal would keep the user from mail that every
// client shows well enough (docs/decisions/pop3-sends-utf8-as-stored.md).
func (c *conn) utf8(ctx context.Context, r request) error {
	return c.ok("UTF-8 it is")
}

// lang is LANG (RFC 6856 §3).
func (c *conn) lang(ctx context.Context, r request) error {
	if r.rest == "" {
		c.ok("Languages follow")
		for _, tag := range language.Supported() {
			if tag != language.Default {
				c.line(string(tag) + " " + tag.Name())
			}
		}
		return c.done()
	}
	tag, ok := language.Choose(r.rest)
	if !ok {
		return &refusal{text: "No such language here"}
	}
	c.speaks = tag
	text := "English it is"
	if tag == language.French {
		text = "French it is"
	}
	return c.data(string(tag) + " " + c.speaks.Text(text))
}
