// Package clienttest lets real mail programs read and sync mail from this server: curl, Python's poplib and imaplib, fetchmail, getmail,
// mpop, neomutt, mbsync and offlineimap, and lets HAProxy stand before it. It has tests only.
//
// They run when BASCULE_TEST_CLIENTS is set (package testkit/programs): to "required" all of them, and a program that is missing fails
// its tests; to anything else those whose program is installed.
//
// Files: mail_test.go (the messages and what is common), pop3_test.go, imap_test.go, mbsync_test.go, offlineimap_test.go, haproxy_test.go.
package clienttest
