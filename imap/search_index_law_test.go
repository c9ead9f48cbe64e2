package imap_test

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"mime"
	"mime/quotedprintable"
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/encoding/charmap"

	"bascule/internal/message"
	"bascule/internal/testkit"
	"bascule/maildir"
)

// indexedMail is a message whose texts are known without a look at it.
type indexedMail struct {
	raw     string
	fields  map[string][]string // by name in capitals, decoded
	texts   []string            // text parts and headers of enclosed messages, decoded
	folded  map[string]string   // of the texts that were asked for
	deleted bool
}

func (m *indexedMail) field(name, value string) string {
	m.fields[strings.ToUpper(name)] = append(m.fields[strings.ToUpper(name)], value)
	return name + ": " + value + "\r\n"
}

var indexVocabulary = []string{"alpha", "Beta", "GRÜN", "straße", "мать", "xy", "naïve", "100%", `say "hi"`, "a=b", "ﬁne", "日本語", "e\u0301tude", "x\r\ny"}

func indexWords(r *rand.Rand) string {
	var out []string
	for range 1 + r.IntN(4) {
		out = append(out, strings.ReplaceAll(indexVocabulary[r.IntN(len(indexVocabulary)-1)], "\r\n", " "))
	}
	return strings.Join(out, " ")
}

// textPart is a part with some text, in some charset and encoding.
func (m *indexedMail) textPart(r *rand.Rand) string {
	text := indexWords(r)
	switch r.IntN(40) {
	case 0: // longer than what is looked at in one piece of a stream
		text = strings.Repeat("filler ", 1+r.IntN(1<<14)) + text + strings.Repeat(" filler", r.IntN(1<<14))
	case 1: // more than is indexed
		text = strings.Repeat("much ", 120_000) + text
	}
	subtype := []string{"plain", "html"}[r.IntN(2)]
	if subtype == "html" {
		text = "<p>" + text + "</p>"
	}
	charset, octets := "utf-8", text
	if r.IntN(3) == 0 {
		for name, cm := range map[string]*charmap.Charmap{"iso-8859-1": charmap.ISO8859_1, "koi8-r": charmap.KOI8R} {
			if b, err := cm.NewEncoder().String(text); err == nil && !strings.Contains(text, "%") {
				charset, octets = name, b
			}
		}
	}
	m.texts = append(m.texts, text)
	encoding := []string{"8bit", "quoted-printable", "base64", "BASE64"}[r.IntN(4)]
	var b strings.Builder
	fmt.Fprintf(&b, "Content-Type: text/%s; charset=%s\r\nContent-Transfer-Encoding: %s\r\n\r\n", subtype, charset, encoding)
	switch encoding {
	case "8bit":
		b.WriteString(octets)
	case "quoted-printable":
		w := quotedprintable.NewWriter(&b)
		w.Write([]byte(octets))
		w.Close()
	default:
		enc := base64.StdEncoding.EncodeToString([]byte(octets))
		for len(enc) > 76 {
			b.WriteString(enc[:76] + "\r\n")
			enc = enc[76:]
		}
		b.WriteString(enc)
	}
	return b.String()
}

func newIndexedMail(r *rand.Rand) *indexedMail {
	m := &indexedMail{fields: map[string][]string{}, folded: map[string]string{}}
	subject := indexWords(r)
	m.field("Subject", subject)
	head := "Subject: " + mime.BEncoding.Encode("utf-8", subject) + "\r\n"
	head += m.field("X-Folded", "one two three")[:len("X-Folded: one")] + "\r\n two three\r\n"
	head += m.field("From", "Ann <ann@example.org>") + m.field("Received", "from relay"+fmt.Sprint(r.IntN(9))+".example.net")
	if r.IntN(3) == 0 {
		part := m.textPart(r)
		kind, body, _ := strings.Cut(part, "\r\n\r\n")
		for line := range strings.SplitSeq(kind, "\r\n") {
			name, value, _ := strings.Cut(line, ": ")
			m.field(name, value)
		}
		m.raw = head + kind + "\r\n\r\n" + body
		return m
	}
	var b strings.Builder
	b.WriteString(head + m.field("Content-Type", "multipart/mixed; boundary=bb") + "\r\n")
	for range 1 + r.IntN(3) {
		b.WriteString("--bb\r\n")
		switch r.IntN(4) {
		case 0:
			fmt.Fprintf(&b, "Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\n%s", base64.StdEncoding.EncodeToString([]byte(indexWords(r))))
		case 1:
			inner := indexWords(r)
			m.texts = append(m.texts, "Subject: "+inner+"\n")
			fmt.Fprintf(&b, "Content-Type: message/rfc822\r\n\r\nSubject: %s\r\n\r\n", mime.QEncoding.Encode("utf-8", inner))
		default:
			b.WriteString(m.textPart(r))
		}
		b.WriteString("\r\n")
	}
	b.WriteString("--bb--\r\n")
	m.raw = b.String()
	return m
}

// has tells whether a text of the message holds the word, as the search compares. Each text is folded once: it is asked for hundreds of times.
func (m *indexedMail) has(text, word string) bool {
	folded, ok := m.folded[text]
	if !ok {
		folded = message.Fold(text)
		m.folded[text] = folded
	}
	return strings.Contains(folded, message.Fold(word))
}

func (m *indexedMail) body(word string) bool {
	return word == "" || slices.ContainsFunc(m.texts, func(s string) bool { return m.has(s, word) })
}

func (m *indexedMail) header(name, word string) bool {
	return slices.ContainsFunc(m.fields[name], func(s string) bool { return m.has(s, word) })
}

func (m *indexedMail) text(word string) bool {
	if m.body(word) {
		return true
	}
	for name, values := range m.fields {
		for _, v := range values {
			if m.has(name+": "+v+"\n", word) {
				return true
			}
		}
	}
	return false
}

// indexKey is a random search and what it means.
func indexKey(r *rand.Rand, depth int) (string, func(*indexedMail) bool) {
	word := indexVocabulary[r.IntN(len(indexVocabulary))]
	if r.IntN(3) == 0 { // across words, and parts of them
		word = indexWords(r)
	}
	runes := []rune(word)
	from := r.IntN(len(runes))
	word = string(runes[from : from+1+r.IntN(len(runes)-from)])
	if r.IntN(3) == 0 {
		word = strings.ToUpper(word)
	}
	quoted := fmt.Sprintf("{%d+}\r\n%s", len(word), word)
	n := 5
	if depth > 0 {
		n = 8
	}
	switch r.IntN(n) {
	case 0:
		return "SUBJECT " + quoted, func(m *indexedMail) bool { return m.header("SUBJECT", word) }
	case 1:
		name := []string{"RECEIVED", "X-FOLDED", "CONTENT-TYPE"}[r.IntN(3)]
		return "HEADER " + name + " " + quoted, func(m *indexedMail) bool { return m.header(name, word) }
	case 2, 3:
		return "BODY " + quoted, func(m *indexedMail) bool { return m.body(word) }
	case 4:
		return "TEXT " + quoted, func(m *indexedMail) bool { return m.text(word) }
	case 5:
		k, f := indexKey(r, depth-1)
		return "NOT " + k, func(m *indexedMail) bool { return !f(m) }
	}
	k, f := indexKey(r, depth-1)
	l, g := indexKey(r, depth-1)
	if r.IntN(2) == 0 {
		return "OR " + k + " " + l, func(m *indexedMail) bool { return f(m) || g(m) }
	}
	return "(" + k + " " + l + ")", func(m *indexedMail) bool { return f(m) && g(m) }
}

// TestSearchIndexLaw: with the text index, in whatever state it is, SEARCH finds what it finds without, and what a naive reader finds.
func TestSearchIndexLaw(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	s := testkit.Start(t, testkit.Options{})
	c := dial(t, s)
	account, err := s.Account(t.Context(), "imap@example.org")
	if err != nil {
		t.Fatal(err)
	}
	defer account.Close()
	mode := func(m maildir.TextIndex) {
		p := account.Policy()
		p.TextIndex = m
		account.SetPolicy(p)
	}
	var mailbox []*indexedMail
	add := func(n int) {
		for range n {
			m := newIndexedMail(r)
			c.do(fmt.Sprintf("APPEND INBOX {%d+}\r\n%s", len(m.raw), m.raw))
			mailbox = append(mailbox, m)
		}
	}
	c.do("SELECT INBOX")
	for round := range 12 {
		mode(maildir.TextIndexOff) // nothing is filled but what this test fills
		add(5 + r.IntN(25))
		if round%3 != 2 {
			if _, err := account.FillTexts(t.Context(), false); err != nil {
				t.Fatal(err)
			}
		}
		if r.IntN(3) == 0 {
			if err := account.RebuildTexts(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		for range 1 + r.IntN(5) { // removed after they were indexed
			at := r.IntN(len(mailbox))
			c.do(fmt.Sprintf(`STORE %d +FLAGS.SILENT (\Deleted)`, at+1))
			c.do("EXPUNGE")
			mailbox = slices.Delete(mailbox, at, at+1)
		}
		if r.IntN(2) == 0 { // copies are other messages
			at := r.IntN(len(mailbox))
			c.do(fmt.Sprintf("COPY %d INBOX", at+1))
			c.do("NOOP")
			mailbox = append(mailbox, mailbox[at])
		}
		if r.IntN(3) == 0 { // moved to the end
			at := r.IntN(len(mailbox))
			c.do(fmt.Sprintf("MOVE %d Trash", at+1))
			c.do("SELECT Trash")
			c.do("MOVE 1 INBOX")
			c.do("SELECT INBOX")
			m := mailbox[at]
			mailbox = append(slices.Delete(mailbox, at, at+1), m)
		}
		for range 60 {
			k, match := indexKey(r, 2)
			want := "* SEARCH"
			for i, m := range mailbox {
				if match(m) {
					want += fmt.Sprint(" ", i+1)
				}
			}
			for _, m := range []maildir.TextIndex{maildir.TextIndexAuto, maildir.TextIndexOff} {
				mode(m)
				if got := strings.TrimSpace(c.ask("SEARCH CHARSET UTF-8 " + k)); got != want {
					t.Fatalf("round %d, index %s: SEARCH %q\n got %s\nwant %s", round, m, k, got, want)
				}
			}
		}
	}
}
