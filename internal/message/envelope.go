package message

// Envelope is the ENVELOPE of a message (RFC 9051 §7.5.2). The strings are as the sender wrote them, in one line:
// encoded words and 8-bit stay.
//
// Has tells an absent field (NIL) from an empty one (""). An address list is NIL when it is nil. Sender and ReplyTo
// already stand in for absent or empty ones with From's addresses, sharing its slice.
type Envelope struct {
	Has                   EnvelopeFields
	Date, Subject         string
	From, Sender, ReplyTo []Address
	To, Cc, Bcc           []Address
	InReplyTo, MessageID  string
}

// EnvelopeFields is a set of string fields that are present in the header.
type EnvelopeFields uint8

// The bits are part of the stored form and never change.
const (
	HasDate EnvelopeFields = 1 << iota
	HasSubject
	HasInReplyTo
	HasMessageID
)

// ParseEnvelope reads the envelope of a raw header. Of several fields with one name the first counts; address lists are
// joined, as a header may be split so. At most DefaultLimits.MaxAddresses addresses are taken.
func ParseEnvelope(header []byte) *Envelope {
	p := Parser{limits: DefaultLimits, hdr: header}
	return p.envelope(string(header))
}

// envelope reads p.hdr, of which header is a copy.
func (p *Parser) envelope(header string) *Envelope {
	e := new(Envelope)
	for at := 0; ; {
		f, ok := fieldAt(p.hdr, at)
		if !ok {
			break
		}
		at = f.end
		name := header[f.start:f.nameEnd]
		if len(name) < len("to") || len(name) > len("in-reply-to") {
			continue
		}
		raw := header[f.value:f.end]
		switch lower(name[0]) {
		case 'd':
			e.text(&e.Date, HasDate, name, "date", raw)
		case 'm':
			e.text(&e.MessageID, HasMessageID, name, "message-id", raw)
		case 'i':
			e.text(&e.InReplyTo, HasInReplyTo, name, "in-reply-to", raw)
		case 's':
			e.text(&e.Subject, HasSubject, name, "subject", raw)
			p.list(&e.Sender, name, "sender", raw)
		case 'f':
			p.list(&e.From, name, "from", raw)
		case 'r':
			p.list(&e.ReplyTo, name, "reply-to", raw)
		case 't':
			p.list(&e.To, name, "to", raw)
		case 'c':
			p.list(&e.Cc, name, "cc", raw)
		case 'b':
			p.list(&e.Bcc, name, "bcc", raw)
		}
	}
	e.standIn()
	return e
}

// standIn gives Sender and ReplyTo their default (RFC 9051 §7.5.2).
func (e *Envelope) standIn() {
	if e.Sender == nil {
		e.Sender = e.From
	}
	if e.ReplyTo == nil {
		e.ReplyTo = e.From
	}
}

func (e *Envelope) text(dst *string, bit EnvelopeFields, name, want, raw string) {
	if e.Has&bit == 0 && equalName(name, want) {
		e.Has |= bit
		*dst = unfold(raw)
	}
}

func (p *Parser) list(dst *[]Address, name, want, raw string) {
	if !equalName(name, want) {
		return
	}
	n := len(*dst)
	*dst = appendAddresses(*dst, unfold(raw), p.limits.MaxAddresses-p.addrs)
	p.addrs += len(*dst) - n
}
