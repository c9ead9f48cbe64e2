package imap_test

import (
	"fmt"
	"math/rand/v2"
	"mime"
	"slices"
	"strings"
	"testing"
	"time"

	"bascule/internal/testkit"
)

// modelMessage is what the naive search knows of a message.
type modelMessage struct {
	seq      int
	flags    []string
	internal time.Time
	sent     time.Time
	from     string
	subject  string
	body     string
	size     int
}

// key is a search key as a client writes it, and what it means, said as simply as can be.
type key struct {
	text  string
	match func(m *modelMessage) bool
}

var (
	vocabulary = []string{"alpha", "Beta", "GRÜN", "straße", "мать", "x"}
	lawFlags   = []string{`\Seen`, `\Answered`, `\Flagged`, `\Deleted`, `\Draft`, "$Label1", "$Other"}
)

func words(r *rand.Rand) string {
	var out []string
	for range 1 + r.IntN(3) {
		out = append(out, vocabulary[r.IntN(len(vocabulary))])
	}
	return strings.Join(out, " ")
}

// simple folds as far as the vocabulary needs it.
func simple(s string) string { return strings.ReplaceAll(strings.ToLower(s), "ß", "ss") }

func has(text, word string) bool { return strings.Contains(simple(text), simple(word)) }

func dayOf(t time.Time) string { return t.Format("20060102") }

// randomKey makes a key of at most this depth.
func randomKey(r *rand.Rand, depth int, n int) key {
	word := vocabulary[r.IntN(len(vocabulary))]
	if r.IntN(4) == 0 {
		word = strings.ToUpper(word[:1]) + word[1:]
	}
	quoted := fmt.Sprintf("{%d+}\r\n%s", len(word), word)
	day := time.Date(2026, 3, 1+r.IntN(20), 0, 0, 0, 0, time.UTC)
	date := day.Format("2-Jan-2006")
	size := 300 + r.IntN(400)
	flag := lawFlags[r.IntN(len(lawFlags))]
	a, b := 1+r.IntN(n+3), 1+r.IntN(n+3)
	lo, hi := min(a, b), max(a, b)
	kinds := 17
	if depth > 0 {
		kinds = 21
	}
	switch r.IntN(kinds) {
	case 0, 1:
		name := strings.ToUpper(strings.TrimPrefix(flag, `\`))
		if flag[0] != '\\' {
			name = "KEYWORD " + flag
		}
		return key{name, func(m *modelMessage) bool { return slices.Contains(m.flags, flag) }}
	case 2, 3:
		name := "UN" + strings.ToUpper(strings.TrimPrefix(flag, `\`))
		if flag[0] != '\\' {
			name = "UNKEYWORD " + flag
		}
		return key{name, func(m *modelMessage) bool { return !slices.Contains(m.flags, flag) }}
	case 4:
		return key{"ON " + date, func(m *modelMessage) bool { return dayOf(m.internal) == dayOf(day) }}
	case 5:
		return key{"BEFORE " + date, func(m *modelMessage) bool { return dayOf(m.internal) < dayOf(day) }}
	case 6:
		return key{"SENTSINCE " + date, func(m *modelMessage) bool { return dayOf(m.sent) >= dayOf(day) }}
	case 7:
		return key{"SENTON " + date, func(m *modelMessage) bool { return dayOf(m.sent) == dayOf(day) }}
	case 8:
		return key{fmt.Sprint("LARGER ", size), func(m *modelMessage) bool { return m.size > size }}
	case 9:
		return key{fmt.Sprint("SMALLER ", size), func(m *modelMessage) bool { return m.size < size }}
	case 10:
		return key{"FROM " + quoted, func(m *modelMessage) bool { return has(m.from+" <a@example.org>", word) }}
	case 11:
		return key{"SUBJECT " + quoted, func(m *modelMessage) bool { return has(m.subject, word) }}
	case 12:
		return key{"BODY " + quoted, func(m *modelMessage) bool { return has(m.body, word) }}
	case 13:
		return key{"TEXT " + quoted, func(m *modelMessage) bool { return has(m.body+"|"+m.subject+"|"+m.from+"|"+lawFixed, word) }}
	case 14:
		return key{fmt.Sprintf("%d:%d", a, b), func(m *modelMessage) bool { return m.seq >= lo && m.seq <= hi }}
	case 15:
		return key{fmt.Sprintf("UID %d,%d:*", a, b), func(m *modelMessage) bool {
			return m.seq == a || m.seq >= min(b, n)
		}}
	case 16:
		return key{"ALL", func(*modelMessage) bool { return true }}
	case 17:
		k := randomKey(r, depth-1, n)
		return key{"NOT " + k.text, func(m *modelMessage) bool { return !k.match(m) }}
	case 18, 19:
		k, l := randomKey(r, depth-1, n), randomKey(r, depth-1, n)
		return key{"OR " + k.text + " " + l.text, func(m *modelMessage) bool { return k.match(m) || l.match(m) }}
	}
	k := both(randomKey(r, depth-1, n), randomKey(r, depth-1, n))
	return key{"(" + k.text + ")", k.match}
}

func both(k, l key) key {
	return key{k.text + " " + l.text, func(m *modelMessage) bool { return k.match(m) && l.match(m) }}
}

// lawFixed is what all the headers hold beside From and Subject.
const lawFixed = "Content-Type: text/plain; charset=utf-8 Content-Transfer-Encoding: 8bit Date: Mon, 2006 Mar From: Subject: @example.org"

// TestSearchLaw: what SEARCH finds is what a naive reader of the same messages finds, whatever the keys.
func TestSearchLaw(t *testing.T) {
	const n = 40
	r := rand.New(rand.NewPCG(1, 2))
	c := dial(t, testkit.Start(t, testkit.Options{}))
	var mailbox []*modelMessage
	for i := range n {
		m := &modelMessage{seq: i + 1, from: words(r), subject: words(r), body: strings.Repeat(words(r)+"\r\n", 1+r.IntN(20))}
		for _, f := range lawFlags {
			if r.IntN(2) == 0 {
				m.flags = append(m.flags, f)
			}
		}
		m.internal = time.Date(2026, 3, 1+r.IntN(20), r.IntN(24), 0, 0, 0, time.Local)
		m.sent = time.Date(2026, 3, 1+r.IntN(20), r.IntN(24), 0, 0, 0, time.FixedZone("", (r.IntN(25)-12)*3600))
		text := fmt.Sprintf("From: %s <a@example.org>\r\nSubject: %s\r\nDate: %s\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n%s",
			mime.QEncoding.Encode("utf-8", m.from), mime.BEncoding.Encode("utf-8", m.subject), m.sent.Format(time.RFC1123Z), m.body)
		m.size = len(text)
		c.do(fmt.Sprintf("APPEND INBOX (%s) %s {%d+}\r\n%s", strings.Join(m.flags, " "), m.internal.Format(`"02-Jan-2006 15:04:05 -0700"`), len(text), text))
		mailbox = append(mailbox, m)
	}
	c.do("SELECT INBOX")
	for range 1500 {
		k := randomKey(r, 4, n)
		if r.IntN(2) == 0 {
			k = both(k, randomKey(r, 2, n))
		}
		want := "* SEARCH"
		for _, m := range mailbox {
			if k.match(m) {
				want += fmt.Sprint(" ", m.seq)
			}
		}
		if got := strings.TrimSpace(c.ask("SEARCH CHARSET UTF-8 " + k.text)); got != want {
			t.Fatalf("SEARCH %s\n got %s\nwant %s", k.text, got, want)
		}
	}
}
