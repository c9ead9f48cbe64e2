package maildir

import "time"

// Exclusivity is how much of INBOX a POP3 session keeps from IMAP.
type Exclusivity string

const (
	// ExclusiveMailbox: IMAP commands that read or change INBOX wait. The default.
	ExclusiveMailbox Exclusivity = "mailbox"
	// ExclusiveRemoval: only what removes messages waits.
	ExclusiveRemoval Exclusivity = "removal"
	// ExclusiveSnapshot: IMAP does as it likes; files that POP3 still lists are kept
	// until its session ends.
	ExclusiveSnapshot Exclusivity = "snapshot"
)

// Policy is what applies to one account. The zero value means: exclusive mailbox, no
// quota, no waiting, no folders beside INBOX.
type Policy struct {
	Exclusivity Exclusivity
	// LockWait is how long an IMAP command waits while POP3 has the maildrop.
	LockWait time.Duration

	// QuotaBytes (on disk) and QuotaMessages are limits, 0 for none. What goes into
	// the Trash folder by COPY or MOVE may exceed them by GraceBytes, so that a
	// full account can still be emptied.
	QuotaBytes, QuotaMessages, GraceBytes int64

	// TextIndex says whether texts are indexed for searches; "" is off.
	TextIndex TextIndex

	// Folders exist from the start.
	Folders []SpecialFolder
}

// SpecialFolder is a folder with its use (RFC 6154).
type SpecialFolder struct {
	Name string // canonical
	Use  string // `\Trash`
}
