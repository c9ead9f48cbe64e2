package demo

import (
	"encoding/base64"
	"fmt"
	"strings"
	"time"
)

// base is the time of the newest message; the others lie before it.
var base = time.Date(2026, time.January, 15, 9, 30, 0, 0, time.UTC)

// Message is one sample.
type Message struct {
	Name   string    // what it shows
	Folder string    // where it belongs
	Flags  []string  // as an IMAP client would have set them
	At     time.Time // INTERNALDATE
	Bytes  []byte
}

// crlf turns the lines of a Go literal into those of mail.
func crlf(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\n", "\r\n")
}

// head makes an ordinary header; more are further fields, one a line.
func head(n int, from, subject string, at time.Time, more ...string) string {
	lines := []string{
		"From: " + from,
		"To: Sample Reader <reader@example.org>",
		"Subject: " + subject,
		"Date: " + at.Format(time.RFC1123Z),
		fmt.Sprintf("Message-ID: <sample-%03d@example.org>", n),
	}
	return strings.Join(append(lines, more...), "\r\n") + "\r\n"
}

// multi makes a multipart body with its Content-Type field in front; parts bring their own headers.
func multi(kind, boundary string, parts ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "MIME-Version: 1.0\r\nContent-Type: multipart/%s; boundary=\"%s\"\r\n\r\nThis is a message of several parts.\r\n", kind, boundary)
	for _, p := range parts {
		b.WriteString("--" + boundary + "\r\n" + crlf(p) + "\r\n")
	}
	b.WriteString("--" + boundary + "--\r\n")
	return b.String()
}

// inner is multi without MIME-Version and prologue, as a part of another.
func inner(kind, boundary string, parts ...string) string {
	m := multi(kind, boundary, parts...)
	m = strings.TrimPrefix(m, "MIME-Version: 1.0\r\n")
	return strings.Replace(m, "This is a message of several parts.\r\n", "", 1)
}

func textPart(s string) string { return "Content-Type: text/plain; charset=utf-8\n\n" + s }

func htmlPart(s string) string { return "Content-Type: text/html; charset=utf-8\n\n" + s }

// attachment is a base64 part of the given type.
func attachment(contentType, name string, data []byte) string {
	return fmt.Sprintf("Content-Type: %s; name=\"%s\"\nContent-Disposition: attachment; filename=\"%s\"\nContent-Transfer-Encoding: base64\n\n%s",
		contentType, name, name, wrap64(data))
}

// wrap64 encodes in lines of 76.
func wrap64(data []byte) string {
	text := base64.StdEncoding.EncodeToString(data)
	var b strings.Builder
	for len(text) > 76 {
		b.WriteString(text[:76] + "\n")
		text = text[76:]
	}
	b.WriteString(text)
	return b.String()
}
