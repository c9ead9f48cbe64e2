package message

import (
	"html"
	"strings"
	"testing"
	"unicode/utf8"
)

func preview(t testing.TB, wire string) string {
	t.Helper()
	p := ParseBytes([]byte(wire), DefaultLimits)
	text, err := Preview(octets(wire), p.Root)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestPreviews(t *testing.T) {
	htmlMail := func(s string) string { return "Content-Type: text/html\r\n\r\n" + s }
	for _, tc := range []struct{ name, wire, want string }{
		{"blanks", "\r\n\r\n  one\t two \r\n\r\nthree  ", "one two three"},
		{"nothing", "Subject: x\r\n\r\n", ""},
		{"quotes are passed over", "\r\n> old\r\nnew\r\n", "new"},
		{"quotes alone", "\r\n> old\r\n", "> old"},
		{"at most 200 characters", "\r\n" + strings.Repeat("é", 300), strings.Repeat("é", 200)},
		{"no blank at the end", "\r\n" + strings.Repeat("a", 199) + " b", strings.Repeat("a", 199)},
		{"invisible", "\r\na\u200b\u00ad\ufeff\x07b", "ab"},
		{"charset", "Content-Type: text/plain; charset=koi8-r\r\n\r\n\xd0\xd2\xc9", "при"},
		{"base64", "Content-Transfer-Encoding: base64\r\n\r\naGVsbG8g\r\nd29ybGQ=", "hello world"},
		{"an unknown encoding", "Content-Transfer-Encoding: x-rot13\r\n\r\nuryyb", ""},
		{"words within tags are one", htmlMail("<b>H</b>ello<br>you"), "Hello you"},
		{"entities", htmlMail("&lt;b&gt; &eacute;&#8364;&nbsp;x"), "<b> é€ x"},
		{"quoted attributes", htmlMail(`<img alt="a > b">x`), "x"},
		{"less than", htmlMail("1 < 2 <3"), "1 < 2 <3"},
		{"hidden", htmlMail("<STYLE>p > a {}</STYLE ><script>if (a</b/) x</script>y<!-- > -->z"), "yz"},
		{"cut off", htmlMail("x<style>never ends"), "x"},
		{"a tag cut off", htmlMail("x<a href="), "x"},
		{"attachments are no text", "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Disposition: attachment\r\n\r\nno\r\n--b\r\n\r\nyes\r\n--b--", "yes"},
		{"plain text goes first", "Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\nhtml\r\n--b\r\n\r\nplain\r\n--b--", "plain"},
		{"but not when it is empty", "Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\n\r\n \r\n--b\r\nContent-Type: text/html\r\n\r\nhtml\r\n--b--", "html"},
		{"encrypted", "Content-Type: multipart/encrypted; boundary=b\r\n\r\n--b\r\n\r\nVersion: 1\r\n--b--", ""},
	} {
		if got := preview(t, tc.wire); got != tc.want {
			t.Errorf("%s: %q, want %q", tc.name, got, tc.want)
		}
	}
}

// FuzzPreview: whatever a message is, its preview is short, valid and in one line; and text that was made HTML comes back.
func FuzzPreview(f *testing.F) {
	f.Add("a <b>c</b> & d", false)
	f.Add("<style>x</style><!-- y --><p a='>'>z", true)
	f.Add("Content-Type: text/html\r\n\r\n&amp;<", true)
	f.Fuzz(func(t *testing.T, s string, whole bool) {
		if whole {
			got := preview(t, s)
			got2 := preview(t, "Content-Type: text/html\r\n\r\n"+s)
			for _, g := range []string{got, got2} {
				if !utf8.ValidString(g) || utf8.RuneCountInString(g) > PreviewLength || strings.ContainsAny(g, "\r\n\x00") {
					t.Fatalf("%q", g)
				}
			}
			return
		}
		if s = strings.ToValidUTF8(s, ""); strings.ContainsAny(s, "\r\x00") {
			return
		}
		if got := stripHTML("<p>" + html.EscapeString(s)); got != " "+s {
			t.Fatalf("%q came back as %q", s, got)
		}
	})
}
