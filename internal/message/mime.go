package message

import (
	"bytes"
	"strings"
)

const defaultEncoding = "7bit"

// defaultParams is what RFC 2045 §5.2 assumes where no media type is given. A type that is given without a charset
// gets none: text/calendar and text/html would mean another one.
func defaultParams() []Param { return []Param{{"charset", "us-ascii"}} }

// describe fills the open part i from the header that was read, and for a message its envelope.
func (p *Parser) describe(i int) {
	o := &p.open[i]
	header := string(p.hdr) // all strings below are parts of this one
	if o.message {
		e := p.envelope(header)
		if i > 0 {
			p.open[i-1].part.Envelope = e
		} else {
			p.out.Envelope = e
			p.out.Header = bytes.Clone(p.hdr)
			p.out.HeaderCut = p.cut
		}
	}
	describePart(o.part, p.hdr, header, p.limits.MaxParams)
	if o.part.Type == "" {
		if i > 0 && !o.message && equalName(p.open[i-1].part.Subtype, "digest") {
			o.part.Type, o.part.Subtype = "message", "rfc822"
		} else {
			o.part.Type, o.part.Subtype = "text", "plain"
			o.part.Params = defaultParams()
		}
	}
	if o.part.Encoding == "" {
		o.part.Encoding = defaultEncoding
	}
}

// describePart reads the Content fields. Of several with one name the first counts.
func describePart(part *Part, h []byte, header string, maxParams int) {
	typed, disposed := false, false
	for at := 0; ; {
		f, ok := fieldAt(h, at)
		if !ok {
			return
		}
		at = f.end
		const prefix = "content-"
		name := header[f.start:f.nameEnd]
		if len(name) <= len(prefix) || !equalName(name[:len(prefix)], prefix) {
			continue
		}
		value := unfold(header[f.value:f.end])
		switch name = name[len(prefix):]; {
		case !typed && equalName(name, "type"):
			typed = true
			part.Type, part.Subtype, part.Params = parseMediaType(value, maxParams)
		case !disposed && equalName(name, "disposition"):
			disposed = true
			part.Disposition, part.DispositionParams = parseDisposition(value, maxParams)
		case part.Encoding == "" && equalName(name, "transfer-encoding"):
			c := cursor{s: value}
			part.Encoding = c.token()
		case part.ID == "" && equalName(name, "id"):
			part.ID = value
		case part.Description == "" && equalName(name, "description"):
			part.Description = value
		case part.MD5 == "" && equalName(name, "md5"):
			part.MD5 = value
		case part.Location == "" && equalName(name, "location"):
			part.Location = strings.Map(dropBlank, value) // RFC 2557 §4.4.2: folding puts blanks in
		case part.Language == nil && equalName(name, "language"):
			part.Language = parseLanguages(value, maxParams)
		}
	}
}

func dropBlank(r rune) rune {
	if r == ' ' || r == '\t' {
		return -1
	}
	return r
}

// parseMediaType reads a Content-Type. What is not type/subtype gives empty strings.
func parseMediaType(value string, maxParams int) (typ, subtype string, params []Param) {
	c := cursor{s: value}
	typ = c.token()
	if !c.take('/') || typ == "" {
		return "", "", nil
	}
	subtype = c.token()
	if subtype == "" {
		return "", "", nil
	}
	return typ, subtype, c.params(maxParams)
}

func parseDisposition(value string, maxParams int) (string, []Param) {
	c := cursor{s: value}
	d := c.token()
	if d == "" {
		// `filename="x"` alone, or garbage: an attachment more likely than not (RFC 2183 §2.8).
		d = "attachment"
	} else if c.skip(); c.at < len(c.s) && c.s[c.at] == '=' {
		c.at, d = 0, "attachment"
	}
	return d, c.params(maxParams)
}

func parseLanguages(value string, limit int) []string {
	var tags []string
	c := cursor{s: value}
	for c.at < len(c.s) && len(tags) < limit {
		if tag := c.token(); tag != "" {
			tags = append(tags, tag)
		} else {
			c.at++
		}
	}
	return tags
}
