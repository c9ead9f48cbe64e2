// Package lmtp takes mail from a mail transfer agent by LMTP (RFC 2033), on top of github.com/emersion/go-smtp.
//
// Invariants:
//
//   - One reply per recipient, and 250 only for a message that is on disk with its UID.
//   - Nothing waits for a POP3 session, and no login setting matters (package deliver).
//   - Memory is bounded: a message for one recipient is streamed into the store; one for several is held up to 256 KiB and in an unlinked file beyond that. A command line is at most 64 KiB.
//   - A stopping server finishes the message that it is being given and answers 421 to everything else.
//
// Files: server.go (options, listeners, stopping), wire.go (the connection under go-smtp: deadlines and line bound), dots.go (a message by DATA),
// session.go (one client), spool.go (one message for several recipients),
// reply.go (classes to SMTP codes).
package lmtp
