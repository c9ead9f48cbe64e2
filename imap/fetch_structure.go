package imap

import (
	"strings"

	"bascule/imap/wire"
	"bascule/internal/message"
)

// structure writes BODY and BODYSTRUCTURE (RFC 9051 §7.5.2).
type structure struct {
	enc *wire.Encoder
	// extended adds what BODYSTRUCTURE has beyond BODY.
	extended bool
	// global shows message/global like message/rfc822; in IMAP4rev1 a client would not expect its envelope there.
	global bool
}

func (s structure) part(p *message.Part) {
	s.enc.Special('(')
	if p.IsMultipart() {
		s.multipart(p)
	} else {
		s.leaf(p)
	}
	s.enc.Special(')')
}

// multipart:
//
//	body-type-mpart = 1*body SP media-subtype [SP body-fld-param [SP body-fld-dsp [SP body-fld-lang [SP body-fld-loc]]]]
func (s structure) multipart(p *message.Part) {
	for _, child := range p.Children {
		s.part(child)
	}
	s.enc.SP().String(p.Subtype)
	if !s.extended {
		return
	}
	s.enc.SP()
	s.params(p.Params)
	s.tail(p)
}

// leaf:
//
//	body-type-1part = (body-type-basic / body-type-msg / body-type-text) [SP body-fld-md5 [SP body-fld-dsp ...]]
func (s structure) leaf(p *message.Part) {
	s.enc.String(p.Type).SP().String(p.Subtype).SP()
	s.params(p.Params)
	s.enc.SP().NString(p.ID).SP().NString(p.Description).SP().String(p.Encoding).SP().Number64(uint64(p.Size()))
	switch inner := p.Message(); {
	case inner != nil && (s.global || strings.EqualFold(p.Subtype, "rfc822")):
		s.enc.SP()
		writeEnvelope(s.enc, p.Envelope)
		s.enc.SP()
		s.part(inner)
		s.enc.SP().Number64(uint64(p.Lines))
	case strings.EqualFold(p.Type, "text"):
		s.enc.SP().Number64(uint64(p.Lines))
	}
	if !s.extended {
		return
	}
	s.enc.SP().NString(p.MD5)
	s.tail(p)
}

// tail writes disposition, language and location.
func (s structure) tail(p *message.Part) {
	s.enc.SP()
	if p.Disposition == "" {
		s.enc.NIL()
	} else {
		s.enc.Special('(').String(p.Disposition).SP()
		s.params(p.DispositionParams)
		s.enc.Special(')')
	}
	s.enc.SP()
	switch len(p.Language) {
	case 0:
		s.enc.NIL()
	case 1:
		s.enc.String(p.Language[0])
	default:
		s.enc.List(len(p.Language), func(i int) { s.enc.String(p.Language[i]) })
	}
	s.enc.SP().NString(p.Location)
}

func (s structure) params(params []message.Param) {
	if len(params) == 0 {
		s.enc.NIL()
		return
	}
	s.enc.List(len(params), func(i int) { s.enc.String(params[i].Name).SP().String(params[i].Value) })
}
