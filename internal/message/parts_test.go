package message

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

func TestContentFields(t *testing.T) {
	for _, c := range []struct{ header, want string }{
		{"Content-Type: text/html; charset=\"utf-8\"", "text/html [{charset utf-8}] 7bit"},
		{"content-type: TEXT / HTML ;charset = utf-8 (comment)", "TEXT/HTML [{charset utf-8}] 7bit"},
		{"Content-Type: text/plain charset=utf-8 format=flowed", "text/plain [{charset utf-8} {format flowed}] 7bit"},
		{"Content-Type: text/plain; charset=utf-8 format=flowed", "text/plain [{charset utf-8} {format flowed}] 7bit"},
		{"Content-Type: application/pdf; name=my file (1).pdf; x=y", "application/pdf [{name my file (1).pdf} {x y}] 7bit"},
		{"Content-Type: application/pdf; name=\"a\\\"b.pdf\"", "application/pdf [{name a\"b.pdf}] 7bit"},
		{"Content-Type: application/pdf; name=\"open", "application/pdf [{name open}] 7bit"},
		{"Content-Type: application/pdf;; ;name=x;", "application/pdf [{name x}] 7bit"},
		{"Content-Type: application/pdf; junk; name=x", "application/pdf [{name x}] 7bit"},
		{"Content-Type: application/pdf; name=\"a\"junk; x=y", "application/pdf [{name a} {x y}] 7bit"},
		{"Content-Type: application/x; name*0=\"a b\"; name*1=c", "application/x [{name a bc}] 7bit"},
		{"Content-Type: application/x; name*1=c; name*0=ab; q=1", "application/x [{name abc} {q 1}] 7bit"},
		{"Content-Type: application/x; name*0*=utf-8''%c3; name*1*=%b6; name*2=\"x y\"", "application/x [{name* utf-8''%c3%b6x%20y}] 7bit"},
		{"Content-Type: application/x; name*0=a; name*1*=%20b", "application/x [{name* ''a%20b}] 7bit"},
		{"Content-Type: application/x; name*1=c", "application/x [{name*1 c}] 7bit"},
		{"Content-Type: application/x; name*=utf-8'en'%C3%B6", "application/x [{name* utf-8'en'%C3%B6}] 7bit"},
		{"Content-Type: text/", "text/plain [{charset us-ascii}] 7bit"},
		{"Content-Type: /plain", "text/plain [{charset us-ascii}] 7bit"},
		{"Content-Type: text/plain; charset=a\nContent-Type: text/html", "text/plain [{charset a}] 7bit"},
		{"Content-Type: text/x\nContent-Transfer-Encoding: BASE64 (c)", "text/x [] BASE64"},
		{"Content-Type: text/x\nContent-Transfer-Encoding: base64;", "text/x [] base64"},
		{"Content-Type:\n  text/x;\n\ta=b", "text/x [{a b}] 7bit"},
	} {
		p := ParseBytes([]byte(crlf(c.header+"\n\n")), Limits{}).Root
		if got := fmt.Sprintf("%s/%s %v %s", p.Type, p.Subtype, p.Params, p.Encoding); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.header, got, c.want)
		}
	}

	p := ParseBytes([]byte(crlf(`Content-ID: <a@b>
Content-Description: a
 description
Content-MD5: abc=
Content-Location: http://x/
  y
Content-Language: en, de-CH (Swiss), fr
Content-Disposition: attachment; filename*=utf-8''J%C3%B6; filename=J

`)), Limits{}).Root
	if p.ID != "<a@b>" || p.Description != "a description" || p.MD5 != "abc=" || p.Location != "http://x/y" || strings.Join(p.Language, " ") != "en de-CH fr" {
		t.Errorf("%+v", p)
	}
	if p.Disposition != "attachment" || p.Filename() != "Jö" || len(p.DispositionParams) != 2 {
		t.Errorf("disposition %s %v %q", p.Disposition, p.DispositionParams, p.Filename())
	}
	for value, want := range map[string]string{
		`filename="x.pdf"`:                       "attachment x.pdf",
		`inline; filename=a.b`:                   "inline a.b",
		`; filename=a.b`:                         "attachment a.b",
		`inline`:                                 "inline ",
		`inline; filename="=?utf-8?Q?J=C3=B6?="`: "inline Jö",
	} {
		p := ParseBytes([]byte("Content-Disposition: "+value+"\r\n\r\n"), Limits{}).Root
		if got := p.Disposition + " " + p.Filename(); got != want {
			t.Errorf("%s: got %s, want %s", value, got, want)
		}
	}
}

// The numbers of the example in RFC 9051 §6.4.5.1.
func TestSectionNumbers(t *testing.T) {
	part := func(b, header, body string) string { return "--" + b + "\n" + header + "\n\n" + body + "\n" }
	embedded2 := "Subject: s42\nContent-Type: multipart/mixed; boundary=d\n\n" +
		part("d", "Content-Type: text/plain", "p421") +
		part("d", "Content-Type: multipart/alternative; boundary=e", part("e", "Content-Type: text/plain", "p4221")+part("e", "Content-Type: text/richtext", "p4222")+"--e--") + "--d--"
	embedded1 := "Subject: s3\nContent-Type: multipart/mixed; boundary=b\n\n" +
		part("b", "Content-Type: text/plain", "p31") + part("b", "Content-Type: application/octet-stream", "p32") + "--b--"
	msg := crlf("Content-Type: multipart/mixed; boundary=a\n\n" +
		part("a", "Content-Type: text/plain", "p1") +
		part("a", "Content-Type: application/octet-stream", "p2") +
		part("a", "Content-Type: message/rfc822", embedded1) +
		part("a", "Content-Type: multipart/mixed; boundary=c", part("c", "Content-Type: image/gif", "p41")+part("c", "Content-Type: message/rfc822", embedded2)+"--c--") +
		"--a--\n")
	p := ParseBytes([]byte(msg), Limits{})
	for path, want := range map[string]string{
		"1": "p1", "2": "p2", "3.1": "p31", "3.2": "p32", "4.1": "p41", "4.2.1": "p421", "4.2.2.1": "p4221", "4.2.2.2": "p4222",
	} {
		if got := sectionText(t, p, msg, path); got != want {
			t.Errorf("%s is %q, want %q", path, got, want)
		}
	}
	for path, want := range map[string]string{"3": "s3", "4.2": "s42"} {
		part, ok := p.Section(numbers(t, path))
		if !ok || part.Message() == nil || part.Envelope.Subject != want {
			t.Errorf("%s is %+v", path, part)
		}
	}
	for _, path := range []string{"0", "5", "1.1", "3.3", "4.2.2.3", "4.2.1.1", "-1"} {
		if part, ok := p.Section(numbers(t, path)); ok {
			t.Errorf("%s is %+v", path, part)
		}
	}
	single := "Subject: x\r\n\r\nbody"
	p = ParseBytes([]byte(single), Limits{})
	if got := sectionText(t, p, single, "1"); got != "body" {
		t.Errorf("1 of a plain message is %q", got)
	}
	if _, ok := p.Section([]int{1, 1}); ok {
		t.Error("1.1 of a plain message exists")
	}
}

func numbers(t *testing.T, path string) []int {
	t.Helper()
	var out []int
	for _, s := range strings.Split(path, ".") {
		var n int
		if _, err := fmt.Sscan(s, &n); err != nil {
			t.Fatal(err)
		}
		out = append(out, n)
	}
	return out
}

func sectionText(t *testing.T, p *Parsed, msg, path string) string {
	t.Helper()
	part, ok := p.Section(numbers(t, path))
	if !ok {
		t.Errorf("no section %s", path)
		return ""
	}
	return msg[part.BodyOff:part.EndOff]
}

func TestHeaderFields(t *testing.T) {
	h := []byte("From x\r\n continued\r\nSubject: a\r\n b\r\nX-1 : one\r\n: nothing\r\nsubject:c\r\nTo: end")
	var got []string
	var all []byte
	for f := range Fields(h) {
		got = append(got, fmt.Sprintf("%s=%s", f.Name, f.Value()))
		all = append(all, f.Raw...)
	}
	if s := strings.Join(got, "|"); s != "=From x continued|Subject=a b|X-1=one|=: nothing|subject=c|To=end" {
		t.Errorf("fields %s", s)
	}
	if !bytes.Equal(all, h) {
		t.Errorf("bytes were lost: %q", all)
	}
	if v, ok := HeaderValue(h, "SUBJECT"); v != "a b" || !ok {
		t.Errorf("subject %q %v", v, ok)
	}
	if _, ok := HeaderValue(h, "Sub"); ok {
		t.Error("half a name was found")
	}
	for _, c := range []struct {
		names []string
		not   bool
		want  string
	}{
		{[]string{"SUBJECT", "nope"}, false, "Subject: a\r\n b\r\nsubject:c\r\n\r\n"},
		{[]string{"to"}, false, "To: end\r\n\r\n"},
		{nil, false, "\r\n"},
		{[]string{""}, false, "\r\n"},
		{[]string{"Subject", "X-1"}, true, "From x\r\n continued\r\n: nothing\r\nTo: end\r\n\r\n"},
	} {
		if got := string(FilterHeader(nil, h, c.names, c.not)); got != c.want {
			t.Errorf("%v not=%v: got %q, want %q", c.names, c.not, got, c.want)
		}
	}
	if n := len(FilterHeader(nil, []byte("A: b\r\n\r\nC: d\r\n"), nil, true)); n != len("A: b\r\n\r\n") {
		t.Errorf("filter went into the body: %d", n)
	}
}
