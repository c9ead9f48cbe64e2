package pop3_test

import (
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"bascule/internal/gate"
	"bascule/internal/testkit"
	"bascule/maildir"
	"bascule/maildir/disk"
)

// slowFS holds the removal of messages until it is let go.
type slowFS struct {
	disk.FS
	once    sync.Once
	reached chan struct{}
	release chan struct{}
}

func (f *slowFS) Remove(path string) error {
	if strings.Contains(path, "/Maildir/cur/") {
		f.once.Do(func() { close(f.reached) })
		<-f.release
	}
	return f.FS.Remove(path)
}

// inQuit runs fn while a QUIT that deletes two messages is being carried out; the client must hear +OK all the same and both must be gone.
func inQuit(t *testing.T, fn func(s *testkit.Server)) {
	slow := &slowFS{FS: disk.OS, reached: make(chan struct{}), release: make(chan struct{})}
	s := testkit.Start(t, testkit.Options{Store: maildir.Options{FS: slow}})
	if _, err := s.Act(t.Context(), []string{"fill", "both@example.org", "3"}, ""); err != nil {
		t.Fatal(err)
	}
	c := login(t, s, "both@example.org")
	c.do("+OK", "DELE 1")
	c.do("+OK", "DELE 3")
	c.send("QUIT")
	<-slow.reached
	var wg sync.WaitGroup
	wg.Add(1)
	go func() {
		defer wg.Done()
		fn(s)
	}()
	close(slow.release)
	c.want("+OK")
	wg.Wait()
	left, err := filepath.Glob(filepath.Join(disk.AccountDir(s.Dir, "both@example.org"), "Maildir", "cur", "*"))
	if err != nil || len(left) != 1 {
		t.Errorf("left: %q, %v", left, err)
	}
}

func TestStopWaitsForQuit(t *testing.T) {
	inQuit(t, func(s *testkit.Server) {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestEvictionDoesNotUndoQuit(t *testing.T) {
	inQuit(t, func(s *testkit.Server) { s.Gate.Kick(gate.Filter{}, "kicked") })
}

// What the client does shows in the list of sessions.
func TestSessionsTellOfActivity(t *testing.T) {
	s := testkit.Start(t, testkit.Options{})
	c := login(t, s, "both@example.org")
	before := s.Gate.Sessions(gate.Filter{})
	c.do("+OK", "NOOP")
	after := s.Gate.Sessions(gate.Filter{})
	if len(before) != 1 || len(after) != 1 || !after[0].Active.After(before[0].Active) || after[0].Mailbox != maildir.Inbox {
		t.Errorf("before %+v, after %+v", before, after)
	}
	c.do("+OK", "QUIT")
}
