package imap_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bascule/internal/testkit"
	"bascule/maildir/disk"
)

// benchClient starts a server with n messages in INBOX, as another program would have delivered them, and selects it.
func benchClient(b *testing.B, n int) *rawClient {
	b.Helper()
	s := testkit.Start(b, testkit.Options{})
	cur := filepath.Join(disk.AccountDir(s.Dir, "imap@example.org"), "Maildir", "cur")
	for _, sub := range []string{"cur", "new", "tmp"} {
		if err := os.MkdirAll(filepath.Join(filepath.Dir(cur), sub), 0o700); err != nil {
			b.Fatal(err)
		}
	}
	for i := range n {
		text := fmt.Sprintf("From: Sender %d <s%d@example.org>\r\nTo: imap@example.org\r\nSubject: message number %d of the benchmark\r\n"+
			"Date: Mon, 1 Jun 2026 10:00:00 +0200\r\nMessage-ID: <%d@example.org>\r\nReceived: from a by b\r\n\r\nThis is message %d.\r\n%s", i%100, i%100, i, i, i,
			strings.Repeat("Some words to fill the lines with, as there are in any letter.\r\n", 20))
		name := fmt.Sprintf("%d.M1P1.host,S=%d,W=%d:2,%s", 1_700_000_000+i*60, len(text), len(text), []string{"", "S", "FS"}[i%3])
		if err := os.WriteFile(filepath.Join(cur, name), []byte(text), 0o600); err != nil {
			b.Fatal(err)
		}
	}
	c := dial(b, s)
	c.do("SELECT INBOX")
	c.do("FETCH 1:* (RFC822.SIZE)")
	return c
}

func benchCommands(b *testing.B, n int, commands [][2]string) {
	if testing.Short() {
		b.Skip("needs many files")
	}
	c := benchClient(b, n)
	for _, nc := range commands {
		name, command := nc[0], nc[1]
		b.Run(name, func(b *testing.B) {
			c.do(command) // what is read once is read before
			b.ReportAllocs()
			b.ResetTimer()
			for range b.N {
				b.SetBytes(int64(c.do(command)))
			}
		})
	}
}

// BenchmarkFetch is FETCH over a mailbox of 100,000 messages.
func BenchmarkFetch(b *testing.B) {
	benchCommands(b, 100_000, [][2]string{
		{"flags", "UID FETCH 1:* (FLAGS)"},
		{"fast", "FETCH 1:* FAST"},
		{"envelope", "FETCH 1:* (UID ENVELOPE)"},
		{"headers", "FETCH 1:* (UID BODY.PEEK[HEADER.FIELDS (From To Subject Date)])"},
		{"bodies", "FETCH 1:10000 (BODY.PEEK[])"},
	})
}

// BenchmarkFetchList is what mail programs list a mailbox of 1,000 messages by.
func BenchmarkFetchList(b *testing.B) {
	benchCommands(b, 1_000, [][2]string{
		{"all", "FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE BODY.PEEK[HEADER.FIELDS (From To Subject Date Message-ID In-Reply-To References)])"},
		{"envelope", "FETCH 1:* ENVELOPE"},
		{"structure", "FETCH 1:* BODYSTRUCTURE"},
		{"fields", "FETCH 1:* BODY.PEEK[HEADER.FIELDS (From To Subject Date Message-ID In-Reply-To References)]"},
		{"date", "FETCH 1:* INTERNALDATE"},
	})
}

// BenchmarkSelect is SELECT of a mailbox that the same session had selected before.
func BenchmarkSelect(b *testing.B) {
	benchCommands(b, 3_000, [][2]string{{"again", "SELECT INBOX"}, {"noop", "NOOP"}})
}

// BenchmarkSearch is SEARCH over a mailbox of 50,000 messages.
func BenchmarkSearch(b *testing.B) {
	benchCommands(b, 50_000, [][2]string{
		{"flags", "SEARCH UNSEEN UNDELETED"},
		{"dates", "SEARCH SINCE 1-Jan-2024 NOT FLAGGED"},
		{"one uid", "UID SEARCH UID 77 SEEN"},
		{"header", `SEARCH OR FROM "sender 42 " SUBJECT "number 4242 "`},
		{"text", `SEARCH 1:5000 TEXT "message 777."`},
		{"body", `SEARCH 1:5000 BODY "message 777."`},
	})
}

// BenchmarkSort is SORT and THREAD over a mailbox of 100,000 messages.
func BenchmarkSort(b *testing.B) {
	benchCommands(b, 100_000, [][2]string{
		{"envelope", "FETCH 1:* (UID ENVELOPE)"}, // for comparison
		{"arrival", "SORT (REVERSE ARRIVAL) UTF-8 ALL"},
		{"date", "SORT (DATE) UTF-8 ALL"},
		{"subject", "UID SORT (SUBJECT REVERSE DATE) UTF-8 ALL"},
		{"from", "SORT (DISPLAYFROM SIZE) UTF-8 ALL"},
		{"thread subject", "THREAD ORDEREDSUBJECT UTF-8 ALL"},
		{"thread references", "UID THREAD REFERENCES UTF-8 ALL"},
	})
}

// BenchmarkResync is SELECT (QRESYNC) of a mailbox of 100,000 messages after ten changes: five flags, three arrivals, two expunges.
func BenchmarkResync(b *testing.B) {
	if testing.Short() {
		b.Skip("needs many files")
	}
	const n = 100_000
	other := benchClient(b, n)
	back := dialAddr(b, other.nc.RemoteAddr().String())
	back.do("ENABLE QRESYNC")
	answer := back.ask("SELECT INBOX")
	b.ReportAllocs()
	octets, round := 0, 0
	for b.Loop() {
		b.StopTimer()
		back.do("UNSELECT")
		other.do(fmt.Sprintf("STORE %d:%d FLAGS.SILENT ($round%d)", 1+round*5%(n/2), 5+round*5%(n/2), round%7))
		for range 3 {
			other.do("APPEND INBOX {10+}\r\na: b\r\n\r\nc\r\n")
		}
		other.do(fmt.Sprintf(`STORE %d:%d +FLAGS.SILENT (\Deleted)`, n-1, n))
		other.do("EXPUNGE")
		round++
		validity, modSeq := between(answer, "[UIDVALIDITY ", "]"), between(answer, "[HIGHESTMODSEQ ", "]")
		b.StartTimer()
		answer = back.ask(fmt.Sprintf("SELECT INBOX (QRESYNC (%s %s))", validity, modSeq))
		octets += len(answer)
	}
	b.ReportMetric(float64(octets)/float64(b.N), "octets/op")
}

func between(s, before, after string) string {
	_, s, _ = strings.Cut(s, before)
	s, _, _ = strings.Cut(s, after)
	return s
}
