package message

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
)

// FuzzFold: a text folded run by run is the text folded as a whole, and a haystack has what the folded text contains.
func FuzzFold(f *testing.F) {
	for _, s := range []string{"", "Straße", "STRASSE", "e\u0301x", "a\u0323\u0301\u0307b", "ﬁx", "K\u212a", "ἄλφα", "İI\u0307", "\xff\xfe\u0301", "日本e\u0301", "Ǆ\u0345ΐ", "\u0301", "x\u00a8\u0301"} {
		f.Add(s, "ss")
		f.Add("abc "+s+" Def\r\n"+s+s, s)
	}
	f.Fuzz(func(t *testing.T, s, needle string) {
		if got, want := string(AppendFold([]byte("x"), []byte(s))), "x"+Fold(s); got != want {
			t.Fatalf("%q: %q, want %q", s, got, want)
		}
		n := NewNeedle(Fold(needle))
		var h Haystack
		h.Reset([]byte(s))
		for range 2 {
			if got, want := h.Has(&n), strings.Contains(Fold(s), Fold(needle)); got != want {
				t.Fatalf("%q in %q: %v", needle, s, got)
			}
		}
	})
}

func TestNeedlesOfEveryKind(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	letters := []rune("abAB qQzß\u0301ﬁ=\r\n")
	random := func(n int) string {
		var b strings.Builder
		for range r.IntN(n) {
			b.WriteRune(letters[r.IntN(len(letters))])
		}
		return b.String()
	}
	var h Haystack
	for range 20000 {
		text, word := random(60), random(6)
		n := NewNeedle(Fold(word))
		h.Reset([]byte(text))
		if got, want := h.Has(&n), strings.Contains(Fold(text), Fold(word)); got != want {
			t.Fatalf("%q in %q: %v", word, text, got)
		}
	}
}

// octets is a message in memory.
type octets string

func (o octets) Append(dst []byte, off, n int64) ([]byte, error) {
	return append(dst, cut([]byte(o), off, n)...), nil
}

func (o octets) Section(off, n int64) io.Reader { return bytes.NewReader(cut([]byte(o), off, n)) }

// searchable is all that SearchText shows of a message.
func searchable(t *testing.T, m string, overlap int) (texts []string) {
	t.Helper()
	p, err := Parse(strings.NewReader(m), DefaultLimits)
	if err != nil {
		t.Fatal(err)
	}
	var s SearchText
	if err := s.Open(octets(m), p.Root); err != nil {
		t.Fatal(err)
	}
	if err := s.Walk(overlap, func(text []byte, whole bool) bool {
		texts = append(texts, string(text))
		return true
	}); err != nil {
		t.Fatal(err)
	}
	return texts
}

func TestSearchTextOfEachPart(t *testing.T) {
	filler := strings.Repeat("x", SmallMessage)
	for _, attached := range []string{"small", filler} {
		m := strings.ReplaceAll(`Content-Type: multipart/mixed; boundary=b

--b
Content-Type: text/plain; charset=iso-8859-1
Content-Transfer-Encoding: quoted-printable

Gr=FC=
n
--b
Content-Type: text/html; charset=koi8-r
Content-Transfer-Encoding: BASE64

8NLJ18XU
--b
Content-Type: application/octet-stream

`+attached+`
--b
Content-Type: message/rfc822

Subject: =?utf-8?Q?J=C3=B6rg?=
 folded =

inner
--b
Content-Transfer-Encoding: strange

a=20b
--b--
`, "\n", "\r\n")
		got := fmt.Sprintf("%q", searchable(t, m, 10))
		if want := `["Grün" "Привет" "Subject: Jörg folded =\n" "inner" "a=20b"]`; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// A text that does not fit in memory comes in pieces that overlap, at characters.
func TestLongTextsComeInPieces(t *testing.T) {
	var b strings.Builder
	for i := 0; b.Len() < MaxWholeText+5*textPiece; i++ {
		fmt.Fprintf(&b, "Zeile %d mit ü und €\r\n", i)
	}
	body := b.String()
	pieces := searchable(t, "Content-Type: text/plain; charset=utf-8\r\n\r\n"+body, 40)
	joined := pieces[0]
	for i, p := range pieces[1:] {
		at := strings.Index(p, pieces[i][len(pieces[i])-40:])
		if at < 0 || at > 3 {
			t.Fatalf("piece %d does not begin with the end of the one before", i+1)
		}
		joined += p[at+40:]
	}
	if joined != body {
		t.Errorf("%d octets in %d pieces became %d", len(body), len(pieces), len(joined))
	}
}

func BenchmarkHaystack(b *testing.B) {
	text := []byte(strings.Repeat("please find attached the report of the meeting about the budget\r\n", 50))
	n := NewNeedle("quokka")
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	var h Haystack
	for b.Loop() {
		h.Reset(text)
		h.Has(&n)
	}
}

func BenchmarkAppendFold(b *testing.B) {
	text := []byte(strings.Repeat("bitte die Anlagen über die Grüße prüfen und an uns zurück senden\r\n", 50))
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	var dst []byte
	for b.Loop() {
		dst = AppendFold(dst[:0], text)
	}
}
