package imap

import (
	"errors"

	"bascule/imap/imapurl"
	"bascule/internal/message"
)

// urlWish is one URL of a URLFETCH, and what is wanted of it.
type urlWish struct {
	text                    string
	extended                bool // in parentheses (RFC 5524)
	body, binary, structure bool
}

// cmdURLFetch is URLFETCH (RFC 4467 §7.3, RFC 5524 §3): what URLs name, whoever owns it, if they are authorized for the user. Whatever is
// wrong with a URL, its answer is NIL.
//
//	urlfetch = "URLFETCH" 1*(SP (url-full / "(" url-full *(SP url-fetch-param) ")"))
//	url-fetch-param = "BODY" / "BINARY" / "BODYPARTSTRUCTURE"
func (c *conn) cmdURLFetch(r *request) error {
	if !c.dec.ExpectSP() {
		return c.dec.Err()
	}
	var wishes []urlWish
	for {
		w := urlWish{body: true}
		if c.dec.Special('(') {
			w = urlWish{extended: true}
			if !c.urlParams(&w) {
				return c.dec.Err()
			}
		} else if !c.dec.ExpectAString(&w.text) {
			return c.dec.Err()
		}
		if wishes = append(wishes, w); len(wishes) > maxURLs {
			return bad("Too many URLs in one command")
		}
		if !c.dec.SP() {
			break
		}
	}
	if !c.dec.ExpectCRLF() {
		return c.dec.Err()
	}
	for i := range wishes {
		if err := c.fetchURL(r, &wishes[i]); err != nil {
			return err
		}
	}
	return nil
}

// urlParams reads behind the opening parenthesis.
func (c *conn) urlParams(w *urlWish) bool {
	if !c.dec.ExpectAString(&w.text) {
		return false
	}
	for c.dec.SP() {
		var param string
		if !c.dec.ExpectKeyword(&param) {
			return false
		}
		var wanted *bool
		switch param {
		case "BODY":
			wanted = &w.body
		case "BINARY":
			wanted = &w.binary
		case "BODYPARTSTRUCTURE":
			wanted = &w.structure
		default:
			return c.dec.Fail("unknown URLFETCH parameter")
		}
		if *wanted {
			return c.dec.Fail("a URLFETCH parameter is there twice")
		}
		*wanted = true
	}
	if w.body && w.binary {
		return c.dec.Fail("BODY and BINARY exclude each other")
	}
	w.body = w.body || !w.binary && !w.structure
	return c.dec.ExpectSpecial(')')
}

// fetchURL answers for one URL.
func (c *conn) fetchURL(r *request, w *urlWish) error {
	u, err := imapurl.Parse(w.text)
	var p *urlPart
	if err == nil {
		p, err = c.openAuthorized(r, u, w.structure || w.binary, func(p *urlPart) error { return p.wanted(w) })
	}
	switch {
	case errors.Is(err, message.ErrUnknownEncoding):
		c.status("*", kindNo, "UNKNOWN-CTE", "A part has a transfer encoding that nobody knows")
	case err != nil && !isNothing(err):
		return err
	}
	c.enc.Untagged().Atom("URLFETCH ").String(w.text)
	if err != nil {
		c.enc.SP().NIL().CRLF()
		return nil
	}
	defer p.close()
	c.sum.fetched++
	p.writeWish(w)
	c.enc.CRLF()
	if c.enc.Err() != nil {
		return errClientGone
	}
	return nil
}

// wanted finds what is wanted of a URL.
func (p *urlPart) wanted(w *urlWish) (err error) {
	isPart := p.section.Text == ""
	if w.structure {
		if p.part, err = p.f.part(p.section.Part); err != nil {
			return err
		}
		if p.part == nil || !isPart {
			return errNotThere
		}
	}
	switch {
	case w.binary && isPart:
		p.piece, err = p.f.binary(p.section)
	case w.binary, w.body: // headers have no transfer encoding
		p.piece, err = p.f.bodySection(p.section, keptFields(p.section))
	}
	if err == nil && p.piece.none {
		err = errNotThere
	}
	return err
}

// writeWish writes it:
//
//	urldata-simple = nstring
//	urldata-ext = 1*(SP "(" ("BODYPARTSTRUCTURE" SP body / "BINARY" SP (nstring / literal8) / "BODY" SP nstring) ")")
func (p *urlPart) writeWish(w *urlWish) {
	enc := p.f.c.enc
	if w.structure {
		enc.Atom(" (BODYPARTSTRUCTURE ")
		structure{enc: enc, extended: true, global: p.f.c.on.rev2}.part(p.part)
		enc.Special(')')
	}
	if !w.body && !w.binary {
		return
	}
	enc.SP()
	switch {
	case w.binary:
		enc.Atom("(BINARY ")
	case w.extended:
		enc.Atom("(BODY ")
	}
	p.f.writePiece(enc, p.piece, p.partial)
	if w.extended {
		enc.Special(')')
	}
}
