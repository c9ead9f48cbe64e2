// Package dovecot starts a Dovecot on ports of its own, so that scripted dialogues can be played against it: where both servers say the
// same, a script's author has not mistaken our habits for the protocol.
//
// It is used only when BASCULE_TEST_DOVECOT asks for it (package programs); Start skips the test otherwise. Each start is a new
// directory with the usual test accounts and empty mailboxes. RunScripts plays the scripts of a directory, each against a Dovecot of its
// own. What a protocol leaves to the server (order, quoting, words) is taken either way: same.go. Where Dovecot answers otherwise by design the script says so: "skip: dovecot REASON", or "@dovecot S: …" for single lines;
// docs/dovecot-differences.md has all of them. Package instance runs the program.
package dovecot
