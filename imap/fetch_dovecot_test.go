package imap_test

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"bascule/internal/server/demo"
	"bascule/internal/testkit"
	"bascule/internal/testkit/dovecot"
)

// oddMail is mail that parsers disagree about, beside the demo's.
var oddMail = [][2]string{
	{"header only", "Subject: x\r\n"},
	{"only the empty line", "\r\n"},
	{"end missing", "Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\none\r\n--x\r\n\r\ntwo\r\n"},
	{"end at end of file", "Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\none\r\n--x--"},
	{"preamble and epilogue", "Content-Type: multipart/mixed; boundary=x\r\n\r\npre\r\n--x\r\n\r\none\r\n--x--\r\nepi\r\n"},
	{"inner end missing", "Content-Type: multipart/mixed; boundary=o\r\n\r\n--o\r\nContent-Type: multipart/mixed; boundary=i\r\n\r\n--i\r\n\r\none\r\n--o\r\n\r\ntwo\r\n--o--\r\n"},
	{"boundary starts another", "Content-Type: multipart/mixed; boundary=abc\r\n\r\n--abc\r\nContent-Type: multipart/mixed; boundary=abcd\r\n\r\n--abcd\r\n\r\none\r\n--abcd--\r\n--abc\r\n\r\ntwo\r\n--abc--\r\n"},
	{"boundary directly behind empty line", "Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: text/html\r\n\r\n--x\r\n--x--\r\n"},
	{"blanks behind boundary", "Content-Type: multipart/mixed; boundary=\"x\"\r\n\r\n--x \t\r\n\r\none\r\n--x--  \r\n"},
	{"no content type value", "Content-Type:\r\n\r\nx"},
	{"bad content type", "Content-Type: text\r\n\r\nx"},
	{"digest", "Content-Type: multipart/digest; boundary=d\r\n\r\n--d\r\n\r\nSubject: one\r\n\r\n1\r\n--d\r\nContent-Type: text/plain\r\n\r\n2\r\n--d--\r\n"},
	{"message as the whole", "Content-Type: message/rfc822\r\n\r\nSubject: in\r\n\r\nbody\r\n"},
	{"message in base64", "Content-Type: message/rfc822; name=x.eml\r\nContent-Transfer-Encoding: base64\r\n\r\nU3ViamVjdDogeA==\r\n"},
	{"empty multipart", "Content-Type: multipart/mixed; boundary=y\r\n\r\n--y--\r\ntwo\r\n"},
	{"parameters", "Content-Type: TEXT/Plain; Charset=\"UTF-8\"; format=flowed; x=\"a \\\"b\\\"\" (comment)\r\nContent-Disposition: ATTACHMENT; filename=\"a b.txt\"; size=12\r\nContent-Language: de, en\r\nContent-Location: http://example.org/x\r\nContent-MD5: Q2hlY2sgSW50ZWdyaXR5IQ==\r\nContent-ID: <id@x>\r\nContent-Description: =?utf-8?q?d?=\r\nContent-Transfer-Encoding: 7BIT\r\n\r\nx\r\n"},
	{"addresses", "From: a@b (Comment Name)\r\nSender: \"Quoted \\\"Name\\\"\" <s@x>\r\nTo: <@route,@two:c@d>, plain, e@[127.0.0.1]\r\nCc: Empty:;, x@y\r\nReply-To:\r\nBcc: a@b,\r\n c@d\r\nDate:  Mon,  1 Jun 2026\r\nIn-Reply-To: <a@b> <c@d>\r\nMessage-ID:  <x@y> \r\n\r\nx\r\n"},
	{"folded subject", "Subject: one\r\n two\r\n\tthree  four \r\n\r\nx\r\n"},
	{"empty fields", "Subject:\r\nFrom:\r\nTo: ;\r\nMessage-ID:\r\n\r\nx\r\n"},
}

// A difference from Dovecot; why stands in docs/dovecot-differences.md word for word.
type difference struct{ mail, item, why string }

// differences are all there may be. mail and item are regular expressions.
var differences = []difference{
	{"message in base64", ".*", "A message/rfc822 part in base64 is shown as application/octet-stream"},
	{"empty multipart|multipart without boundary|boundary that never comes", ".*", "A multipart without parts is shown as text"},
	{"no content type value|bad content type", "BODY.*", "A Content-Type that cannot be read counts as text/plain"},
	{"header only|no body and no empty line", `BODY.*FIELDS.*`, "Picked header fields always end with an empty line"},
	{"boundary starts another", ".*1.$", "The line end before a boundary belongs to the boundary"},
	{"boundary directly behind empty line", `.*MIME.*`, "The empty line of a part's header stays with it when the body is missing"},
	{"related inside", "BINARY.*", "BINARY of a multipart leaves its parts encoded"},
	{"KOI8-R, base64", "BINARY.*", "Lines of decoded text end with CRLF"},
	{"bad base64", "BINARY.*", "Damaged base64 is decoded as far as it makes sense"},
	{"unknown encoding", "BINARY.*", "What cannot be decoded is left out of the answer"},
	{"bad dates and addresses", "ENVELOPE", "Broken addresses keep what can be read of them"},
	{"empty fields", "ENVELOPE", "A list of addresses without an address is NIL"},
	{"header fields twice", "ENVELOPE", "Of a field that stands twice the first counts"},
	{"RFC 2231", "BODYSTRUCTURE", "Joined parameter pieces are encoded throughout"},
}

var (
	asciiCharset = strings.NewReplacer(`("charset" "us-ascii")`, "nil", ` "charset" "us-ascii"`, "")
	placeholders = strings.NewReplacer(`"MISSING_MAILBOX"`, `""`, `"MISSING_DOMAIN"`, `""`)
	missing      = regexp.MustCompile(`(\[[^\]]*\]) NIL`)
	blanks       = regexp.MustCompile(`\s+`)
	beforeQuote  = regexp.MustCompile(` "( |\))`)
)

// normal undoes the differences that are everywhere: see "FETCH, everywhere" in the document.
func normal(item, answer string) string {
	switch item {
	case "ENVELOPE":
		return beforeQuote.ReplaceAllString(blanks.ReplaceAllString(placeholders.Replace(answer), " "), `"$1`)
	case "BODY", "BODYSTRUCTURE":
		return asciiCharset.Replace(strings.ToLower(answer))
	}
	return missing.ReplaceAllString(answer, `$1 ""`)
}

// peer asks one server about a mailbox.
type peer struct{ *rawClient }

// fetch gives the whole answer to a FETCH, literals included, with literals that could be quoted strings written so.
func (p peer) fetch(command string) string {
	tag := p.send(command)
	var out strings.Builder
	for {
		l, err := p.r.ReadBytes('\n')
		if err != nil {
			p.t.Fatal(err)
		}
		if bytes.HasPrefix(l, []byte(tag)) {
			return out.String() + string(bytes.TrimSpace(l[len(tag):][:min(3, len(l)-len(tag))]))
		}
		l = bytes.TrimRight(l, "\r\n")
		open := bytes.LastIndexByte(l, '{')
		if open < 0 || l[len(l)-1] != '}' {
			out.Write(append(l, '\n'))
			continue
		}
		n, err := strconv.Atoi(string(l[open+1 : len(l)-1]))
		if err != nil {
			out.Write(append(l, '\n'))
			continue
		}
		literal := make([]byte, n)
		if _, err := io.ReadFull(p.r, literal); err != nil {
			p.t.Fatal(err)
		}
		fmt.Fprintf(&out, "%s%q", bytes.TrimSuffix(l[:open], []byte("~")), literal)
	}
}

// TestFetchLikeDovecot compares what both servers make of the same mail. Only differences that are explained may be.
func TestFetchLikeDovecot(t *testing.T) {
	theirs := peer{dialAddr(t, dovecot.Start(t).Addrs["imap"])}
	ours := peer{dial(t, testkit.Start(t, testkit.Options{}))}
	mail := oddMail
	for _, m := range demo.Messages() {
		mail = append(mail, [2]string{"demo: " + m.Name, string(m.Bytes)})
	}
	for _, p := range []peer{theirs, ours} {
		p.do("CREATE Odd")
		for _, m := range mail {
			p.do(fmt.Sprintf("APPEND Odd {%d+}\r\n%s", len(m[1]), strings.ReplaceAll(m[1], "\x00", "?")))
		}
		p.do("SELECT Odd")
	}
	items := []string{"ENVELOPE", "BODY", "BODYSTRUCTURE", "RFC822.SIZE", "BODY.PEEK[]", "BODY.PEEK[HEADER]", "BODY.PEEK[TEXT]", "BODY.PEEK[1]", "BODY.PEEK[2]",
		"BODY.PEEK[1.1]", "BODY.PEEK[1.2]", "BODY.PEEK[2.1]", "BODY.PEEK[1.MIME]", "BODY.PEEK[2.MIME]", "BODY.PEEK[1.HEADER]", "BODY.PEEK[2.HEADER]", "BODY.PEEK[1.TEXT]",
		"BODY.PEEK[HEADER.FIELDS (SUBJECT FROM)]", "BODY.PEEK[HEADER.FIELDS.NOT (SUBJECT FROM)]", "BODY.PEEK[1]<1.3>", "BINARY.PEEK[1]", "BINARY.SIZE[1]"}
	met := make([]bool, len(differences))
	for i, m := range mail {
		for _, item := range items {
			command := fmt.Sprintf("FETCH %d (%s)", i+1, item)
			want, got := theirs.fetch(command), ours.fetch(command)
			if normal(item, got) == normal(item, want) {
				continue
			}
			if leaf, ok := strings.CutSuffix(item, ".1]"); ok && missing.MatchString(got) {
				// Dovecot takes a part without parts for its own part 1 at any depth.
				if _, text, _ := strings.Cut(theirs.fetch(fmt.Sprintf("FETCH %d (%s])", i+1, leaf)), "] "); strings.HasSuffix(want, "] "+text) {
					continue
				}
			}
			k := slices.IndexFunc(differences, func(d difference) bool {
				return regexp.MustCompile(d.mail).MatchString(m[0]) && regexp.MustCompile("^"+d.item).MatchString(item)
			})
			if k < 0 {
				t.Errorf("%s, %s\n bascule %.1500s\n dovecot %.1500s", m[0], item, got, want)
				continue
			}
			met[k] = true
		}
	}
	for i, d := range differences {
		if !met[i] {
			t.Errorf("%s: no difference any more", d.why)
		}
	}
}

// TestDifferencesAreExplained keeps the document complete.
func TestDifferencesAreExplained(t *testing.T) {
	doc, err := os.ReadFile("../docs/dovecot-differences.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range differences {
		if !strings.Contains(string(doc), d.why) {
			t.Errorf("not in docs/dovecot-differences.md: %s", d.why)
		}
	}
}
