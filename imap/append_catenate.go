package imap

import (
	"fmt"
	"io"

	"bascule/maildir"
)

// catenation is a message that the client puts together (RFC 4469): it is read from the command as it is stored. A
// part that is refused, a URL above all, is refused before the next literal is asked for.
//
//	cat-part = "TEXT" SP literal / "UTF8" SP "(" literal8 ")" / "URL" SP astring
type catenation struct {
	u     *upload
	parts int
	size  int64 // octets of the parts so far
	part  io.Reader
	end   func() error // ends the part that is being read
	over  bool
}

// maxCatParts bounds the parts of one message.
const maxCatParts = 1000

// catenated reads the parts from the first on, up to the closing parenthesis.
func (u *upload) catenated(in maildir.Incoming) error {
	if err := u.begin(&in); err != nil {
		return err
	}
	k := &catenation{u: u}
	defer k.abandon()
	in.R = k
	return u.msgs.Add(u.c.ctx, in)
}

func (k *catenation) Read(p []byte) (int, error) {
	for !k.over {
		if k.part == nil {
			if err := k.next(); err != nil {
				return 0, err
			}
			continue
		}
		n, err := k.part.Read(p)
		if err == io.EOF {
			err = k.finishPart()
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
	if k.size == 0 {
		return 0, k.u.mayAdd(0)
	}
	return 0, io.EOF
}

// next reads up to the bytes of the next part, or to the end of the list.
func (k *catenation) next() error {
	d := k.u.c.dec
	if k.parts > 0 {
		if k.over = d.Special(')'); k.over || !d.ExpectSP() {
			return d.Err()
		}
	}
	if k.parts++; k.parts > maxCatParts {
		return no("LIMIT", fmt.Sprintf("One message may have %d parts at most", maxCatParts))
	}
	var word string
	if !d.ExpectKeyword(&word) || !d.ExpectSP() {
		return d.Err()
	}
	switch {
	case word == "TEXT":
		return k.text(false)
	case word == "UTF8" && k.u.c.on.utf8 && d.ExpectSpecial('('):
		return k.text(true)
	case word == "URL":
		return k.url()
	}
	d.Fail("expected TEXT or URL")
	return d.Err()
}

// text begins a part that the client sends.
func (k *catenation) text(utf8 bool) error {
	d := k.u.c.dec
	lit := d.ExpectLiteral()
	if lit == nil {
		return d.Err()
	}
	if lit.Binary() && !utf8 {
		d.Fail("TEXT takes no literal8")
		return d.Err()
	}
	if err := k.grow(lit.Size()); err != nil {
		return err
	}
	if err := lit.Accept(); err != nil {
		return err
	}
	k.part, k.end = lit, func() error { return nil }
	if utf8 {
		k.part = textOnly{lit}
		k.end = func() error {
			if !d.ExpectSpecial(')') {
				return d.Err()
			}
			return nil
		}
	}
	return nil
}

// url begins a part that is taken from a message.
func (k *catenation) url() error {
	d := k.u.c.dec
	var text string
	if !d.ExpectAString(&text) {
		return d.Err()
	}
	part, err := k.u.c.openURL(k.u.r, text)
	if err != nil {
		return err
	}
	k.part, k.end = part, part.close
	return k.grow(part.size())
}

// grow admits that many octets more.
func (k *catenation) grow(n int64) error {
	limit := k.u.c.srv.opt.AppendLimit
	if k.size += min(n, limit+1); k.size == 0 {
		return nil // an empty part is none; an empty message is refused at its end
	}
	return k.u.mayAdd(k.size)
}

func (k *catenation) finishPart() error {
	end := k.end
	k.part, k.end = nil, nil
	return end()
}

// abandon ends what a refusal has cut off.
func (k *catenation) abandon() {
	if part, ok := k.part.(*urlPart); ok {
		part.close()
	}
}
