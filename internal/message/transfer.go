package message

import (
	"errors"
	"io"
	"strings"
)

// ErrUnknownEncoding says that a content transfer encoding is none of RFC 2045's. FETCH BINARY answers NO
// [UNKNOWN-CTE] (RFC 9051 §6.4.5); a search takes the body as it is.
var ErrUnknownEncoding = errors.New("message: unknown content transfer encoding")

// DecodeTransfer undoes a content transfer encoding. Damaged input is decoded as far as it makes sense and never an
// error: only errors of r come back. The empty encoding is 7bit.
func DecodeTransfer(r io.Reader, encoding string) (io.Reader, error) {
	switch transferOf(encoding) {
	case transferNone:
		return r, nil
	case transferBase64:
		return &decodeReader{src: r, step: new(base64State).step}, nil
	case transferQuoted:
		return &decodeReader{src: r, step: new(qpState).step}, nil
	}
	return nil, ErrUnknownEncoding
}

type transfer uint8

const (
	transferUnknown transfer = iota
	transferNone
	transferBase64
	transferQuoted
)

func transferOf(encoding string) transfer {
	encoding = strings.Trim(encoding, " \t")
	switch {
	case encoding == "", equalName(encoding, "7bit"), equalName(encoding, "8bit"), equalName(encoding, "binary"):
		return transferNone
	case equalName(encoding, "base64"):
		return transferBase64
	case equalName(encoding, "quoted-printable"):
		return transferQuoted
	}
	return transferUnknown
}

// decodeReader runs a decoder that appends what some input gives to out. With final set the input is over.
type decodeReader struct {
	src  io.Reader
	step func(out, in []byte, final bool) []byte
	in   [4 << 10]byte
	out  []byte // decoded
	at   int    // out[:at] was read
	err  error
}

func (d *decodeReader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for empty := 0; d.at == len(d.out); {
		if d.err != nil {
			return 0, d.err
		}
		n, err := d.src.Read(d.in[:])
		if n == 0 && err == nil {
			if empty++; empty == maxEmptyReads {
				err = io.ErrNoProgress
			}
		}
		d.err = err
		d.out, d.at = d.step(d.out[:0], d.in[:n], err != nil), 0
	}
	n := copy(p, d.out[d.at:])
	d.at += n
	return n, nil
}

// base64State skips what is not in the alphabet. Padding ends a quantum, after which another text may
// follow, as mailers that join encoded pieces write it.
type base64State struct {
	bits uint32
	n    int // sextets in bits
}

const notBase64 = 0xFF

var base64Value = func() (t [256]byte) {
	for i := range t {
		t[i] = notBase64
	}
	for i, c := range "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/" {
		t[c] = byte(i)
	}
	return t
}()

func (s *base64State) step(out, in []byte, final bool) []byte {
	for len(in) > 0 {
		if s.n == 0 {
			// Whole quanta without anything else in them are nearly all there is.
			for len(in) >= 4 {
				a, b, c, d := base64Value[in[0]], base64Value[in[1]], base64Value[in[2]], base64Value[in[3]]
				if a|b|c|d > 63 {
					break
				}
				v := uint32(a)<<18 | uint32(b)<<12 | uint32(c)<<6 | uint32(d)
				out = append(out, byte(v>>16), byte(v>>8), byte(v))
				in = in[4:]
			}
			if len(in) == 0 {
				break
			}
		}
		c := in[0]
		in = in[1:]
		if c == '=' {
			out = s.flush(out)
			continue
		}
		v := base64Value[c]
		if v == notBase64 {
			continue
		}
		s.bits = s.bits<<6 | uint32(v)
		if s.n++; s.n == 4 {
			out = append(out, byte(s.bits>>16), byte(s.bits>>8), byte(s.bits))
			s.bits, s.n = 0, 0
		}
	}
	if final {
		out = s.flush(out)
	}
	return out
}

// flush gives the whole bytes of an unfinished quantum.
func (s *base64State) flush(out []byte) []byte {
	switch s.n {
	case 2:
		out = append(out, byte(s.bits>>4))
	case 3:
		out = append(out, byte(s.bits>>10), byte(s.bits>>2))
	}
	s.bits, s.n = 0, 0
	return out
}

// qpState decodes quoted-printable. What is no valid escape stays as it stands (RFC 2045 §6.7, note 2); blanks at
// the end of a line were added in transport and go (rule 3).
type qpState struct {
	held []byte // "=" and what may belong to it, or blanks, at the end of the input so far
}

// maxHeld bounds the blanks that are held back: more are no transport padding.
const maxHeld = 1000

func (s *qpState) step(out, in []byte, final bool) []byte {
	if len(s.held) > 0 {
		in = append(s.held, in...)
		s.held = nil
	}
	for i := 0; i < len(in); {
		switch c := in[i]; c {
		case '=':
			if i+2 < len(in) {
				if hi, lo := unhex(in[i+1]), unhex(in[i+2]); hi < 16 && lo < 16 {
					out = append(out, hi<<4|lo)
					i += 3
					continue
				}
			}
			n, put, more := qpEscape(in[i:])
			if more && !final {
				s.held = append([]byte(nil), in[i:]...)
				return out
			}
			out = append(out, put...)
			i += n
		case ' ', '\t':
			end := i
			for end < len(in) && (in[end] == ' ' || in[end] == '\t') {
				end++
			}
			rest := in[end:]
			undecided := len(rest) == 0 || len(rest) == 1 && rest[0] == '\r'
			switch {
			case undecided && !final && end-i < maxHeld:
				s.held = append([]byte(nil), in[i:]...)
				return out
			case len(rest) == 0 && final, len(rest) > 0 && rest[0] == '\n', len(rest) > 1 && rest[0] == '\r' && rest[1] == '\n':
			default:
				out = append(out, in[i:end]...)
			}
			i = end
		default:
			end := i + 1
			for end < len(in) && in[end] != '=' && in[end] != ' ' && in[end] != '\t' {
				end++
			}
			out = append(out, in[i:end]...)
			i = end
		}
	}
	return out
}

// qpEscape reads what starts with "=" and no two hex digits: how many bytes, what they mean, and whether more input
// could change it.
func qpEscape(in []byte) (n int, put []byte, more bool) {
	// A soft line break, with blanks before the line end.
	i := 1
	for i < len(in) && i < maxHeld && (in[i] == ' ' || in[i] == '\t') {
		i++
	}
	switch {
	case i == maxHeld:
		return 1, in[:1], false
	case i == len(in):
		// At the end of the body it is a soft break of nothing.
		return i, nil, true
	case in[i] == '\n':
		return i + 1, nil, false
	case in[i] == '\r' && i+1 == len(in):
		return i + 1, nil, true
	case in[i] == '\r' && in[i+1] == '\n':
		return i + 2, nil, false
	}
	return 1, in[:1], i == 1 && len(in) == 2 && unhex(in[1]) < 16
}
