package message

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync"
)

// ErrChanged says that a message is not as long as its Facts say: the file was changed behind the
// index. What was sent so far may end in the middle of a line, so the connection must be closed.
var ErrChanged = errors.New("message: stored bytes do not match their recorded size")

// WritePOP3 sends a message in the multi-line form of RETR (RFC 1939 §3): lines that start with a dot
// get a second one, the last line is ended, a header that nothing ends gets its empty line (old
// Outlook Express and Netscape need it). The final ".CRLF" is the caller's.
//
// With Known facts it sends f.POP3Octets() octets plus stuffed dots or fails with ErrChanged, and a message
// without leading dots is copied plainly, so a file may go to a socket by sendfile. Without them everything is found while sending.
func WritePOP3(w io.Writer, wire io.Reader, f Facts) error {
	if f.Kind&Known == 0 {
		return WritePOP3Top(w, wire, -1, f)
	}
	body := &io.LimitedReader{R: wire, N: f.Wire}
	if f.Kind&LeadingDot == 0 {
		if _, err := io.Copy(w, body); err != nil {
			return fmt.Errorf("message: send: %w", err)
		}
	} else if _, err := stuff(w, body, -1); err != nil {
		return err
	}
	if body.N > 0 || !atEnd(wire) {
		return ErrChanged
	}
	tail := ""
	if f.Kind&NoFinalEOL != 0 {
		tail = "\r\n"
	}
	if f.Kind&NoEOH != 0 {
		tail += "\r\n"
	}
	if tail == "" {
		return nil
	}
	if _, err := io.WriteString(w, tail); err != nil {
		return fmt.Errorf("message: send: %w", err)
	}
	return nil
}

// WritePOP3Top sends the header, its empty line, and the first lines of the body, as TOP asks (RFC
// 1939 §7), in the form of WritePOP3. All of the body if lines is negative. It reads no
// further than it must. facts may be the zero value.
func WritePOP3Top(w io.Writer, wire io.Reader, lines int64, facts Facts) error {
	if lines < 0 && facts.Kind&Known != 0 {
		return WritePOP3(w, wire, facts)
	}
	end, err := stuff(w, wire, lines)
	if err != nil {
		return err
	}
	tail := ""
	if !end.bol {
		tail = "\r\n"
	}
	if !end.eoh {
		tail += "\r\n"
	}
	if tail == "" {
		return nil
	}
	if _, err := io.WriteString(w, tail); err != nil {
		return fmt.Errorf("message: send: %w", err)
	}
	return nil
}

func atEnd(r io.Reader) bool {
	var one [1]byte
	for range maxEmptyReads {
		n, err := r.Read(one[:])
		if n > 0 {
			return false
		}
		if err != nil {
			return errors.Is(err, io.EOF)
		}
	}
	return false
}

var stuffWriters = sync.Pool{New: func() any { return bufio.NewWriterSize(nil, 8<<10) }}

// stuffState is where in the message the sender stands.
type stuffState struct {
	bol bool // at the start of a line
	eoh bool // the empty line behind the header was sent
	// short: the current line holds nothing, or a single CR.
	short bool
}

// stuff copies wire to w with leading dots doubled, up to lines lines of the body (all if negative).
func stuff(w io.Writer, wire io.Reader, lines int64) (stuffState, error) {
	bw := stuffWriters.Get().(*bufio.Writer)
	bw.Reset(w)
	defer func() {
		bw.Reset(nil)
		stuffWriters.Put(bw)
	}()
	buf := wireBuffers.Get().(*[wireChunk]byte)
	defer wireBuffers.Put(buf)

	s := stuffState{bol: true, short: true}
	var left int64
	for empty := 0; ; {
		n, err := wire.Read(buf[:])
		done := s.send(bw, buf[:n], lines, &left)
		switch {
		case done || errors.Is(err, io.EOF):
			if err := bw.Flush(); err != nil {
				return s, fmt.Errorf("message: send: %w", err)
			}
			return s, nil
		case err != nil:
			bw.Flush()
			return s, fmt.Errorf("message: read: %w", err)
		case n > 0:
			empty = 0
		default:
			if empty++; empty == maxEmptyReads {
				return s, fmt.Errorf("message: read: %w", io.ErrNoProgress)
			}
		}
	}
}

// send stuffs one piece. left counts the body lines still wanted once the header is over. It reports
// that no more is wanted. Errors of bw stay in it until Flush.
func (s *stuffState) send(bw *bufio.Writer, p []byte, lines int64, left *int64) bool {
	from := 0 // p[:from] is sent
	for at := 0; at < len(p); {
		if s.bol && p[at] == '.' {
			bw.Write(p[from:at])
			bw.WriteByte('.')
			from = at
		}
		i := bytes.IndexByte(p[at:], '\n')
		if i < 0 {
			rest := p[at:]
			s.short = s.short && s.bol && len(rest) == 1 && rest[0] == '\r'
			s.bol = false
			break
		}
		line := p[at : at+i]
		at += i + 1
		switch {
		case s.eoh:
			*left--
		case s.bol && (len(line) == 0 || len(line) == 1 && line[0] == '\r'), !s.bol && s.short && len(line) == 0:
			s.eoh = true
			*left = lines
		}
		s.bol, s.short = true, true
		if s.eoh && lines >= 0 && *left <= 0 {
			bw.Write(p[from:at])
			return true
		}
	}
	bw.Write(p[from:])
	return false
}
