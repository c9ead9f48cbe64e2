// Package testkit starts a whole server for tests: store, accounts, gate, the front ends on ports of the kernel's choice, and accounts
// to log in to. When the test ends it stops everything and checks what must always be true: every mailbox is sound
// (maildir.Check), no lease is held, no session is left at the gate, no connection panicked, and no goroutine is left.
//
//	s := testkit.Start(t, testkit.Options{})
//	dialogue.Play(t, s.Target(), script)
//
// RunScripts plays all scripts of a directory, each on a server of its own; the notation is described in package dialogue. Package
// dovecot plays them against Dovecot.
//
// Accounts are pop@example.org (setting pop3), imap@example.org (imap) and both@example.org (both), password "demo", and those that
// Options.Users or a script's user: headers add as "ADDRESS [SETTING]".
//
// Beside the kinds of package dialogue there are pop3_proxied and imap_proxied, where a script says first whose connection it is, by a
// PROXY header: clients from elsewhere may do less in clear text than those on the same host.
//
// Actions of scripts (after "!"):
//
//	mail ADDRESS <<<…              a message into INBOX by the store, with CRLF line ends
//	deliver ADDRESS <<<…           the same as an MDA would, with its header fields
//	fill ADDRESS N                 N small messages into INBOX
//	drop ADDRESS PATH <<<…         a file into the Maildir as another program would: "new/1.a.host", ".Sent/cur/2.b.host:2,S"
//	truncate ADDRESS PATH N <<<…   the same with the first N octets only: no final line end, or nothing at all
//	erase ADDRESS PATH             removes such a file; a path may have wildcards
//	rename ADDRESS PATH PATH       renames one, to change its flags for instance
//	files ADDRESS PATH             prints "cur:2,S" for each file that matches, oldest first
//	rescan ADDRESS MAILBOX         looks for foreign changes now
//	index ADDRESS                  brings the text index up now; prints "N indexed, N unread"
//	switch ADDRESS SETTING [now]   the protocol switch; prints "evicted N"
//	set ADDRESS KEY VALUE          another setting (quota_bytes, delivery, exclusive, …)
//	break ADDRESS                  breaks the lock on the account's maildrop
//	waiting ADDRESS                returns when somebody waits for that lock
//	locks                          prints one line per holder: key, mode, protocol
//	sessions                       prints one line per session at the gate: account, protocol
//	clients                        prints one line per session: account, protocol, client's address, "tls" if encrypted
//	kick ADDRESS                   ends the account's sessions
//	stop                           stops the server gracefully, as SIGTERM does
//
// Settings of scripts (config: KEY VALUE) are those of settings.go.
//
// Files: server.go (Start and Stop), settings.go (options, config: lines), actions.go and gate_actions.go, scripts.go, check.go (what must be true at the
// end); package selfsigned makes the certificate.
package testkit
