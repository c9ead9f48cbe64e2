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

// SearchIndex says whether the texts of an account's messages are indexed.
type SearchIndex string

const (
	SearchIndexAuto SearchIndex = "auto" // once a search had to read many
	SearchIndexOn   SearchIndex = "on"
	SearchIndexOff  SearchIndex = "off"
)

// Admin says whose administrator an account is.
type Admin string

const (
	AdminNone   Admin = ""
	AdminDomain Admin = "domain" // of the accounts of its own domain
	AdminServer Admin = "server" // of all accounts
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
	FromSource  Level = "source" // the provider's own, see Source
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
	SearchIndex   SearchIndex
	RefusalText   string // told when the protocol is off; empty: the usual sentence
}

// DefaultSettings are those of a server whose configuration says nothing.
func DefaultSettings() Settings {
	return Settings{Protocols: Both, Exclusive: ExclusiveMailbox, Separator: "/", SearchIndex: SearchIndexAuto}
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
	if s.SearchIndex == "" {
		s.SearchIndex = d.SearchIndex
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

	// IMAPHide are the capabilities, in upper case with blanks between them, that IMAP does not announce to the account's clients.
	IMAPHide string

	Admin Admin // never inherited, and no source's to give

	Shared bool // nobody's own: its mailboxes are listed as shared ones, not as another user's

	// PasswordVersion changes whenever the password does; a remembered proof of
	// the password is worth nothing once it differs. 0: there is no password, or its
	// source cannot tell; then nothing may be remembered.
	PasswordVersion int64
}

// capabilities are the names in a stored imap_hide.
func capabilities(stored string) string {
	if stored == "none" {
		return ""
	}
	return stored
}

// Administers says whether the account is an administrator of another, or of itself.
func (e Effective) Administers(a Address) bool {
	return e.Admin == AdminServer || e.Admin == AdminDomain && a.Domain() == e.Address.Domain()
}
