// Package strict has small mail clients for tests that take nothing on trust: an IMAP client that keeps its view of the selected mailbox
// from untagged responses alone, exactly as a mail program does, and checks that each of them is legal where it stands; a POP3 and
// an LMTP client that only speak lines.
//
// What View checks (RFC 9051 §7): EXISTS never shrinks the mailbox; EXPUNGE names a message that is there and never comes while FETCH,
// STORE or SEARCH by sequence number run, nor between commands; FETCH names a message that is there; a message's UID never
// changes, UIDs ascend strictly with the numbers, and those of new messages lie above all that were known; modseqs
// never fall; flags were announced by FLAGS; there is one tagged reply per command, with the command's own tag.
//
// Every read has a deadline. A violation is an error that quotes the last lines of the dialogue. A client belongs to one goroutine.
//
// Files: line.go (the connection), parse.go (response syntax), view.go (the model), imap.go (commands), idle.go, pop3.go, lmtp.go.
package strict
