package pop3_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"bascule/internal/testkit"
	"bascule/maildir"
	"bascule/maildir/disk"
)

// openFS counts the messages that are opened.
type openFS struct {
	disk.FS
	opened atomic.Int64
}

func (f *openFS) Open(path string) (disk.File, error) {
	if dir := filepath.Base(filepath.Dir(path)); dir == "cur" || dir == "new" {
		f.opened.Add(1)
	}
	return f.FS.Open(path)
}

// large starts a server with so many messages in both@example.org, which another program has put there and the server has seen once.
func large(t testing.TB, messages int) (*testkit.Server, *openFS) {
	t.Helper()
	fs := &openFS{FS: disk.OS}
	s := testkit.Start(t, testkit.Options{Store: maildir.Options{FS: fs}})
	a, err := s.Account(context.Background(), "both@example.org")
	if err != nil {
		t.Fatal(err)
	}
	a.Close()
	box := filepath.Join(disk.AccountDir(s.Dir, "both@example.org"), "Maildir", "cur")
	const text = "From: a@example.org\r\nSubject: many\r\n\r\none of many\r\n"
	first := ""
	for i := range messages {
		path := filepath.Join(box, fmt.Sprintf("17%08d.M%dP1.host,S=%d,W=%[3]d:2,S", i, i, len(text)))
		// Links are made faster than files, but not every file system allows that many of one file.
		if i%10_000 != 0 && os.Link(first, path) == nil {
			continue
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		first = path
	}
	poll(t, s, messages)
	if n := fs.opened.Load(); n < int64(messages) {
		t.Fatalf("%d messages opened at first sight: the counter misses some", n)
	}
	return s, fs
}

// poll is what a client does that leaves mail on the server.
func poll(t testing.TB, s *testkit.Server, messages int) {
	t.Helper()
	c := login(t, s, "both@example.org")
	c.do(fmt.Sprintf("+OK %d ", messages), "STAT")
	for _, command := range []string{"UIDL", "LIST"} {
		c.do("+OK", "%s", command)
		lines := c.rest()
		if len(lines) != messages || !strings.HasPrefix(lines[messages-1], fmt.Sprint(messages, " ")) {
			t.Fatalf("%s has %d lines", command, len(lines))
		}
	}
	c.do("+OK", "QUIT")
}

// A maildrop of 50,000 messages logs in and lists without opening a message.
func TestLargeMaildropOpensNoMessage(t *testing.T) {
	messages := 50_000
	if testing.Short() {
		messages = 2000
	}
	s, fs := large(t, messages)
	before := fs.opened.Load()
	poll(t, s, messages)
	if n := fs.opened.Load() - before; n != 0 {
		t.Errorf("%d messages were opened", n)
	}
}

func BenchmarkPoll50000(b *testing.B) {
	s, fs := large(b, 50_000)
	before := fs.opened.Load()
	b.ResetTimer()
	for range b.N {
		poll(b, s, 50_000)
	}
	b.StopTimer()
	b.ReportMetric(float64(fs.opened.Load()-before)/float64(b.N), "opens/op")
}
