package clienttest

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"bascule/internal/testkit"
	"bascule/maildir"
)

const syncedMessages = 5000

// mbsync syncs 5,000 messages both ways, is killed again and again on the way, and in the
// end both sides have the same messages with the same flags, each once.
func TestMbsyncInterruptedAndResumed(t *testing.T) {
	s := start(t, "mbsync")
	m := &syncing{t: t, s: s, dir: t.TempDir()}
	m.mbsync()
	m.fill(syncedMessages)

	for _, kills := range []int{400, 1500, 3200} {
		m.killAfter(kills)
	}
	m.sync()
	m.compare(syncedMessages + len(messages))

	// Both sides change: new mail, flags, deletions.
	box := filepath.Join(m.dir, "mail", "INBOX")
	for i := range 120 {
		write(t, filepath.Join(box, "new", fmt.Sprintf("1800000000.%d.local", i)), text(fmt.Sprintf("local-%d", i)), 0o600)
	}
	local := m.local()
	names := make([]string, 0, len(local))
	for _, x := range local {
		names = append(names, x.path)
	}
	slices.Sort(names)
	for i, p := range names[:200] {
		base, _, _ := strings.Cut(p, ":2,")
		flags := "FS"
		if i%4 == 0 {
			flags = "ST"
		}
		if err := os.Rename(p, base+":2,"+flags); err != nil {
			t.Fatal(err)
		}
	}
	m.remote(func(inbox *maildir.Mailbox) {
		uids := func(from, n int) (out []maildir.UID) {
			for i := range n {
				out = append(out, inbox.Snapshot().At(from+i).UID)
			}
			return out
		}
		doomed := uids(3000, 150)
		if _, err := inbox.Store(t.Context(), doomed, maildir.StoreOp{Mode: maildir.StoreAdd, Flags: []string{`\Deleted`}}); err != nil {
			t.Fatal(err)
		}
		if _, err := inbox.Expunge(t.Context(), doomed); err != nil {
			t.Fatal(err)
		}
		if _, err := inbox.Store(t.Context(), uids(4000, 100), maildir.StoreOp{Mode: maildir.StoreAdd, Flags: []string{`\Answered`, `\Seen`}}); err != nil {
			t.Fatal(err)
		}
	})
	m.fill(80)
	m.killAfter(10)
	m.sync()
	m.sync()
	m.compare(syncedMessages + len(messages) + 120 - 50 - 150 + 80)
}

// syncing is a program that keeps a Maildir in step with both@example.org: dir/mail/INBOX.
type syncing struct {
	t    *testing.T
	s    *testkit.Server
	dir  string
	made int
	run  []string
}

func (m *syncing) folders() {
	for _, d := range []string{"mail", "state"} {
		if err := os.Mkdir(filepath.Join(m.dir, d), 0o700); err != nil {
			m.t.Fatal(err)
		}
	}
}

func (m *syncing) mbsync() {
	m.folders()
	rc := filepath.Join(m.dir, "rc")
	m.run = []string{"mbsync", "-c", rc, "all"}
	// FSync: a killed program, unlike a power failure, does not lose what it wrote.
	write(m.t, rc, fmt.Sprintf(`FSync no

IMAPStore far
Host 127.0.0.1
Port %s
User both@example.org
Pass demo
SSLType None

MaildirStore near
Path %[2]s/mail/
Inbox %[2]s/mail/INBOX
SubFolders Verbatim

Channel all
Far :far:
Near :near:
Patterns *
Create Both
Expunge Both
Sync All
SyncState %[2]s/state/
`, port(m.s, "imap"), m.dir), 0o600)
}

func text(id string) string {
	return "From: a@example.org\nSubject: numbered\nX-Number: " + id + "\nMessage-ID: <" + id + "@example.org>\n\nbody of " + id + "\n"
}

// fill delivers n more messages.
func (m *syncing) fill(n int) {
	m.remote(func(inbox *maildir.Mailbox) {
		for n > 0 {
			part := min(n, 500)
			var in []maildir.Incoming
			for range part {
				m.made++
				in = append(in, maildir.Incoming{R: strings.NewReader(strings.ReplaceAll(text(fmt.Sprintf("far-%d", m.made)), "\n", "\r\n"))})
			}
			if _, err := inbox.Append(m.t.Context(), in); err != nil {
				m.t.Fatal(err)
			}
			n -= part
		}
	})
}

// remote opens the server's INBOX.
func (m *syncing) remote(fn func(*maildir.Mailbox)) {
	m.t.Helper()
	a, err := m.s.Store.Account(m.t.Context(), "both@example.org", maildir.Policy{})
	if err != nil {
		m.t.Fatal(err)
	}
	defer a.Close()
	inbox, err := a.Mailbox(m.t.Context(), maildir.Inbox)
	if err != nil {
		m.t.Fatal(err)
	}
	defer inbox.Close()
	fn(inbox)
}

func (m *syncing) command() *exec.Cmd {
	cmd := exec.CommandContext(m.t.Context(), m.run[0], m.run[1:]...)
	cmd.Env = append(os.Environ(), "HOME="+m.dir)
	return cmd
}

// killAfter kills a run when it has stored so many messages more, and waits until the server is done with it: what the run had sent before
// its end is carried out all the same, and the next run must not look at the mailbox in the midst of that.
func (m *syncing) killAfter(n int) {
	m.t.Helper()
	want := m.count() + n
	cmd := m.command()
	if err := cmd.Start(); err != nil {
		m.t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ended:
			return // it was quicker
		case <-tick.C:
			if m.count() >= want {
				cmd.Process.Kill()
				<-ended
				for m.s.Gate.Count() > 0 {
					<-tick.C
				}
				return
			}
		}
	}
}

func (m *syncing) sync() {
	m.t.Helper()
	out, err := m.command().CombinedOutput()
	if err != nil {
		m.t.Fatalf("%s: %v\n%s", m.run[0], err, out)
	}
}

// count is the number of files, without their names in order: it is asked while the program under watch wants the processor.
func (m *syncing) count() (n int) {
	for _, d := range []string{"new", "cur"} {
		dir, err := os.Open(filepath.Join(m.dir, "mail", "INBOX", d))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			m.t.Fatal(err)
		}
		names, err := dir.Readdirnames(-1)
		dir.Close()
		if err != nil {
			m.t.Fatal(err)
		}
		n += len(names)
	}
	return n
}

func (m *syncing) files() []string {
	a, _ := filepath.Glob(filepath.Join(m.dir, "mail", "INBOX", "new", "*"))
	b, _ := filepath.Glob(filepath.Join(m.dir, "mail", "INBOX", "cur", "*"))
	return append(a, b...)
}

type localMessage struct{ path, id, flags string }

var number = regexp.MustCompile(`(?m)^(?:X-Number|Message-ID): <?([^@>\r\n]+)`)

func (m *syncing) local() (out []localMessage) {
	for _, p := range m.files() {
		b, err := os.ReadFile(p)
		if err != nil {
			m.t.Fatal(err)
		}
		_, flags, _ := strings.Cut(p, ":2,")
		id := number.FindSubmatch(b)
		if id == nil {
			m.t.Fatalf("a message without a number: %.200q", b)
		}
		out = append(out, localMessage{p, string(id[1]), flags})
	}
	return out
}

// compare checks that both sides have the same messages, each once, with equal flags.
func (m *syncing) compare(want int) {
	m.t.Helper()
	near := map[string]string{}
	for _, x := range m.local() {
		if _, twice := near[x.id]; twice {
			m.t.Errorf("%s is there twice locally", x.id)
		}
		near[x.id] = x.flags
	}
	far := map[string]string{}
	m.remote(func(inbox *maildir.Mailbox) {
		for _, x := range inbox.Snapshot().All() {
			b, err := inbox.Open(m.t.Context(), x)
			if err != nil {
				m.t.Fatal(err)
			}
			var buf bytes.Buffer
			if _, err := b.WriteRange(&buf, 0, b.Size()); err != nil {
				m.t.Fatal(err)
			}
			b.Close()
			id := string(number.FindSubmatch(buf.Bytes())[1])
			if _, twice := far[id]; twice {
				m.t.Errorf("%s is there twice on the server", id)
			}
			far[id] = letters(inbox.Snapshot().FlagNames(x.Flags))
		}
	})
	if len(near) != want || len(far) != want {
		m.t.Fatalf("%d messages locally, %d on the server, want %d", len(near), len(far), want)
	}
	for id, flags := range far {
		if n, ok := near[id]; !ok || n != flags {
			m.t.Errorf("%s has flags %q locally (there: %v), %q on the server", id, n, ok, flags)
		}
	}
}

func letters(names []string) string {
	var out []byte
	for _, n := range names {
		switch n {
		case `\Seen`:
			out = append(out, 'S')
		case `\Answered`:
			out = append(out, 'R')
		case `\Flagged`:
			out = append(out, 'F')
		case `\Deleted`:
			out = append(out, 'T')
		}
	}
	slices.Sort(out)
	return string(out)
}
