package deliver

import (
	"bufio"
	"io"
	"net/textproto"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

func TestSkipFromLine(t *testing.T) {
	long := "From " + strings.Repeat("x", 100_000) + "\n"
	for _, c := range []struct{ in, want string }{
		{"", ""},
		{"Fro", "Fro"},
		{"From: a@b\n\nx", "From: a@b\n\nx"},
		{"From a@b Mon Jan 1\nSubject: x\n", "Subject: x\n"},
		{"From a@b\r\nFrom b@c\n", "From b@c\n"}, // one line only: the rest is the message
		{"From without end", ""},
		{">From a@b\n", ">From a@b\n"},
		{long + "Subject: x\n", "Subject: x\n"},
	} {
		for _, r := range []io.Reader{strings.NewReader(c.in), iotest.OneByteReader(strings.NewReader(c.in))} {
			got, err := io.ReadAll(SkipFromLine(r))
			if err != nil || string(got) != c.want {
				t.Errorf("%.40q: got %.40q, %v", c.in, got, err)
			}
		}
	}
	if _, err := io.ReadAll(SkipFromLine(iotest.ErrReader(io.ErrClosedPipe))); err != io.ErrClosedPipe {
		t.Errorf("a broken source: %v", err)
	}
}

// FuzzHeader: whatever the sender and its server call themselves, the fields put on top are these and no others.
func FuzzHeader(f *testing.F) {
	f.Add("a@b", "u@example.org", "from mta (127.0.0.1:1) with LMTP id 1", "mx")
	f.Add("a@b>\r\nBcc: x", "u\r\n\r\nbody", "from \x00\nX: y", "\r")
	f.Add("", "ü@example.org", "", "")
	f.Fuzz(func(t *testing.T, from, given, trace, host string) {
		e := Envelope{From: from, Trace: trace, Host: host, At: time.Unix(1700000000, 0)}
		head := e.header(&Recipient{Given: given})
		want := 2
		if trace != "" {
			want = 5 // Received is folded over three lines
		}
		if n := strings.Count(head, "\n"); n != want || strings.Count(head, "\r\n") != n || strings.Count(head, "\r") != n || !strings.HasSuffix(head, "\r\n") {
			t.Fatalf("%d lines, want %d: %q", n, want, head)
		}
		for _, name := range []string{"Return-Path: <", "\r\nDelivered-To: "} {
			if !strings.Contains(head, name) {
				t.Fatalf("no %q in %q", name, head)
			}
		}
	})
}

func TestHeader(t *testing.T) {
	at := time.Date(2026, 11, 23, 3, 4, 5, 0, time.UTC)
	r := &Recipient{Given: "both+x@example.org"}
	e := Envelope{Trace: "from mta.example (192.0.2.1:25) with LMTP id 1", Host: "mx.example.org", At: at}
	fields, err := textproto.NewReader(bufio.NewReader(strings.NewReader(e.header(r) + "\r\n"))).ReadMIMEHeader()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"Return-Path":  "<>", // a bounce
		"Delivered-To": "both+x@example.org",
		"Received":     "from mta.example (192.0.2.1:25) with LMTP id 1 by mx.example.org; Mon, 23 Nov 2026 03:04:05 +0000",
	} {
		if got := fields.Get(name); got != want {
			t.Errorf("%s: got %q", name, got)
		}
	}
	if got := (Envelope{Unknown: true, At: at}).header(r); got != "Delivered-To: both+x@example.org\r\n" {
		t.Errorf("nothing known: %q", got)
	}
}
