// Package crashtest has no code, only a test that kills the real program with SIGKILL at random moments while clients load it, starts it
// again, and compares what is there with a ledger of what was acknowledged:
//
//   - what was acknowledged is there exactly once, octet for octet, with its UID and flags;
//   - of what was not, a delivery or APPEND is there once or not at all, and a MOVE, a COPY of many, a STORE, an EXPUNGE, a RENAME and
//     a QUIT happened whole or not at all;
//   - UIDs, UIDVALIDITY and UIDLs that were ever told stay what they were, and new UIDs are higher than all that were;
//   - maildir.Check finds nothing wrong;
//   - clients of processes that were not killed notice nothing.
//
// BASCULE_CRASH_KILLS is the number of kills (default 20), BASCULE_CRASH_SEED makes another sequence of operations. When exactly a kill
// strikes is up to the machine.
//
// Files: crash_test.go (the rounds), state_test.go (what is in an account, and what may be), reader_test.go (what the server
// shows), imap_test.go, pop3_test.go, post_test.go (the workers).
package crashtest
