package maildir

import (
	"time"

	"bascule/internal/message"
)

// UID is a message's unique identifier within its mailbox (RFC 9051 §2.3.1.1).
type UID uint32

// ModSeq is a modification sequence (RFC 7162 §3.1), one counter per mailbox.
type ModSeq uint64

// Message is one row of a Snapshot. It is shared between sessions and must not be
// changed.
type Message struct {
	UID    UID
	ModSeq ModSeq
	Flags  Flags

	// Size is RFC822.SIZE: octets on the IMAP wire; -1 while no one has read the
	// file yet (foreign deliveries; see Mailbox.Sizes).
	Size int64
	// Disk is the file's length in bytes, which quotas count; -1 if not yet known.
	Disk int64
	// Kind says what the bytes are, so that the direct path is taken only where it
	// is right; without message.Known nothing is known yet.
	Kind message.Kind

	inNew bool   // in new/, else in cur/
	base  string // the identity of the file: its name up to ":"
	tail  string // the rest of its name: "" or ":2,FS"
	uidl  string // "" when it is what uidlOfBase makes of base

	internal int64 // seconds since 1970
	saved    int64
}

// InternalDate is when the message was received (RFC 9051 §2.3.3).
func (m *Message) InternalDate() time.Time { return time.Unix(m.internal, 0) }

// SaveDate is when it came into this mailbox (RFC 8514).
func (m *Message) SaveDate() time.Time { return time.Unix(m.saved, 0) }

// UIDL is the message's POP3 unique id; it never changes.
func (m *Message) UIDL() string {
	if m.uidl != "" {
		return m.uidl
	}
	return uidlOfBase(m.base)
}

// Base is the file's base name, for tools that compare with the disk.
func (m *Message) Base() string { return m.base }

// Facts are the sizes and properties of the bytes as far as they are known.
func (m *Message) Facts() message.Facts {
	return message.Facts{Disk: m.Disk, Wire: m.Size, Kind: m.Kind}
}
