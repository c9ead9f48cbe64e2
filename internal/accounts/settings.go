package accounts

import (
	"fmt"
	"slices"
)

// Protocols says which protocols an account may use.
type Protocols string

const (
	POP3 Protocols = "pop3"
	IMAP Protocols = "imap"
	Both Protocols = "both"
	None Protocols = "none"
	// Inherit is not a value of an account but the wish to have none of its own.
	Inherit Protocols = "inherit"
)

// Allows says whether a protocol, "pop3" or "imap", may be used.
func (p Protocols) Allows(protocol string) bool {
	return p == Both || (p == POP3 || p == IMAP) && string(p) == protocol
}

// ParseProtocols reads a protocol setting, "inherit" among them.
func ParseProtocols(s string) (Protocols, error) {
	p := Protocols(s)
	if !slices.Contains([]Protocols{POP3, IMAP, Both, None, Inherit}, p) {
		return "", fmt.Errorf("%w: protocols %q: want pop3, imap, both, none or inherit", ErrBadValue, s)
	}
	return p, nil
}

// Exclusive says what IMAP may do while a POP3 session has the mailbox.
type Exclusive string

const (
	ExclusiveMailbox  Exclusive = "mailbox"  // IMAP waits with INBOX
	ExclusiveRemoval  Exclusive = "removal"  // IMAP may read and flag; removing waits
	ExclusiveSnapshot Exclusive = "snapshot" // IMAP does as it likes; POP3 keeps its list
)

// Status says whether somebody may log in at all.
type Status string

const (
	Active    Status = "active"
	Suspended Status = "suspended"
)

// Delivery says what becomes of mail for the account. It is independent of
// Protocols and Status: an account nobody may read still gets its mail.
type Delivery string

const (
	Accept Delivery = "accept"
	Defer  Delivery = "defer"  // the sender tries again later
	Reject Delivery = "reject" // the sender is told
)

// Level is where an effective value comes from.
type Level string

const (
	FromAccount Level = "account"
	FromDomain  Level = "domain"
	FromServer  Level = "server"
)

// Settings are the inherited ones, as the server has them when neither the
// account nor the domain says otherwise.
type Settings struct {
	Protocols     Protocols // never Inherit
	Exclusive     Exclusive
	QuotaBytes    int64  // 0: no limit
	QuotaMessages int64  // 0: no limit
	Separator     string // of folder names as IMAP shows them: "/" or "."
	InboxPrefix   bool   // IMAP shows other folders below "INBOX"
	RefusalText   string // told when the protocol is off; empty: the usual sentence
}

// DefaultSettings are those of a server whose configuration says nothing.
func DefaultSettings() Settings {
	return Settings{Protocols: Both, Exclusive: ExclusiveMailbox, Separator: "/"}
}

// withDefaults fills what a configuration left empty.
func (s Settings) withDefaults() Settings {
	d := DefaultSettings()
	if s.Protocols == "" {
		s.Protocols = d.Protocols
	}
	if s.Exclusive == "" {
		s.Exclusive = d.Exclusive
	}
	if s.Separator == "" {
		s.Separator = d.Separator
	}
	return s
}

// Effective is everything that holds for one account now.
type Effective struct {
	Address Address
	Settings
	ProtocolsFrom Level

	Status       Status // suspended if the account or its domain is
	StatusReason string
	Delivery     Delivery

	// PasswordVersion changes whenever the password does; a remembered proof of
	// the password is worth nothing once it differs. 0: there is no password.
	PasswordVersion int64
}
