// Package deliver puts messages into mailboxes for those who bring mail without a session: LMTP and the deliver command.
//
// Invariants:
//
//   - Deliver returns nil only when the message is on disk with its UID.
//   - Whether an account may be read, by which protocol, or by whom it is held just now, never matters; only its delivery setting
//     and its quota do.
//   - Errors have a Class, and each front end has one table from classes to its own replies (SMTP codes, exit codes).
//   - A message for a folder that is not there goes to INBOX: mail is not lost over a typing error behind the "+".
//
// Files: class.go (why a delivery is refused), recipient.go (address to mailbox), message.go (trace header fields, mbox line),
// deliver.go (the delivery itself).
package deliver
