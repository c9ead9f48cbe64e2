package imap_test

import (
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"bascule/internal/testkit"
	"bascule/maildir"
	"bascule/maildir/disk"
)

// While the disk is nearly full nothing is stored, and people can read and delete. The literal that is refused is not sent.
func TestNearlyFullDisk(t *testing.T) {
	var full atomic.Bool
	s := testkit.Start(t, testkit.Options{Store: maildir.Options{MinFree: 1 << 20, FreeSpace: func(string) (int64, int64, error) {
		if full.Load() {
			return 0, 1 << 40, nil
		}
		return 1 << 39, 1 << 40, nil
	}}})
	if _, err := s.Act(t.Context(), []string{"fill", "imap@example.org", "3"}, ""); err != nil {
		t.Fatal(err)
	}
	full.Store(true)
	c := dial(t, s)
	c.do("SELECT INBOX")
	tag := c.send("APPEND INBOX {100}")
	if got, want := string(c.line()), tag+"NO [UNAVAILABLE] The server's disk is full"; !strings.HasPrefix(got, want) {
		t.Errorf("APPEND: %q", got)
	}
	c.do("FETCH 1 BODY[]")
	c.do(`STORE 1 +FLAGS (\Deleted)`)
	if got := c.ask("EXPUNGE"); !strings.Contains(got, "* 1 EXPUNGE") {
		t.Errorf("EXPUNGE: %q", got)
	}
	full.Store(false)
	c.do("APPEND INBOX {2+}\r\n\r\n")
}

// fullDisk has no room for a directory.
type fullDisk struct{ disk.FS }

func (fullDisk) Mkdir(path string, _ os.FileMode) error {
	return &os.PathError{Op: "mkdir", Path: path, Err: syscall.ENOSPC}
}

// A login that finds no room to open the account says so, and the connection goes on.
func TestLoginOnFullDisk(t *testing.T) {
	s := testkit.Start(t, testkit.Options{Store: maildir.Options{FS: fullDisk{disk.OS}}})
	c, err := dialWire(s.Target().Addrs["imap"])
	if err != nil {
		t.Fatal(err)
	}
	defer c.net.Close()
	if got, err := c.finish("a", "LOGIN imap@example.org demo"); err != nil || !strings.HasPrefix(got, "NO [UNAVAILABLE] The server's disk is full") {
		t.Errorf("LOGIN: %q, %v", got, err)
	}
	if got, err := c.finish("b", "NOOP"); err != nil || !strings.HasPrefix(got, "OK") {
		t.Errorf("NOOP: %q, %v", got, err)
	}
}
