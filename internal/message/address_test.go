package message

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func show(list []Address) string {
	var out []string
	for _, a := range list {
		switch a.Kind {
		case GroupStart:
			out = append(out, a.Mailbox+":")
		case GroupEnd:
			out = append(out, ";")
		default:
			s := fmt.Sprintf("%s|%s|%s", a.Name, a.Mailbox, a.Host)
			if a.Route != "" {
				s += "|" + a.Route
			}
			out = append(out, s)
		}
	}
	return strings.Join(out, " ; ")
}

func TestParseAddresses(t *testing.T) {
	for _, c := range [][2]string{
		{"a@b.c", "|a|b.c"},
		{"<a@b.c>", "|a|b.c"},
		{"Joe Doe <joe@x.org>", "Joe Doe|joe|x.org"},
		{`"Doe, Joe" <joe@x.org>, b@c`, "Doe, Joe|joe|x.org ; |b|c"},
		{`"Joe \"J\" Doe" <joe@x.org>`, `Joe "J" Doe|joe|x.org`},
		{`Joe "J" Doe <joe@x.org>`, `Joe J Doe|joe|x.org`},
		{"Joe \t  Doe\t<joe@x.org>", "Joe Doe|joe|x.org"},
		{"joe@x.org (Joe Doe)", "Joe Doe|joe|x.org"},
		{"(first) joe@x.org (Joe (the) Doe)", "Joe (the) Doe|joe|x.org"},
		{"<joe@x.org> (Joe)", "Joe|joe|x.org"},
		{"Joe (comment) Doe <joe@x.org>", "Joe Doe|joe|x.org"},
		{"=?utf-8?Q?J=C3=B6rg?= <j@x>", "=?utf-8?Q?J=C3=B6rg?=|j|x"},
		{`"=?utf-8?Q?J=C3=B6rg?=" <j@x>`, "=?utf-8?Q?J=C3=B6rg?=|j|x"},
		{"J\xf6rg <j@x>", "J\xf6rg|j|x"},
		{"joe@x.org <joe@x.org>", "joe@x.org|joe|x.org"},
		{"Joe Doe joe@x.org", "Joe Doe|joe|x.org"},
		{`"joe doe"@x.org`, `|"joe doe"|x.org`},
		{`"joe.doe"@x.org`, `|joe.doe|x.org`},
		{`"a@b"@x.org`, `|"a@b"|x.org`},
		{"a . b @ x . org", "|a.b|x.org"},
		{"a@[127.0.0.1]", "|a|[127.0.0.1]"},
		{"a@[IPv6:::1], b@c", "|a|[IPv6:::1] ; |b|c"},
		{"<@r1,@r2:a@b>", "|a|b|@r1,@r2"},
		{"Friends: a@b, Joe <c@d>;", "Friends: ; |a|b ; Joe|c|d ; ;"},
		{"undisclosed-recipients:;", "undisclosed-recipients: ; ;"},
		{`"A, B": a@b;, c@d`, "A, B: ; |a|b ; ; ; |c|d"},
		{"Friends: a@b, c@d", "Friends: ; |a|b ; |c|d ; ;"},
		{"a@b; c@d;", "|a|b ; |c|d"},
		{"root", "|root|"},
		{"MAILER-DAEMON (Mail Delivery System)", "Mail Delivery System|MAILER-DAEMON|"},
		{"foo bar baz", "foo bar baz||"},
		{"", ""},
		{" ,, , ", ""},
		{"<>", "||"},
		{`Joe "Doe <joe@x.org>, b@c`, "Joe Doe|joe|x.org ; |b|c"},
		{"Joe (Doe <joe@x.org>, b@c", "Joe (Doe|joe|x.org ; |b|c"},
		{"Joe <joe@x.org, b@c", "Joe|joe|x.org ; |b|c"},
		{"Joe <<joe@x.org>>", "Joe <|joe|x.org"},
		{"joe@x.org@y.org", `|"joe@x.org"|y.org`},
		{"joe@", "|joe|"},
		{"@x.org", "||x.org"},
		{"Doe, Joe <joe@x.org>", "|Doe| ; Joe|joe|x.org"},
		{"a@b\r\n c@d, e@f", "a@b|c|d ; |e|f"},
		{"joe@x.org trailing words", "|joe|x.org"},
		{`\`, `|"\\"|`},
		{`"`, ``},
		{"(", `|"("|`},
		{":", ": ; ;"},
	} {
		if got := show(ParseAddresses(c[0])); got != c[1] {
			t.Errorf("%q:\n got %s\nwant %s", c[0], got, c[1])
		}
	}
}

// Broken lists must not cost more than their length: four times as long, about four times the processor time of this thread, which
// does not grow when others want the processor too.
func TestParseAddressesIsLinear(t *testing.T) {
	if testing.Short() {
		t.Skip("measures time")
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cost := func(piece string, length int) time.Duration {
		list := strings.Repeat(piece, length/len(piece))
		start := threadTime(t)
		ParseAddresses(list)
		return threadTime(t) - start
	}
	for _, piece := range []string{`"`, "(", "<", ",", ":", ";", "[", `\`, "@", "(a", `"a,`, "<(>,", "a b ", `<">,`, "()", "<@a:", "a:b;", "((a)", ". "} {
		cost(piece, 125_000) // what is made once
		short, long := cost(piece, 125_000), cost(piece, 500_000)
		t.Logf("%q: %v, %v", piece, short, long)
		if long > 10*short+50*time.Millisecond {
			t.Errorf("%q: 125000 bytes took %v of processor time, 500000 took %v", piece, short, long)
		}
	}
}

// threadTime is the processor time that this thread has used.
func threadTime(t *testing.T) time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_THREAD, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func TestEnvelope(t *testing.T) {
	e := ParseEnvelope([]byte(crlf(`Subject: one
  two
SUBJECT: not this
From: A <a@x>
To: b@x
to: c@x
Cc:
Date : Mon, 1 Jan 2024 00:00:00 +0000
Message-ID:
Reply-To: ,

From: body@x
`)))
	if e.Subject != "one  two" || e.Date != "Mon, 1 Jan 2024 00:00:00 +0000" {
		t.Errorf("subject %q, date %q", e.Subject, e.Date)
	}
	if e.Has != HasSubject|HasDate|HasMessageID {
		t.Errorf("has %b", e.Has)
	}
	if got := show(e.To); got != "|b|x ; |c|x" {
		t.Errorf("to %s", got)
	}
	if e.Cc != nil || e.Bcc != nil {
		t.Errorf("empty lists are not NIL: %v %v", e.Cc, e.Bcc)
	}
	for _, l := range [][]Address{e.From, e.Sender, e.ReplyTo} {
		if got := show(l); got != "A|a|x" {
			t.Errorf("from, sender, reply-to: %s", got)
		}
	}
	e = ParseEnvelope([]byte("Sender: s@x\r\nSubject: a\rb\x00c\r\n"))
	if e.From != nil || e.ReplyTo != nil || show(e.Sender) != "|s|x" || e.Subject != "abc" {
		t.Errorf("%+v", e)
	}
}

func FuzzEnvelope(f *testing.F) {
	f.Add([]byte("From: \"a\\\" (b) <c@d>, e: f@[g], <@h,i:j@k>;\r\nSubject: =?utf-8?b?eA==?=\r\n\tx\r\nReply-To: (\"\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		e := ParseEnvelope(b)
		checkEnvelope(t, e)
		var enc encoder
		enc.envelope(e)
		back, err := new(BlobDecoder).envelope(enc.b)
		if err != nil || show(back.To) != show(e.To) || back.Subject != e.Subject {
			t.Fatalf("stored form: %v %+v, want %+v", err, back, e)
		}
		DecodeHeader(string(b))
		Fold(string(b))
		ParseDate(string(b))
		BaseSubject(string(b))
		MessageIDs(string(b), 10)
		for _, not := range []bool{true, false} {
			out := FilterHeader(nil, b, []string{"from", "subject"}, not)
			if !strings.HasSuffix(string(out), "\r\n") {
				t.Fatalf("filtered header %q", out)
			}
		}
	})
}
