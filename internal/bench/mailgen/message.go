package mailgen

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strings"
	"time"
)

// Kind says what the messages of a mailbox are like.
type Kind struct {
	Octets  int  `json:",omitempty"` // each message has so many; 0: mixed mail, 1.5 to 40 KiB, with and without parts
	Foreign bool `json:",omitempty"` // LF line ends and plain file names
}

// Mixed is mail as people have it.
var Mixed = Kind{}

// Sized is a kind of messages of one size. It must be at least 1024.
func Sized(octets int) Kind { return Kind{Octets: octets} }

func (k Kind) String() string {
	name := "mixed"
	if k.Octets > 0 {
		name = fmt.Sprint(k.Octets)
	}
	if k.Foreign {
		name += "-foreign"
	}
	return name
}

// Epoch is when message 0 was written and arrived; Step lies between two messages.
var (
	Epoch = time.Date(2021, 3, 1, 8, 0, 0, 0, time.UTC)
	Step  = 20 * time.Minute
)

// Date is the Date header and the internal date of message i.
func Date(i int) time.Time { return Epoch.Add(time.Duration(i) * Step) }

// Needle stands in the body of every message for which HasNeedle is true, and nowhere else.
const Needle = "quokka"

// HasNeedle says whether message i has the needle in its body.
func HasNeedle(i int) bool { return i%97 == 13 }

// Topic stands in the subject of every message for which HasTopic is true, and in no other subject.
const Topic = "Rechnungslauf"

// HasTopic says whether message i has the topic in its subject.
func HasTopic(i int) bool { return i%53 == 7 }

var people = []string{"Ada Lovelace", "Grace Hopper", "Jun Murai", "Edith Clarke", "Karen Jones", "Alan Kay", "Barbara Liskov", "Radia Perlman"}

var words = strings.Fields(`the of and to in is that for it as was with be by on not he this are or his from at which but have an had they you were
	their one all we can her has there been if more when will would who so no meeting tomorrow please find attached report draft number invoice
	delivery address question answer thanks regards minutes agenda project server mailbox store forward reply budget travel hotel train ticket`)

// text is so many words, in lines of about 70 octets, different for each i.
func text(b *bytes.Buffer, i, count int) {
	x, column := uint32(i)*2654435761+1, 0
	for range count {
		x = x*1664525 + 1013904223
		w := words[int(x>>16)%len(words)]
		if column+len(w) > 70 {
			b.WriteString("\r\n")
			column = 0
		} else if column > 0 {
			b.WriteByte(' ')
			column++
		}
		b.WriteString(w)
		column += len(w)
	}
	b.WriteString("\r\n")
}

// attachment is n octets (rounded up to lines) of base64.
func attachment(b *bytes.Buffer, i, n int) {
	raw := make([]byte, 57)
	x := uint32(i) + 12345
	for n > 0 {
		for j := range raw {
			x = x*1664525 + 1013904223
			raw[j] = byte(x >> 24)
		}
		b.WriteString(base64.StdEncoding.EncodeToString(raw))
		b.WriteString("\r\n")
		n -= 78
	}
}

func header(b *bytes.Buffer, i int) {
	from, to := people[i%len(people)], people[(i/len(people)+3)%len(people)]
	address := func(name string) string {
		return strings.ToLower(strings.ReplaceAll(name, " ", ".")) + "@example.org"
	}
	subject := fmt.Sprintf("Message %d about %s and %s", i, words[i%len(words)], words[i/7%len(words)])
	if HasTopic(i) {
		subject = fmt.Sprintf("%s %d", Topic, i)
	}
	date := Date(i).Format("Mon, 02 Jan 2006 15:04:05 -0700")
	fmt.Fprintf(b, "Return-Path: <%s>\r\nReceived: from mx%d.example.net (mx%d.example.net [192.0.2.%d])\r\n\tby mail.example.org with ESMTPS id %08X\r\n\tfor <box@bench.test>; %s\r\n",
		address(from), i%9, i%9, i%200+1, i*7919, date)
	fmt.Fprintf(b, "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.org; s=s1;\r\n\th=from:to:subject:date:message-id;\r\n\tbh=%s;\r\n\tb=%s\r\n",
		base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "%032d", i)), strings.Repeat(fmt.Sprintf("%08x", i), 20))
	fmt.Fprintf(b, "From: %s <%s>\r\nTo: %s <%s>\r\nSubject: %s\r\nDate: %s\r\nMessage-ID: <%d.bench@example.org>\r\n", from, address(from), to, address(to), subject, date, i)
	if i%3 == 1 {
		fmt.Fprintf(b, "In-Reply-To: <%d.bench@example.org>\r\nReferences: <%d.bench@example.org>\r\n", i-1, i-1)
	}
	b.WriteString("MIME-Version: 1.0\r\n")
}

// Message writes message i of a kind, with CRLF, into b, which it empties first.
func (k Kind) Message(b *bytes.Buffer, i int) {
	b.Reset()
	header(b, i)
	if k.Octets > 0 {
		k.filler(b, i)
		return
	}
	needle := ""
	if HasNeedle(i) {
		needle = "A " + Needle + " was seen.\r\n"
	}
	switch {
	case i%10 == 4: // with something attached
		boundary := fmt.Sprintf("=_mixed_%d", i)
		fmt.Fprintf(b, "Content-Type: multipart/mixed; boundary=\"%s\"\r\n\r\n--%s\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n", boundary, boundary)
		text(b, i, 120)
		b.WriteString(needle)
		fmt.Fprintf(b, "--%s\r\nContent-Type: application/pdf; name=\"report-%d.pdf\"\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=\"report-%d.pdf\"\r\n\r\n", boundary, i, i)
		attachment(b, i, 8<<10+i%24*1024)
		fmt.Fprintf(b, "--%s--\r\n", boundary)
	case i%5 == 2: // as text and as HTML
		boundary := fmt.Sprintf("=_alt_%d", i)
		fmt.Fprintf(b, "Content-Type: multipart/alternative; boundary=\"%s\"\r\n\r\n--%s\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n", boundary, boundary)
		text(b, i, 150)
		b.WriteString(needle)
		fmt.Fprintf(b, "--%s\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<html><body><p>\r\n", boundary)
		text(b, i, 200)
		fmt.Fprintf(b, "</p></body></html>\r\n--%s--\r\n", boundary)
	default:
		b.WriteString("Content-Type: text/plain; charset=utf-8\r\n\r\n")
		text(b, i, 60+i%400)
		b.WriteString(needle)
		if i%11 == 0 {
			b.WriteString(".signature that begins with a dot\r\n")
		}
	}
}

// filler ends a message so that it has exactly k.Octets.
func (k Kind) filler(b *bytes.Buffer, i int) {
	b.WriteString("Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\n")
	attachment(b, i, k.Octets-b.Len())
	b.Truncate(k.Octets - 2)
	if b.Bytes()[b.Len()-1] == '\r' {
		b.Bytes()[b.Len()-1] = 'A' // or the line would end in CR CR LF
	}
	b.WriteString("\r\n")
}
