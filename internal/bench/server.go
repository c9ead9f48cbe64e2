package bench

import (
	"context"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// server is one of the two that are compared. The methods are called by one goroutine.
type server interface {
	Name() string
	Version() string
	// Prepare makes accounts and empty Maildirs in a new directory. The server does not run.
	Prepare(ctx context.Context, dir string, boxes []Box) error
	Maildir(b Box) string
	// Start starts it, or starts it again, and waits until it answers.
	Start(ctx context.Context) error
	Stop() error
	PID() int
	Addrs() map[string]string
	// Log is what it wrote since it was started, for when something went wrong.
	Log() string
}

// newMaildir makes an empty Maildir that belongs to whom its parent belongs to.
func newMaildir(path string) error {
	for _, sub := range []string{"cur", "new", "tmp"} {
		if err := os.MkdirAll(filepath.Join(path, sub), 0o700); err != nil {
			return err
		}
	}
	return nil
}

// ownerOf gives files to the owner of a Maildir.
func ownerOf(maildir string) func(path string) error {
	info, err := os.Stat(maildir)
	if err != nil {
		return func(string) error { return err }
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok || os.Geteuid() != 0 {
		return func(string) error { return nil }
	}
	return func(path string) error { return os.Lchown(path, int(st.Uid), int(st.Gid)) }
}

// sharedOwner gives the template's files to the user whose mail Dovecot reads; ours runs as root then, and reads it as well.
func sharedOwner(path string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	nobody, err := user.Lookup("nobody")
	if err != nil {
		return nil
	}
	uid, _ := strconv.Atoi(nobody.Uid)
	gid, _ := strconv.Atoi(nobody.Gid)
	return os.Lchown(path, uid, gid)
}
