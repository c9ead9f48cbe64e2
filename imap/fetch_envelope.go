package imap

import (
	"bascule/imap/wire"
	"bascule/internal/message"
)

// writeEnvelope writes ENVELOPE (RFC 9051 §7.5.2) as the sender wrote it: encoded words stay encoded.
//
//	envelope = "(" env-date SP env-subject SP env-from SP env-sender SP env-reply-to SP env-to SP env-cc SP
//	           env-bcc SP env-in-reply-to SP env-message-id ")"
func writeEnvelope(enc *wire.Encoder, e *message.Envelope) {
	text := func(has message.EnvelopeFields, s string) {
		if e.Has&has == 0 {
			enc.NIL()
			return
		}
		enc.String(s)
	}
	enc.Special('(')
	text(message.HasDate, e.Date)
	enc.SP()
	text(message.HasSubject, e.Subject)
	for _, list := range [...][]message.Address{e.From, e.Sender, e.ReplyTo, e.To, e.Cc, e.Bcc} {
		enc.SP()
		writeAddresses(enc, list)
	}
	enc.SP()
	text(message.HasInReplyTo, e.InReplyTo)
	enc.SP()
	text(message.HasMessageID, e.MessageID)
	enc.Special(')')
}

// writeAddresses writes a list of addresses; the marks of groups are those of RFC 9051 §7.5.2.
func writeAddresses(enc *wire.Encoder, list []message.Address) {
	if len(list) == 0 {
		enc.NIL()
		return
	}
	enc.Special('(')
	for _, a := range list {
		switch a.Kind {
		case message.GroupStart:
			enc.Atom("(NIL NIL ").String(a.Mailbox).Atom(" NIL)")
		case message.GroupEnd:
			enc.Atom("(NIL NIL NIL NIL)")
		default:
			enc.Special('(').NString(a.Name).SP().NString(a.Route).SP().String(a.Mailbox).SP().String(a.Host).Special(')')
		}
	}
	enc.Special(')')
}
