// Package dovecot starts a Dovecot on ports of its own, so that scripted dialogues can be played against it: where both servers say the
// same, a script's author has not mistaken our habits for the protocol.
//
// It is used only when BASCULE_TEST_DOVECOT is set and the program is installed; Start skips the test otherwise. Each start is a new
// directory with the usual test accounts and empty mailboxes. Package instance runs the program.
package dovecot
