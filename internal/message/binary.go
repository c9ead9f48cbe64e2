package message

import (
	"encoding/base64"
	"fmt"
	"io"
	"strings"
)

// EncodeBinary writes a message with its binary parts in base64: those leaves that say Content-Transfer-Encoding: binary
// (RFC 3516 §4.4 lets a server do so). Everything else is copied byte for byte, save that a multipart or enclosed message which
// called itself binary says 8bit. r holds the message as its sender wrote it, NUL and bare LF included, size bytes. It
// says whether there was anything to change; if not, nothing was written.
func EncodeBinary(w io.Writer, r io.ReaderAt, size int64) (changed bool, err error) {
	p, err := Parse(io.NewSectionReader(r, 0, size), DefaultLimits)
	if err != nil {
		return false, err
	}
	e := binaryEncoder{w: w, r: r}
	if err := e.part(p.Root); err != nil || len(e.edits) == 0 {
		return false, err
	}
	return true, e.write(size)
}

// binaryEncoder collects what changes in a message, in the order of its bytes.
type binaryEncoder struct {
	w     io.Writer
	r     io.ReaderAt
	edits []binaryEdit
}

// binaryEdit replaces the bytes [off,end): by text, or by themselves in base64.
type binaryEdit struct {
	off, end int64
	text     string
	encode   bool
	last     bool // the message ends here, so a line end is added
}

func (e *binaryEncoder) part(p *Part) error {
	if strings.EqualFold(strings.Trim(p.Encoding, " \t"), "binary") {
		if err := e.binary(p); err != nil {
			return err
		}
	}
	for _, child := range p.Children {
		if err := e.part(child); err != nil {
			return err
		}
	}
	return nil
}

// binary changes one part that is called binary.
func (e *binaryEncoder) binary(p *Part) error {
	h := make([]byte, min(p.BodyOff-p.HeaderOff, int64(DefaultLimits.MaxHeader)))
	if _, err := e.r.ReadAt(h, p.HeaderOff); err != nil && err != io.EOF {
		return fmt.Errorf("message: encode: %w", err)
	}
	// Of a message that is too deep only the type tells.
	declared, _ := HeaderValue(h, "Content-Type")
	composite := len(p.Children) > 0 || strings.HasPrefix(strings.ToLower(declared), "message/")
	at := p.HeaderOff
	for f := range Fields(h) {
		if !equalName(f.Name, "Content-Transfer-Encoding") {
			at += int64(len(f.Raw))
			continue
		}
		encoding := "base64"
		if composite {
			encoding = "8bit"
		}
		e.edits = append(e.edits, binaryEdit{off: at, end: at + int64(len(f.Raw)), text: "Content-Transfer-Encoding: " + encoding + "\r\n"})
		if !composite {
			e.edits = append(e.edits, binaryEdit{off: p.BodyOff, end: p.EndOff, encode: true, last: p.HeaderOff == 0})
		}
		return nil
	}
	return nil
}

func (e *binaryEncoder) write(size int64) error {
	at := int64(0)
	for _, x := range append(e.edits, binaryEdit{off: size, end: size}) {
		_, err := io.Copy(e.w, io.NewSectionReader(e.r, at, x.off-at))
		if err == nil {
			_, err = io.WriteString(e.w, x.text)
		}
		if err == nil && x.encode {
			err = e.base64(x)
		}
		if err != nil {
			return fmt.Errorf("message: encode: %w", err)
		}
		at = x.end
	}
	return nil
}

// base64 writes lines of 76 characters (RFC 2045 §6.8). The line end behind the last one is the boundary's.
func (e *binaryEncoder) base64(x binaryEdit) error {
	lines := &lineWriter{w: e.w}
	enc := base64.NewEncoder(base64.StdEncoding, lines)
	if _, err := io.Copy(enc, io.NewSectionReader(e.r, x.off, x.end-x.off)); err != nil {
		return err
	}
	if err := enc.Close(); err != nil {
		return err
	}
	if x.last && x.end > x.off {
		_, err := io.WriteString(e.w, "\r\n")
		return err
	}
	return nil
}

const base64Line = 76

// lineWriter puts a line end between lines of base64Line characters.
type lineWriter struct {
	w  io.Writer
	at int // characters in the present line
}

func (l *lineWriter) Write(p []byte) (n int, err error) {
	for len(p) > 0 {
		if l.at == base64Line {
			if _, err := io.WriteString(l.w, "\r\n"); err != nil {
				return n, err
			}
			l.at = 0
		}
		k, err := l.w.Write(p[:min(len(p), base64Line-l.at)])
		n, l.at, p = n+k, l.at+k, p[k:]
		if err != nil {
			return n, err
		}
	}
	return n, nil
}
