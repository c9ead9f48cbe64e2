package bench

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

const inotifyInstances = "/proc/sys/fs/inotify/max_user_instances"

// enoughInotify is what a thousand and more idling Dovecot processes need: each has an instance of its own, and without one it looks at its
// mailbox only every half minute, which would make a comparison unfair.
const enoughInotify = 16384

// pollsInsteadOf is an error if a server with a process for each session could not be told of changes in that many mailboxes at once.
func pollsInsteadOf(t Target, sessions int) error {
	b, err := os.ReadFile(inotifyInstances)
	if err != nil || t.Name != "dovecot" {
		return nil
	}
	if n, err := strconv.Atoi(strings.TrimSpace(string(b))); err == nil && n < sessions+10 {
		return fmt.Errorf("fs.inotify.max_user_instances is %d: Dovecot would poll every half minute; use --sysctl", n)
	}
	return nil
}

// raiseInotify raises the limit for the time of a run, if it may, and returns how to undo that.
func raiseInotify(may bool) (undo func(), warning string) {
	none := func() {}
	b, err := os.ReadFile(inotifyInstances)
	if err != nil {
		return none, ""
	}
	old := strings.TrimSpace(string(b))
	if n, err := strconv.Atoi(old); err != nil || n >= enoughInotify {
		return none, ""
	}
	warning = fmt.Sprintf("fs.inotify.max_user_instances is %s: with more idle sessions than that, Dovecot polls, and its delivery notices come late; --sysctl raises it while the benchmark runs", old)
	if !may {
		return none, warning
	}
	if err := os.WriteFile(inotifyInstances, []byte(strconv.Itoa(enoughInotify)), 0o644); err != nil {
		return none, warning + " (not allowed here)"
	}
	return func() { os.WriteFile(inotifyInstances, []byte(old), 0o644) }, ""
}
