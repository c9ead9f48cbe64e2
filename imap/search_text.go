package imap

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	"bascule/internal/message"
	"bascule/maildir"
)

const (
	// textChunk is how much decoded text is folded and searched at once, octets.
	textChunk = 64 << 10
	// maxNeedles bounds how many texts one SEARCH may look for in bodies.
	maxNeedles = 100
	// maxSearchedHeader bounds what is read of an embedded message's header.
	maxSearchedHeader = 64 << 10
)

// bodyText looks for texts in the readable parts of a message: text parts decoded to UTF-8, and the headers of
// embedded messages. One pass finds all texts of a SEARCH.
type bodyText struct {
	body    *maildir.Body
	root    *message.Part
	header  []byte   // the message's own, whole
	needles [][]byte // folded
	scan    *textScan
	left    int // needles not found yet
	scanned bool
	err     error
}

// textScan is the memory that the messages of one SEARCH are scanned in, one after the other.
type textScan struct {
	buf    []byte // decoded text
	window []byte // the end of the folded text so far, and the piece behind it
	found  []bool // by needle
}

// openBodyText opens the message of a candidate; nil if it is gone.
func (s *searchRun) openBodyText(x *candidate) (*bodyText, error) {
	body, err := s.c.box.m.Open(s.c.ctx, x.msg)
	if errors.Is(err, maildir.ErrGone) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	needles := s.prog.needles
	s.text.found = append(s.text.found[:0], make([]bool, len(needles))...)
	b := &bodyText{body: body, needles: needles, scan: &s.text, left: len(needles)}
	if b.root, err = x.parsed.Root(); err == nil {
		b.header, err = io.ReadAll(body.Section(0, min(b.root.BodyOff, maxHeader)))
	}
	if err != nil {
		body.Close()
		return nil, err
	}
	return b, nil
}

func (b *bodyText) close() { b.body.Close() }

// contains tells whether needle i is in the body.
func (b *bodyText) contains(i int) bool {
	if !b.scanned {
		b.scanned = true
		b.err = b.part(b.root)
	}
	return b.scan.found[i]
}

// part searches a part and those in it.
func (b *bodyText) part(p *message.Part) error {
	if b.left == 0 {
		return nil
	}
	if inner := p.Message(); inner != nil {
		if err := b.embeddedHeader(inner); err != nil {
			return err
		}
	}
	for _, child := range p.Children {
		if err := b.part(child); err != nil {
			return err
		}
	}
	if len(p.Children) > 0 || !strings.EqualFold(p.Type, "text") {
		return nil
	}
	raw := b.body.Section(p.BodyOff, p.Size())
	decoded, err := message.DecodeTransfer(raw, p.Encoding)
	if err != nil {
		decoded = raw
	}
	return b.text(message.DecodeCharset(decoded, p.Charset()))
}

// embeddedHeader searches the header of an embedded message.
func (b *bodyText) embeddedHeader(inner *message.Part) error {
	h, err := io.ReadAll(b.body.Section(inner.HeaderOff, min(inner.BodyOff-inner.HeaderOff, maxSearchedHeader)))
	if err != nil {
		return err
	}
	b.look([]byte(foldedHeader(h)))
	return nil
}

// text searches a stream of UTF-8. Pieces overlap, so that a text across their border is found.
func (b *bodyText) text(r io.Reader) error {
	overlap := 0
	for _, n := range b.needles {
		overlap = max(overlap, len(n))
	}
	if b.scan.buf == nil {
		b.scan.buf = make([]byte, textChunk)
	}
	buf, window := b.scan.buf, b.scan.window[:0]
	rest := 0 // bytes at the start of buf that are half a character
	for b.left > 0 {
		n, err := io.ReadFull(r, buf[rest:])
		n += rest
		end := err == io.EOF || err == io.ErrUnexpectedEOF
		if err != nil && !end {
			return err
		}
		cut := n
		if !end {
			for cut > n-utf8.UTFMax && !utf8.RuneStart(buf[cut-1]) {
				cut--
			}
			cut-- // the last character may go on in the next piece
		}
		if len(window) > overlap {
			window = append(window[:0], window[len(window)-overlap:]...)
		}
		window = message.AppendFold(window, buf[:cut])
		b.scan.window = window
		b.look(window)
		if end {
			return nil
		}
		rest = copy(buf, buf[cut:n])
	}
	return nil
}

// look notes which needles are in a folded text.
func (b *bodyText) look(folded []byte) {
	for i, n := range b.needles {
		if !b.scan.found[i] && bytes.Contains(folded, n) {
			b.scan.found[i] = true
			b.left--
		}
	}
}
