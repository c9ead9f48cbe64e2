package message

import "strings"

// match finds the open multipart whose boundary a line is, -1 if none, and whether the line closes it.
//
// The line need only begin with the boundary (RFC 2046 §5.1.1). If several do, the longest is meant, so that a
// boundary may be the start of another; of equal ones the innermost.
func (p *Parser) match(line []byte) (at int, closing bool) {
	at = -1
	if len(line) < 3 || line[0] != '-' || line[1] != '-' {
		return at, false
	}
	line = line[2:]
	longest := 0
	for i := len(p.open) - 1; i >= 0; i-- {
		b := p.open[i].boundary
		if len(b) <= longest || len(b) > len(line) || string(line[:len(b)]) != b {
			continue
		}
		at, longest = i, len(b)
	}
	if at >= 0 {
		rest := line[longest:]
		closing = len(rest) >= 2 && rest[0] == '-' && rest[1] == '-'
	}
	return at, closing
}

// boundaryLine ends the parts inside a multipart at an offset and begins the next one, or ends the
// multipart's parts for good.
func (p *Parser) boundaryLine(at int, closing bool, end, endLines int64) {
	p.closeParts(at+1, end, endLines)
	o := &p.open[at]
	switch {
	case closing:
		o.boundary = ""
		p.marks--
		p.wait()
	case p.parts >= p.limits.MaxParts:
		// One part more, which holds all the rest as it stands.
		last := p.push(o.part, false)
		last.BodyOff = p.off
		p.open[len(p.open)-1].lines = p.lines
		opaque(last)
		p.state = inRest
	default:
		p.push(o.part, false)
	}
}

// push opens a part that starts with the next line. message says that it is an embedded message.
func (p *Parser) push(parent *Part, message bool) *Part {
	part := &Part{HeaderOff: p.off}
	if parent != nil {
		parent.Children = append(parent.Children, part)
	}
	p.parts++
	p.open = append(p.open, open{part: part, message: message})
	p.state = inHeader
	p.hdr, p.hdrAt, p.cut = p.hdr[:0], 0, false
	return part
}

// wait goes on to the bodies' bytes.
func (p *Parser) wait() {
	p.state = inRest
	if p.marks > 0 {
		p.state = inBody
	}
}

// closeParts ends the open parts from an index on. A body that would end before it starts is empty: its
// header took the line end that belongs to the boundary.
func (p *Parser) closeParts(from int, end, endLines int64) {
	for i := len(p.open) - 1; i >= from; i-- {
		o := &p.open[i]
		if o.part.BodyOff > end {
			end, endLines = o.part.BodyOff, o.lines
		}
		o.part.EndOff = end
		o.part.Lines = endLines - o.lines
		if o.boundary != "" {
			p.marks--
		}
		if o.multipart && len(o.part.Children) == 0 {
			plain(o.part)
		}
	}
	p.open = p.open[:from]
}

// endHeader closes the header of the innermost part and decides what its body is.
func (p *Parser) endHeader(bodyOff, lines int64) {
	i := len(p.open) - 1
	o := &p.open[i]
	part := o.part
	part.BodyOff, o.lines = bodyOff, lines
	if i > 0 {
		p.headers += len(p.hdr)
	}
	p.describe(i)
	boundary := strings.TrimRight(rawParam(part.Params, "boundary"), " \t")
	boundary = boundary[:min(len(boundary), maxBoundary)]
	deep := i+1 >= p.limits.MaxDepth
	isMessage := isMessageType(part)
	switch {
	case equalName(part.Type, "multipart") && boundary == "":
		plain(part)
	case equalName(part.Type, "multipart") && deep,
		isMessage && (deep || p.parts >= p.limits.MaxParts || equalName(part.Encoding, "base64")):
		opaque(part)
	case equalName(part.Type, "multipart"):
		o.boundary, o.multipart = boundary, true
		p.marks++
	case isMessage:
		part.Envelope = new(Envelope)
		p.off, bodyOff = bodyOff, p.off // the embedded message starts where this body does
		p.push(part, true)
		p.off = bodyOff
		return
	}
	p.wait()
}

func isMessageType(p *Part) bool {
	return equalName(p.Type, "message") && (equalName(p.Subtype, "rfc822") || equalName(p.Subtype, "global"))
}

// plain makes a leaf of a part whose media type cannot be true, as text that can be seen.
func plain(p *Part) {
	p.Type, p.Subtype = "text", "plain"
	p.Params = defaultParams()
	p.Encoding = defaultEncoding
}

// opaque makes a leaf of a part that is not looked into, as bytes that can be saved. It keeps its parameters, of which
// the name matters, and its encoding.
func opaque(p *Part) {
	p.Type, p.Subtype = "application", "octet-stream"
	if p.Encoding == "" {
		p.Encoding = defaultEncoding
	}
}
