package clienttest

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"bascule/internal/testkit"
	"bascule/internal/testkit/programs"
)

// messages are those that clients have stumbled over; what a client gets must be these, line by line.
var messages = []string{
	"From: a@example.org\nSubject: plain\nMessage-ID: <1@example.org>\n\nHello\n",
	"From: a@example.org\nSubject: dots\nMessage-ID: <2@example.org>\n\n.\n..\n.three\n...\nlast\n",
	"From: a@example.org\nSubject: =?utf-8?q?caf=C3=A9?=\nMessage-ID: <3@example.org>\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\ncaf\xc3\xa9 \xe2\x82\xac\n",
	"From: a@example.org\nSubject: no final newline\nMessage-ID: <4@example.org>\n\nends here",
	"From: a@example.org\nSubject: no body\nMessage-ID: <5@example.org>\n\n",
	"From: a@example.org\nSubject: large\nMessage-ID: <6@example.org>\n\n" + strings.Repeat("0123456789 abcdefghijklmnopqrstuvwxyz\n", 20000),
}

// start runs a server with the messages in both@example.org, dropped there by a foreign program.
func start(t *testing.T, program string) *testkit.Server {
	t.Helper()
	programs.Client(t, program)
	s := testkit.Start(t, testkit.Options{})
	for i, m := range messages {
		name := fmt.Sprintf("new/17000000%02d.M%dP1.host", i, i)
		if _, err := s.Act(t.Context(), []string{"drop", "both@example.org", name}, m); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// run runs a client in dir and gives its output.
func run(t *testing.T, dir string, program string, args ...string) []byte {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "HOME="+dir, "FETCHMAILHOME="+dir)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s %v: %v\n%s%s", program, args, err, out.Bytes(), errs.Bytes())
	}
	return out.Bytes()
}

// lines makes what a client stored comparable: line ends of its system, one final newline.
func lines(m string) string { return strings.TrimRight(strings.ReplaceAll(m, "\r\n", "\n"), "\n") }

// port is the port of a kind of connection.
func port(s *testkit.Server, kind string) string {
	addr := s.Target().Addrs[kind]
	return addr[strings.LastIndexByte(addr, ':')+1:]
}

// checkBodies compares messages, whose header a client may have added to, by their Message-ID and body.
func checkBodies(t *testing.T, got []string) {
	t.Helper()
	body := func(m string) string {
		_, b, _ := strings.Cut(lines(m)+"\n", "\n\n")
		return strings.TrimRight(b, "\n")
	}
	var want, have []string
	for _, m := range messages {
		want = append(want, body(m))
	}
	for _, m := range got {
		have = append(have, body(m))
	}
	slices.Sort(want)
	slices.Sort(have)
	if !slices.Equal(want, have) {
		t.Fatalf("got %d messages, want %d, or their bodies differ:\n%.2000q", len(have), len(want), have)
	}
}

// empty checks that the client has deleted everything.
func empty(t *testing.T, s *testkit.Server) {
	t.Helper()
	got := string(run(t, t.TempDir(), "curl", "-sS", "-u", "both@example.org:demo", "pop3://127.0.0.1:"+port(s, "pop3")+"/"))
	if strings.TrimSpace(got) != "" {
		t.Fatalf("the mailbox still lists:\n%s", got)
	}
}

// maildirFiles reads what a client delivered to a Maildir.
func maildirFiles(t *testing.T, dir string) (got []string) {
	t.Helper()
	paths, _ := filepath.Glob(filepath.Join(dir, "new", "*"))
	for _, p := range paths {
		data, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, string(data))
	}
	return got
}
