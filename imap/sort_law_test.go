package imap_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"mime"
	"slices"
	"strings"
	"testing"
	"time"

	"bascule/internal/testkit"
)

// lawKeys is what the keys of SORT compare, said as simply as can be. Texts are in capitals already.
var lawKeys = map[string]func(a, b *modelMessage) int{
	"ARRIVAL": func(a, b *modelMessage) int { return a.internal.Compare(b.internal) },
	"DATE":    func(a, b *modelMessage) int { return a.sent.Compare(b.sent) },
	"SIZE":    func(a, b *modelMessage) int { return cmp.Compare(a.size, b.size) },
	"SUBJECT": func(a, b *modelMessage) int { return strings.Compare(upper(a.subject), upper(b.subject)) },
	"FROM":    func(a, b *modelMessage) int { return strings.Compare(upper(a.body), upper(b.body)) },
	"DISPLAYFROM": func(a, b *modelMessage) int {
		return strings.Compare(upper(a.from), upper(b.from))
	},
}

// upper is the order of capitals as far as the vocabulary needs it: letters with an accent begin as the letter without, and follow it.
func upper(s string) string {
	return strings.ReplaceAll(strings.ToUpper(s), "Ü", "U\u0308")
}

// TestSortLaw: SORT gives what a naive search and a naive sort give, whatever the keys, in both forms of the answer.
func TestSortLaw(t *testing.T) {
	const n = 60
	r := rand.New(rand.NewPCG(5, 6))
	c := dial(t, testkit.Start(t, testkit.Options{}))
	var mailbox []*modelMessage
	for i := range n {
		m := &modelMessage{seq: i + 1, from: words(r), subject: words(r), body: string(rune('a'+r.IntN(3))) + string(rune('X'+r.IntN(3)))}
		m.internal = time.Date(2026, 3, 1+r.IntN(3), r.IntN(24), 0, 0, 0, time.UTC)
		m.sent = time.Date(2026, 3, 1+r.IntN(3), r.IntN(24), 0, 0, 0, time.FixedZone("", (r.IntN(25)-12)*3600))
		date := "Date: " + m.sent.Format(time.RFC1123Z) + "\r\n"
		if r.IntN(6) == 0 {
			date, m.sent = "", m.internal
		}
		if r.IntN(2) == 0 {
			m.flags = []string{`\Seen`}
		}
		prefix := []string{"", "Re: ", "[x] fwd: "}[r.IntN(3)]
		text := fmt.Sprintf("From: %s <%s@example.org>\r\nSubject: %s%s\r\n%s\r\n%s", mime.QEncoding.Encode("utf-8", m.from), m.body, prefix, mime.QEncoding.Encode("utf-8", m.subject), date,
			strings.Repeat("x", r.IntN(5)))
		m.size = len(text)
		c.do(fmt.Sprintf("APPEND INBOX (%s) %s {%d+}\r\n%s", strings.Join(m.flags, " "), m.internal.Format(`"02-Jan-2006 15:04:05 -0700"`), len(text), text))
		mailbox = append(mailbox, m)
	}
	c.do("SELECT INBOX")
	names := make([]string, 0, len(lawKeys))
	for name := range lawKeys {
		names = append(names, name)
	}
	slices.Sort(names)
	for range 400 {
		var keys []string
		var by []func(a, b *modelMessage) int
		for range 1 + r.IntN(3) {
			name := names[r.IntN(len(names))]
			f := lawKeys[name]
			if r.IntN(2) == 0 {
				name = "REVERSE " + name
				up := f
				f = func(a, b *modelMessage) int { return up(b, a) }
			}
			keys, by = append(keys, name), append(by, f)
		}
		want := slices.Clone(mailbox)
		search := "ALL"
		if r.IntN(2) == 0 {
			search = "UNSEEN"
			want = slices.DeleteFunc(want, func(m *modelMessage) bool { return len(m.flags) > 0 })
		}
		slices.SortStableFunc(want, func(a, b *modelMessage) int {
			for _, f := range by {
				if c := f(a, b); c != 0 {
					return c
				}
			}
			return 0
		})
		list := ""
		for _, m := range want {
			list += fmt.Sprint(" ", m.seq)
		}
		command := fmt.Sprintf("(%s) UTF-8 %s", strings.Join(keys, " "), search)
		if got := strings.TrimSpace(c.ask("SORT " + command)); got != "* SORT"+list {
			t.Fatalf("SORT %s\n got %s\nwant * SORT%s", command, got, list)
		}
		_, set, _ := strings.Cut(strings.TrimSpace(c.ask("UID SORT RETURN (ALL) "+command)), " ALL ")
		if got := expand(t, set); got != list {
			t.Fatalf("UID SORT RETURN (ALL) %s\n got %s\nwant%s", command, got, list)
		}
	}
}

// expand writes every number of a set, each behind a blank.
func expand(t *testing.T, set string) string {
	t.Helper()
	out := ""
	for part := range strings.SplitSeq(set, ",") {
		var lo, hi int
		if n, _ := fmt.Sscanf(part, "%d:%d", &lo, &hi); n == 1 {
			hi = lo
		}
		if lo == 0 || hi < lo {
			t.Fatalf("%q in the set %q", part, set)
		}
		for ; lo <= hi; lo++ {
			out += fmt.Sprint(" ", lo)
		}
	}
	return out
}
