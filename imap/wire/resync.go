package wire

import (
	"bytes"
	"errors"
	"io"
	"math"
	"os"
)

// scanner watches every byte of a command line for the announcement of a literal at its end, whatever the
// grammar makes of the line: "The protocol receiver of an IMAP server MUST check the end of every
// received line" (RFC 7888 §3). Without it the body of a refused literal would be read as commands.
type scanner struct {
	state scanState
	plus  bool
	n     int64 // bytes announced; math.MaxInt64 if more
}

type scanState uint8

const (
	scanText scanState = iota
	scanOpen           // {
	scanDigits
	scanPlus
	scanClose // }
	scanCR
)

// write takes the next bytes of the line.
func (s *scanner) write(p []byte) {
	if s.state == scanText {
		i := bytes.LastIndexByte(p, '{')
		if i < 0 {
			return
		}
		p = p[i:]
	}
	for _, c := range p {
		s.put(c)
	}
}

func (s *scanner) put(c byte) {
	switch {
	case c == '{':
		*s = scanner{state: scanOpen}
	case c >= '0' && c <= '9' && (s.state == scanOpen || s.state == scanDigits):
		s.state = scanDigits
		if v := int64(c - '0'); s.n > (math.MaxInt64-v)/10 {
			s.n = math.MaxInt64
		} else {
			s.n = s.n*10 + v
		}
	case c == '+' && s.state == scanDigits:
		s.state, s.plus = scanPlus, true
	case c == '}' && (s.state == scanDigits || s.state == scanPlus):
		s.state = scanClose
	case c == '\r' && s.state == scanClose:
		s.state = scanCR
	case c == '\n' && (s.state == scanClose || s.state == scanCR):
		// endLine asks for the result.
	default:
		*s = scanner{}
	}
}

// lineEnd is called when the LF was consumed. It starts the next line and returns the size of the non-synchronising
// literal that the line announced, or false.
func (s *scanner) lineEnd() (int64, bool) {
	found, n := s.plus && (s.state == scanClose || s.state == scanCR), s.n
	*s = scanner{}
	return n, found
}

// endLine is called when a LF was consumed that no literal announcement of the grammar explains. The
// command is over, unless the line announces a non-synchronising literal all the same.
func (d *Decoder) endLine() {
	n, found := d.scan.lineEnd()
	if !found {
		d.ended = true
		return
	}
	d.lit = Literal{d: d, size: n, left: n, nonSync: true, state: litAnnounced}
}

// Resync skips what is left of the command, so that the next byte is the first of the next one. After a
// command that was read to its end it does nothing. It is safe, and meant, to be called after every command.
//
// What is left of a command: the literal bytes that the client sends in any case (non-synchronising, or
// accepted and partly read), the rest of the line, and if that line again announces a non-synchronising
// literal, its bytes and the line after, and so on. A synchronising literal that nobody accepted ends the command:
// the client will not send it (RFC 9051 §4.3).
//
// It returns ErrDesync if that is more than Limits.Drain bytes. The stream is then somewhere in the
// command, and the connection must close with BYE. It returns the reader's error if that fails.
func (d *Decoder) Resync() error {
	if d.ioErr != nil {
		return d.ioErr
	}
	budget := d.limits.Drain
	for !d.atStart() {
		var err error
		if d.lit.state != litNone {
			err = d.drain(&budget)
		} else {
			err = d.skipLine(&budget)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// drain gets rid of the literal announced or partly read.
func (d *Decoder) drain(budget *int64) error {
	l := &d.lit
	if l.state == litAnnounced && !l.nonSync {
		l.state = litNone
		d.ended = true
		return nil
	}
	if l.left > *budget {
		return d.lose()
	}
	*budget -= l.left
	l.state = litAccepted
	return l.Discard()
}

// skipLine reads up to the next LF.
func (d *Decoder) skipLine(budget *int64) error {
	for {
		p, err := d.chunk(math.MaxInt64)
		if err != nil {
			return err
		}
		end := bytes.IndexByte(p, '\n')
		if end >= 0 {
			p = p[:end+1]
		}
		if *budget -= int64(len(p)); *budget < 0 {
			return d.lose()
		}
		d.scan.write(p)
		d.line += int64(len(p))
		if _, err := d.br.Discard(len(p)); err != nil {
			d.setIOErr(err)
			return err
		}
		if end >= 0 {
			d.endLine()
			return nil
		}
	}
}

func (d *Decoder) lose() error {
	d.ioErr = ErrDesync
	d.setErr(ErrDesync)
	return ErrDesync
}

// ReadLine reads a line that is not a command: DONE of IDLE, an answer to a SASL challenge. It returns it
// without its line end; the bytes are valid until the next call of any method. It may be used between commands only.
//
// More than max bytes give ErrLineTooLong, and the line is skipped. When the read is interrupted
// (see Interrupted), the error is the reader's, and the next call goes on where this one stopped; so IDLE can be woken at any byte.
// If the line ends in {n+}, that literal is left pending: a caller that refuses the line calls Resync, and
// the literal's bytes are never read as commands.
func (d *Decoder) ReadLine(max int) ([]byte, error) {
	if d.ioErr != nil {
		return nil, d.ioErr
	}
	if !d.partial {
		if !d.atStart() {
			return nil, ErrDesync
		}
		d.begin()
		d.buf = d.buf[:0]
		d.partial = true
	}
	budget := d.limits.Drain
	for {
		if _, err := d.br.Peek(1); err != nil {
			return nil, d.readLineErr(err)
		}
		p, _ := d.br.Peek(d.br.Buffered())
		end := bytes.IndexByte(p, '\n')
		if end >= 0 {
			p = p[:end+1]
		}
		d.touched = true
		d.scan.write(p)
		d.line += int64(len(p))
		if room := max + 3 - len(d.buf); room > 0 {
			d.buf = append(d.buf, p[:min(len(p), room)]...)
		} else if budget -= int64(len(p)); budget < 0 {
			return nil, d.lose()
		}
		if _, err := d.br.Discard(len(p)); err != nil {
			return nil, d.readLineErr(err)
		}
		if end >= 0 {
			break
		}
	}
	d.partial = false
	d.endLine()
	line := bytes.TrimSuffix(d.buf, []byte("\n"))
	line = bytes.TrimSuffix(line, []byte("\r"))
	if len(line) > max {
		return nil, ErrLineTooLong
	}
	return line, nil
}

// readLineErr keeps the reader's error unless it is an interruption, after which ReadLine can go on.
func (d *Decoder) readLineErr(err error) error {
	if d.Interrupted == nil && errors.Is(err, os.ErrDeadlineExceeded) || d.Interrupted != nil && d.Interrupted(err) {
		return err
	}
	if err == io.EOF && d.line > 0 {
		err = io.ErrUnexpectedEOF
	}
	d.ioErr = err
	return err
}
