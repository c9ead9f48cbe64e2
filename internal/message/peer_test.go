package message

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"mime"
	"mime/multipart"
	"net/mail"
	"net/textproto"
	"strings"
	"testing"
)

// randomMessage writes a well-formed message with a random tree below it.
func randomMessage(r *rand.Rand, depth int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "From: \"Doe, %d\" <a%d@example.org>\nSubject: s%d\nMIME-Version: 1.0\n", r.IntN(100), r.IntN(100), r.IntN(100))
	b.WriteString(randomPart(r, depth))
	return b.String()
}

var randomLines = []string{"text", "", "--", "--x", "-", "--b1", ".", "a line that is rather long, as lines of a letter are", "Content-Type: text/plain", "=20", "\xe4"}

// randomPart writes the Content fields, the empty line and the body of a part.
func randomPart(r *rand.Rand, depth int) string {
	var b strings.Builder
	kind := r.IntN(5)
	if depth == 0 {
		kind = 4
	}
	switch kind {
	case 0, 1, 2:
		boundary := fmt.Sprintf("=_%d-%d", depth, r.IntN(1000))
		fmt.Fprintf(&b, "Content-Type: multipart/%s; boundary=\"%s\"\n\n", []string{"mixed", "alternative", "digest"}[kind], boundary)
		if r.IntN(2) == 0 {
			b.WriteString("preamble\n")
		}
		for range 1 + r.IntN(4) {
			fmt.Fprintf(&b, "--%s\n", boundary)
			if kind == 2 && r.IntN(2) == 0 {
				b.WriteString("\n" + randomMessage(r, depth-1)) // message/rfc822 by default
			} else {
				b.WriteString(randomPart(r, depth-1))
			}
			b.WriteString("\n")
		}
		fmt.Fprintf(&b, "--%s--\n", boundary)
		if r.IntN(2) == 0 {
			b.WriteString("epilogue\n")
		}
	case 3:
		b.WriteString("Content-Type: message/rfc822\n\n" + randomMessage(r, depth-1))
	default:
		fmt.Fprintf(&b, "Content-Type: %s; charset=utf-8; name=\"n %d\"\nContent-ID: <%d@x>\n\n",
			[]string{"text/plain", "text/html", "application/pdf", "image/png"}[r.IntN(4)], r.IntN(100), r.IntN(1000))
		for range r.IntN(8) {
			b.WriteString(randomLines[r.IntN(len(randomLines))] + "\n")
		}
	}
	return b.String()
}

// The standard library reads well-formed messages too: it must see the same parts.
func TestAgainstStandardLibrary(t *testing.T) {
	for _, s := range samples {
		if s.wellFormed {
			comparePeer(t, s.msg)
		}
	}
	comparePeer(t, string(typicalMessage()))
	r := rand.New(rand.NewPCG(1, 2))
	for range 150 {
		msg := crlf(randomMessage(r, 4))
		comparePeer(t, msg)
		checkLaws(t, []byte(msg), ParseBytes([]byte(msg), Limits{}))
		if t.Failed() {
			t.Fatalf("message:\n%s", msg)
		}
	}
}

func comparePeer(t *testing.T, msg string) {
	t.Helper()
	p := ParseBytes([]byte(msg), Limits{})
	m, err := mail.ReadMessage(strings.NewReader(msg))
	if err != nil {
		t.Fatalf("peer: %v", err)
	}
	if want := m.Header.Get("Subject"); p.Envelope.Subject != want {
		t.Errorf("subject %q, peer %q", p.Envelope.Subject, want)
	}
	if from, err := m.Header.AddressList("From"); err == nil && DecodeHeader(show(p.Envelope.From)) != showMail(from) {
		t.Errorf("from %s, peer %s", show(p.Envelope.From), showMail(from))
	}
	comparePart(t, msg, p.Root, textproto.MIMEHeader(m.Header), m.Body, "text/plain")
}

func showMail(list []*mail.Address) string {
	var out []Address
	for _, a := range list {
		at := strings.LastIndexByte(a.Address, '@')
		out = append(out, Address{Name: a.Name, Mailbox: a.Address[:at], Host: a.Address[at+1:]})
	}
	return show(out)
}

func comparePart(t *testing.T, msg string, p *Part, h textproto.MIMEHeader, body io.Reader, missing string) {
	t.Helper()
	raw, err := io.ReadAll(body)
	if err != nil {
		t.Fatalf("peer: %v", err)
	}
	value := h.Get("Content-Type")
	if value == "" {
		value = missing
	}
	typ, params, err := mime.ParseMediaType(value)
	if err != nil {
		t.Fatalf("peer: %q: %v", value, err)
	}
	if got := strings.ToLower(p.Type + "/" + p.Subtype); got != typ {
		t.Errorf("type %s, peer %s", got, typ)
		return
	}
	for k, want := range params {
		if got := rawParam(p.Params, k); got != want {
			t.Errorf("parameter %s is %q, peer %q", k, got, want)
		}
	}
	if got := msg[p.BodyOff:p.EndOff]; got != string(raw) {
		t.Errorf("body of %s is %q, peer %q", typ, got, raw)
		return
	}
	switch {
	case typ == "message/rfc822":
		m, err := mail.ReadMessage(bytes.NewReader(raw))
		if err != nil {
			t.Fatalf("peer: %v", err)
		}
		if p.Message() == nil {
			t.Errorf("%s was not opened", typ)
			return
		}
		comparePart(t, msg, p.Message(), textproto.MIMEHeader(m.Header), m.Body, "text/plain")
	case strings.HasPrefix(typ, "multipart/"):
		next := "text/plain"
		if typ == "multipart/digest" {
			next = "message/rfc822"
		}
		mr := multipart.NewReader(bytes.NewReader(raw), params["boundary"])
		n := 0
		for {
			part, err := mr.NextRawPart()
			if err == io.EOF {
				break
			}
			if err != nil || n == len(p.Children) {
				t.Errorf("%d parts, peer has more (%v)", len(p.Children), err)
				return
			}
			comparePart(t, msg, p.Children[n], part.Header, part, next)
			n++
		}
		if n != len(p.Children) {
			t.Errorf("%d parts, peer %d", len(p.Children), n)
		}
	}
}
