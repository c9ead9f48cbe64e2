package lmtp_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"bascule/internal/deliver"
	"bascule/internal/testkit"
	"bascule/maildir"
	"bascule/maildir/disk"
)

// mta is a client for tests that no script can express.
type mta struct {
	t    *testing.T
	conn net.Conn
	in   *bufio.Reader
}

func dial(t *testing.T, s *testkit.Server) *mta {
	t.Helper()
	conn, err := net.Dial("tcp", s.Target().Addrs["lmtp"])
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(time.Minute))
	m := &mta{t, conn, bufio.NewReader(conn)}
	m.want("220 ")
	m.send("LHLO mta.example.org")
	m.want("250 ")
	return m
}

func (m *mta) send(format string, args ...any) {
	m.t.Helper()
	if _, err := fmt.Fprintf(m.conn, format+"\r\n", args...); err != nil {
		m.t.Fatal(err)
	}
}

// want reads a reply, which may have several lines; its last must begin like this.
func (m *mta) want(prefix string) {
	m.t.Helper()
	for {
		line, err := m.in.ReadString('\n')
		if err != nil {
			m.t.Fatalf("%v, wanted %q", err, prefix)
		}
		if len(line) > 3 && line[3] == '-' {
			continue
		}
		if !strings.HasPrefix(line, prefix) {
			m.t.Fatalf("got %q, wanted %q", line, prefix)
		}
		return
	}
}

// begin goes as far as the message.
func (m *mta) begin(recipients ...string) {
	m.t.Helper()
	m.send("MAIL FROM:<a@b.example>")
	m.want("250 ")
	for _, r := range recipients {
		m.send("RCPT TO:<%s>", r)
		m.want("250 ")
	}
	m.send("DATA")
	m.want("354 ")
}

func count(t *testing.T, s *testkit.Server, address string) int {
	t.Helper()
	a, err := s.Account(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	st, err := a.Status(t.Context(), maildir.Inbox, false)
	if err != nil {
		t.Fatal(err)
	}
	return st.Messages
}

// files counts what lies in an account's tmp, new and cur.
func files(t *testing.T, s *testkit.Server, address string) int {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(disk.AccountDir(s.Dir, address), "Maildir", "*", "*.*"))
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, f := range found {
		switch filepath.Base(filepath.Dir(f)) {
		case "tmp", "new", "cur":
			n++
		}
	}
	return n
}

// A client that sends everything at once, commands, messages and the commands behind them, gets its answers in step, and
// what it sent as a message is none of the commands.
func TestEverythingAtOnce(t *testing.T) {
	s := testkit.Start(t, testkit.Options{})
	for _, size := range []int{0, 3000, 4096, 100_000} {
		m := dial(t, s)
		var all strings.Builder
		message := "Subject: x\r\n\r\n..\r\nNOOP\r\n" + strings.Repeat("0123456789abcd\r\n", size/16) + ".\r\n"
		for _, to := range []string{"<both@example.org>", "<nobody@example.org>", "<both@example.org>"} {
			all.WriteString("MAIL FROM:<a@b.example>\r\nRCPT TO:" + to + "\r\nRCPT TO:<pop@example.org>\r\nDATA\r\n" + message + "NOOP\r\n")
		}
		all.WriteString("QUIT")
		m.send("%s", all.String())
		for _, first := range []string{"250 ", "550 ", "250 "} {
			m.want("250 ") // MAIL
			m.want(first)
			m.want("250 ")
			m.want("354 ")
			if first == "250 " {
				m.want("250 ")
			}
			m.want("250 ") // pop
			m.want("250 ") // NOOP
		}
		m.want("221 ")
	}
	if got, want := count(t, s, "both@example.org"), 8; got != want {
		t.Errorf("%d messages, want %d", got, want)
	}
	if got, want := count(t, s, "pop@example.org"), 12; got != want {
		t.Errorf("%d messages, want %d", got, want)
	}
}

// A connection that breaks before the final dot delivers nothing and leaves nothing, however many recipients there are and
// however much has come.
func TestBrokenConnectionDeliversNothing(t *testing.T) {
	s := testkit.Start(t, testkit.Options{})
	for _, recipients := range [][]string{{"both@example.org"}, {"both@example.org", "pop@example.org"}} {
		for _, size := range []int{10, 1 << 20} {
			m := dial(t, s)
			m.begin(recipients...)
			m.send("Subject: broken\r\n\r\n%s", strings.Repeat("0123456789abcde\n", size/16))
			m.conn.Close()
		}
	}
	if err := s.Stop(); err != nil { // waits for the connections
		t.Fatal(err)
	}
	for _, a := range []string{"both@example.org", "pop@example.org"} {
		if n := count(t, s, a); n != 0 {
			t.Errorf("%s has %d messages", a, n)
		}
		if n := files(t, s, a); n != 0 {
			t.Errorf("%s has %d files", a, n)
		}
	}
}

// A stopping server takes the message that it is being given to its end, and says 421 to all else.
func TestStopWaitsForTheMessage(t *testing.T) {
	s := testkit.Start(t, testkit.Options{})
	idle, busy := dial(t, s), dial(t, s)
	busy.begin("both@example.org", "pop@example.org")
	busy.send("Subject: half")
	stopped := make(chan error)
	go func() { stopped <- s.Stop() }()
	idle.want("421 ")
	busy.send("\r\nother half\r\n.")
	busy.want("250 ")
	busy.want("250 ")
	busy.want("421 ")
	if err := <-stopped; err != nil {
		t.Fatal(err)
	}
	if n := count(t, s, "both@example.org"); n != 1 {
		t.Errorf("%d messages", n)
	}
}

// fullFS is a disk that becomes full.
type fullFS struct {
	disk.FS
	full atomic.Bool
}

type fullFile struct {
	disk.File
	fs *fullFS
}

func (f fullFile) Write(p []byte) (int, error) {
	if f.fs.full.Load() {
		return 0, &os.PathError{Op: "write", Path: f.Name(), Err: syscall.ENOSPC}
	}
	return f.File.Write(p)
}

func (f *fullFS) Create(path string, perm os.FileMode) (disk.File, error) {
	file, err := f.FS.Create(path, perm)
	if err != nil {
		return nil, err
	}
	return fullFile{file, f}, nil
}

// A full disk is "try again" for each recipient; nothing is left behind, the connection goes on, and later the message is taken.
func TestDiskFull(t *testing.T) {
	full := &fullFS{FS: disk.OS}
	s := testkit.Start(t, testkit.Options{Store: maildir.Options{FS: full}})
	for _, recipients := range [][]string{{"both@example.org"}, {"both@example.org", "pop@example.org"}} {
		m := dial(t, s)
		full.full.Store(true)
		m.begin(recipients...)
		m.send("Subject: x\r\n\r\n%s\r\n.", strings.Repeat("x", 100_000))
		for range recipients {
			m.want("452 4.3.1")
		}
		for _, r := range recipients {
			if n := files(t, s, r); n != 0 && len(recipients) == 1 {
				t.Errorf("%s has %d files", r, n)
			}
		}
		full.full.Store(false)
		m.begin(recipients...)
		m.send("Subject: x\r\n\r\ny\r\n.")
		for range recipients {
			m.want("250 ")
		}
		m.send("QUIT")
		m.want("221 ")
	}
	if n := files(t, s, "both@example.org"); n != 2 {
		t.Errorf("%d files", n)
	}
}

// While the disk is nearly full recipients are refused before the message is sent.
func TestNearlyFullDisk(t *testing.T) {
	var nearly atomic.Bool
	s := testkit.Start(t, testkit.Options{Store: maildir.Options{MinFree: 1 << 20, FreeSpace: func(string) (int64, int64, error) {
		if nearly.Load() {
			return 1<<20 - 1, 1 << 40, nil
		}
		return 1 << 20, 1 << 40, nil
	}}})
	m := dial(t, s)
	nearly.Store(true)
	m.send("MAIL FROM:<a@example.net>")
	m.want("250")
	m.send("RCPT TO:<both@example.org>")
	m.want("452 4.3.1")
	nearly.Store(false)
	m.send("RCPT TO:<both@example.org>")
	m.want("250")
	m.send("DATA")
	m.want("354")
	m.send("Subject: x\r\n\r\ny\r\n.")
	m.want("250")
}

const letters = "0123456789 abcdefghijklmnopqrstuvwxyz\r\n"

// Fifty recipients of a large message get a copy each, and the server holds none of it in memory.
func TestManyRecipientsBoundedMemory(t *testing.T) {
	const recipients, size = 50, 100_000 * len(letters)
	var users, to []string
	for i := range recipients {
		to = append(to, fmt.Sprintf("u%d@example.org", i))
		users = append(users, to[i]+" both")
	}
	s := testkit.Start(t, testkit.Options{Users: users})
	// A small message first: opening an account has its own price.
	m := dial(t, s)
	m.begin(to...)
	m.send("Subject: small\r\n\r\nx\r\n.")
	for range to {
		m.want("250 ")
	}
	piece := strings.Repeat(letters, 1000)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	m.begin(to...)
	m.send("Subject: large\r\n")
	for range size / (1000 * len(letters)) {
		if _, err := io.WriteString(m.conn, piece); err != nil {
			t.Fatal(err)
		}
	}
	m.send("\r\n.")
	for range to {
		m.want("250 ")
	}
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; got > 6*uint64(size) {
		t.Errorf("%d MiB were allocated for %d copies of %d MiB", got>>20, recipients, size>>20)
	}
	for _, a := range []string{to[0], to[recipients-1]} {
		if n := count(t, s, a); n != 2 {
			t.Errorf("%s has %d messages", a, n)
		}
	}
}

// What is read from a pipe is delivered whole or not at all: its error is the caller's.
func TestDeliverPassesTheSourcesError(t *testing.T) {
	s := testkit.Start(t, testkit.Options{})
	r, err := s.Deliverer.Resolve(context.Background(), "both@example.org")
	if err != nil {
		t.Fatal(err)
	}
	broken := errors.New("the pipe broke")
	err = s.Deliverer.Deliver(t.Context(), r, deliver.Envelope{At: time.Now()}, io.MultiReader(strings.NewReader("Subject: x\n\nhalf"), failing{broken}), true)
	if !errors.Is(err, broken) {
		t.Error(err)
	}
	if n := files(t, s, "both@example.org"); n != 0 {
		t.Errorf("%d files", n)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }
