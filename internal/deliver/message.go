package deliver

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"strings"
	"time"
)

// Envelope is what the message came with besides itself.
type Envelope struct {
	From    string // the sender's address without angle brackets; empty for a bounce
	Unknown bool   // there was no sender to know (the deliver command without -f): no Return-Path then
	// Trace makes a Received field of its own: who brought the message, by which protocol and under which id. Empty: none.
	Trace string
	Host  string // our name, in the Received field
	At    time.Time
}

// header gives the fields that final delivery puts on top (RFC 5321 §4.4): Return-Path, Delivered-To and Received, newest first. They end
// with CRLF.
func (e Envelope) header(r *Recipient) string {
	var b strings.Builder
	if !e.Unknown {
		fmt.Fprintf(&b, "Return-Path: <%s>\r\n", clean(e.From))
	}
	fmt.Fprintf(&b, "Delivered-To: %s\r\n", clean(r.Given))
	if e.Trace != "" {
		fmt.Fprintf(&b, "Received: %s\r\n\tby %s;\r\n\t%s\r\n", clean(e.Trace), clean(e.Host), e.At.Format(time.RFC1123Z))
	}
	return b.String()
}

// clean keeps an address or a client's name from starting a header line of its own.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x20 || r == 0x7F {
			return -1
		}
		return r
	}, s)
}

// SkipFromLine drops the "From sender date" line that programs writing for mbox files put before a message (RFC 4155).
func SkipFromLine(r io.Reader) io.Reader {
	br := bufio.NewReader(r)
	if start, _ := br.Peek(5); !bytes.Equal(start, []byte("From ")) {
		return br
	}
	for {
		_, err := br.ReadSlice('\n')
		if err != bufio.ErrBufferFull {
			return br // an error comes again at the next read
		}
	}
}
