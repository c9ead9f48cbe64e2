package clienttest

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"bascule/maildir"
)

// offlineimap syncs both ways, is killed on the way, and in the end both sides have the same messages with the same flags, each once.
func TestOfflineimapInterruptedAndResumed(t *testing.T) {
	s := start(t, "offlineimap")
	m := &syncing{t: t, s: s, dir: t.TempDir()}
	m.offlineimap()
	m.fill(300)
	m.killAfter(100)
	m.sync()
	m.compare(300 + len(messages))

	for i := range 20 {
		write(t, filepath.Join(m.dir, "mail", "INBOX", "new", fmt.Sprintf("1800000000_%d.1.local", i)), text(fmt.Sprintf("local-%d", i)), 0o600)
	}
	local := m.local()
	slices.SortFunc(local, func(a, b localMessage) int { return strings.Compare(a.id, b.id) })
	for _, x := range local[50:70] {
		base, _, _ := strings.Cut(x.path, ":2,")
		if err := os.Rename(x.path, strings.Replace(base, "/new/", "/cur/", 1)+":2,RS"); err != nil {
			t.Fatal(err)
		}
	}
	m.remote(func(inbox *maildir.Mailbox) {
		var doomed []maildir.UID
		for i := range 15 {
			doomed = append(doomed, inbox.Snapshot().At(220+i).UID)
		}
		store := func(uids []maildir.UID, flag string) {
			if _, err := inbox.Store(t.Context(), uids, maildir.StoreOp{Mode: maildir.StoreAdd, Flags: []string{flag}}); err != nil {
				t.Fatal(err)
			}
		}
		store(doomed, `\Deleted`)
		if _, err := inbox.Expunge(t.Context(), doomed); err != nil {
			t.Fatal(err)
		}
		store([]maildir.UID{inbox.Snapshot().At(260).UID, inbox.Snapshot().At(261).UID}, `\Flagged`)
	})
	if err := os.Remove(local[len(messages)].path); err != nil {
		t.Fatal(err)
	}
	m.fill(10)
	m.sync()
	m.sync()
	m.compare(300 + len(messages) + 20 - 15 - 1 + 10)
}

func (m *syncing) offlineimap() {
	m.folders()
	rc := filepath.Join(m.dir, "rc")
	m.run = []string{"offlineimap", "-o", "-c", rc, "-u", "basic"}
	write(m.t, rc, fmt.Sprintf(`[general]
accounts = both
metadata = %[2]s/state
maxsyncaccounts = 1

[Account both]
localrepository = near
remoterepository = far

[Repository near]
type = Maildir
localfolders = %[2]s/mail

[Repository far]
type = IMAP
remotehost = 127.0.0.1
remoteport = %[1]s
remoteuser = both@example.org
remotepass = demo
ssl = no
starttls = no
folderfilter = lambda name: name == 'INBOX'
expunge = yes
`, port(m.s, "imap"), m.dir), 0o600)
}
