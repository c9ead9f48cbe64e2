package message

import (
	"fmt"
	"strings"
)

// crlf writes samples readably: each LF becomes CRLF.
func crlf(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }

// sample is a message in wire form with the tree it should have, as outline writes it.
type sample struct {
	name, msg, want string
	// wellFormed ones are also compared with other parsers.
	wellFormed bool
}

var samples = []sample{
	{"plain", crlf("From: a@b\nSubject: hi\n\nHello\nWorld\n"), `text/plain "Hello\r\nWorld\r\n" 2`, true},
	{"empty", "", `text/plain "" 0`, false},
	{"only the empty line", "\r\n", `text/plain "" 0`, false},
	{"no header", crlf("\nbody\n"), `text/plain "body\r\n" 1`, false},
	{"header only", crlf("Subject: x\n"), `text/plain "" 0`, false},
	{"header only, unended", "Subject: x", `text/plain "" 0`, false},
	{"lone CRs only", "Subject: x\r\rbody\r", `text/plain "" 0`, false},
	{"bare LFs", "Subject: x\n\nbody\n", `text/plain "body\n" 1`, false},
	{"line without colon in header", crlf("From someone\nSubject: x\nnonsense\nTo: a@b\n\nbody"), `text/plain "body" 0`, false},
	{"mixed", crlf(`MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="b1"

preamble
--b1
Content-Type: text/plain; charset=utf-8

one
--b1
Content-Type: application/pdf; name="x.pdf"
Content-Transfer-Encoding: base64
Content-Disposition: attachment; filename="x.pdf"

AAAA
BBBB

--b1--
epilogue
`), `multipart/mixed[text/plain "one" 0, application/pdf "AAAA\r\nBBBB\r\n" 2]`, true},
	{"nested", crlf(`Content-Type: multipart/mixed; boundary=outer

--outer
Content-Type: multipart/alternative; boundary=inner

--inner

plain
--inner
Content-Type: text/html

<p>
--inner--

--outer
Content-Type: image/gif
Content-Transfer-Encoding: base64

R0lG
--outer--
`), `multipart/mixed[multipart/alternative[text/plain "plain" 0, text/html "<p>" 0], image/gif "R0lG" 0]`, true},
	{"end missing", crlf("Content-Type: multipart/mixed; boundary=x\n\n--x\n\none\n--x\n\ntwo\n"),
		`multipart/mixed[text/plain "one" 0, text/plain "two\r\n" 1]`, false},
	{"end at end of file", crlf("Content-Type: multipart/mixed; boundary=x\n\n--x\n\none\n--x--"),
		`multipart/mixed[text/plain "one" 0]`, true},
	{"inner end missing", crlf(`Content-Type: multipart/mixed; boundary=outer

--outer
Content-Type: multipart/alternative; boundary=inner

--inner

plain
--outer

last
--outer--
`), `multipart/mixed[multipart/alternative[text/plain "plain" 0], text/plain "last" 0]`, false},
	{"boundary starts another", crlf(`Content-Type: multipart/mixed; boundary=abc

--abc
Content-Type: multipart/mixed; boundary=abcdef

--abcdef

in
--abcdef--
--abc

out
--abc--
`), `multipart/mixed[multipart/mixed[text/plain "in" 0], text/plain "out" 0]`, true},
	{"inner boundary starts outer", crlf(`Content-Type: multipart/mixed; boundary=abcdef

--abcdef
Content-Type: multipart/mixed; boundary=abc

--abc

in
--abc--
--abcdef

out
--abcdef--
`), `multipart/mixed[multipart/mixed[text/plain "in" 0], text/plain "out" 0]`, false},
	{"same boundary nested", crlf(`Content-Type: multipart/mixed; boundary=x

--x
Content-Type: multipart/mixed; boundary=x

--x

in
--x--
--x

out
--x--
`), `multipart/mixed[multipart/mixed[text/plain "in" 0], text/plain "out" 0]`, false},
	{"boundary ends a header", crlf("Content-Type: multipart/mixed; boundary=x\n\n--x\nContent-Type: text/html\n--x\n\ntwo\n--x--\n"),
		`multipart/mixed[text/html "" 0, text/plain "two" 0]`, false},
	{"boundary directly behind empty line", crlf("Content-Type: multipart/mixed; boundary=x\n\n--x\nContent-Type: text/html\n\n--x\n--x--\n"),
		`multipart/mixed[text/html "" 0, text/plain "" 0]`, false},
	{"no boundary", crlf("Content-Type: multipart/mixed\n\n--x\n\ntwo\n"), `text/plain "--x\r\n\r\ntwo\r\n" 3`, false},
	{"boundary never comes", crlf("Content-Type: multipart/mixed; boundary=y\n\n--x\n\ntwo\n"), `text/plain "--x\r\n\r\ntwo\r\n" 3`, false},
	{"closed at once", crlf("Content-Type: multipart/mixed; boundary=y\n\n--y--\ntwo\n"), `text/plain "--y--\r\ntwo\r\n" 2`, false},
	{"blanks behind boundary", crlf("Content-Type: multipart/mixed; boundary=\"x \"\n\n--x \t\n\none\n--x--  \n"), `multipart/mixed[text/plain "one" 0]`, false},
	{"no content type value", crlf("Content-Type:\n\nx"), `text/plain "x" 0`, false},
	{"bad content type", crlf("Content-Type: text\n\nx"), `text/plain "x" 0`, false},
	{"digest", crlf(`Content-Type: multipart/digest; boundary=d

--d

From: a@b
Subject: first

one
--d
Content-Type: text/plain

two
--d

Subject: third
Content-Type: multipart/mixed; boundary=e

--e

deep
--e--
--d--
`), `multipart/digest[message/rfc822<first>{text/plain "one" 0}, text/plain "two" 0, message/rfc822<third>{multipart/mixed[text/plain "deep" 0]}]`, false},
	{"message with attachment", crlf(`Subject: outer
Content-Type: multipart/mixed; boundary=o

--o
Content-Type: message/rfc822

Subject: inner
Content-Type: multipart/mixed; boundary=i

--i

text
--i
Content-Type: image/png

png
--i--
--o--
`), `multipart/mixed[message/rfc822<inner>{multipart/mixed[text/plain "text" 0, image/png "png" 0]}]`, true},
	{"message cut in its header", crlf("Content-Type: multipart/mixed; boundary=o\n\n--o\nContent-Type: message/rfc822\n--o--\n"),
		`multipart/mixed[message/rfc822<>{text/plain "" 0}]`, false},
	{"message as the whole", crlf("Content-Type: message/rfc822\n\nSubject: in\n\nbody\n"), `message/rfc822<in>{text/plain "body\r\n" 1}`, true},
	{"message in base64", crlf("Content-Type: message/rfc822; name=x.eml\nContent-Transfer-Encoding: base64\n\nU3ViamVjdDogeA==\n"),
		`application/octet-stream "U3ViamVjdDogeA==\r\n" 1`, false},
	{"eight-bit header", "Subject: \xfcber\r\nFrom: J\xf6rg <j@x>\r\n\r\n\xe4\r\n", `text/plain "\xe4\r\n" 1`, false},
}

// outline writes a tree with the bytes of its leaves.
func outline(msg string, p *Part) string {
	if m := p.Message(); m != nil {
		return fmt.Sprintf("%s/%s<%s>{%s}", p.Type, p.Subtype, p.Envelope.Subject, outline(msg, m))
	}
	if len(p.Children) > 0 {
		var all []string
		for _, c := range p.Children {
			all = append(all, outline(msg, c))
		}
		return fmt.Sprintf("%s/%s[%s]", p.Type, p.Subtype, strings.Join(all, ", "))
	}
	return fmt.Sprintf("%s/%s %q %d", p.Type, p.Subtype, msg[p.BodyOff:p.EndOff], p.Lines)
}
