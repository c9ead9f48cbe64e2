// Package instance runs a Dovecot 2.3 of its own: a directory with generated configuration, a certificate, accounts and mailboxes, and a
// process that listens on free ports of the loopback. It knows nothing of tests, so that the benchmark can use it as well.
//
// Dovecot touches no mail as root: whoever runs as root owns the configuration, and the mail belongs to nobody. Without root everything
// is the caller's.
//
// Files: config.go (what is configured), owner.go (whose the mail is), start.go (the process).
package instance
