// Package stresstest has no code, only a test that lets many clients of all kinds at shared mailboxes at once, served by one process, and by two: twenty IMAP
// sessions, two POP3 pollers, two LMTP senders, and a foreign program that delivers into the Maildir and renames files in it. Each IMAP client
// keeps its view from untagged responses alone (package strict); a ledger that all share knows which UID is which message and who
// asked for its removal.
//
// What is verified at every moment: UIDs and messages never change places; nobody is told of the end of a message that nobody removed;
// a message that was acknowledged is in every mailbox view that is opened afterwards, and one whose removal was acknowledged is
// in none; the keyword that only one client sets is on exactly the messages on which that client set it; a sequence number reads the message
// it should. At the end all views equal the mailbox, and maildir.Check finds nothing.
//
// BASCULE_STRESS_SECONDS is how long each of the two goes on (default 10; 2 with -short), BASCULE_STRESS_SEED makes another load. It is meant for the race detector.
//
// Files: stress_test.go (the cast and the end), ledger_test.go, imap_test.go and actions_test.go (the IMAP clients), others_test.go.
package stresstest
