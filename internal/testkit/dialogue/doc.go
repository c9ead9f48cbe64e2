// Package dialogue plays scripted conversations between several clients and a mail server.
//
// A script is a text file in testdata/ whose name is the claim it proves. Somebody who knows the protocols but not
// Go can read and write one. The package knows nothing of this server: it dials addresses, so the same script can
// be played against another server as well.
//
// # Notation
//
// One statement a line; blank lines and lines that begin with # mean nothing; indentation means nothing.
//
//	open p pop3                     opens a connection named p and reads nothing yet
//	open i imap both@example.org    opens one, reads the greeting and logs in (password of the Target)
//	open x pop3 a@b.org secret      the same with another password
//	C p: STAT                       the client sends a line; CRLF is added
//	S p: +OK 2 320                  the next line from the server must match this pattern
//	S? p: +OK ...                   the next line is taken if it matches, else left for the next statement
//	S* i: 7 OK ...                  lines are skipped until one matches
//	U i: * 3 EXISTS                 lines of a group: neighbouring U lines must all come, in any order
//	U? i: * 0 RECENT                a member of the group that may be missing
//	S! i: * ... EXPUNGE             no line taken by the next S*, or U group, may match this
//	quiet i 200ms                   nothing arrives for so long
//	eof p                           the server ends the connection
//	close p                         the client drops the connection without a word
//	half p                          the client ends its sending side only
//	tls p                           the client starts TLS (after STLS or STARTTLS was agreed)
//	deflate i                       the client compresses from now on (after COMPRESS was agreed, RFC 4978)
//	plain i                         the client compresses no more
//	within 2s S i: * BYE ...        another deadline for this one expectation (S, S*, U, eof)
//	! switch both@example.org pop3  an action outside any connection, done before the next statement
//	!! switch nobody@x pop3         an action that must fail
//	O: both@example.org ...         the next line of the last action's output matches
//
// Kinds are pop3, imap, lmtp, and pop3s, imaps with TLS from the start. The name may be left out (C: and S:) while
// the script has opened one connection only.
//
// IMAP literals stand between <<< at the end of a line and >>> at the beginning of a later one; each line between
// them is taken with CRLF. In a C line, <<< sends {n}, waits for the continuation request and sends the data; <<<+ sends {n+}
// and the data at once. In an S line the server must send exactly that literal. The text after >>> continues
// the line. After ! the block is the standard input of the action, with LF line ends.
//
//	C i: 3 APPEND INBOX <<<
//	Subject: one
//
//	body
//	>>>
//	S i: 3 OK [APPENDUID ${validity} ${uid}] ...
//
// In patterns ... is any text, even none or a whole literal; {{re}} is a regular expression; ${name} and $1 to $9 capture when
// not yet set and must be equal when set. ${uid+1} and ${uid-1} are sums. $$ is a dollar sign, and $Forwarded needs none. In C lines and actions
// ${name} and $1 are replaced. In C and S lines, and in blocks, <CR> <LF> <CRLF> <NUL> <SP> <TAB> and <xHH> are
// octets, <a*65536> repeats a letter, and <b64:|user|password> is base64 with NUL for each bar (SASL PLAIN).
//
// A statement can be kept to one server by its name in front: "@dovecot S p: +OK". Headers stand before the first
// statement:
//
//	config: pop3.lock_wait 200ms    a setting for the server under test; the starter of the server reads it
//	user: new@example.org pop3      an account beside the usual ones; what follows the address is the starter's
//	dovecot: pop3_reuse_xuidl = yes  a line for Dovecot's configuration, where it can what is not its default
//	require: switch                 a feature the target must name in Target.Features, else the script is skipped
//	skip: dovecot it has no switch  not played against that target, for the reason given
//
// The runner waits on the wire, each time at most Target.Deadline, never by sleeping (save for quiet); on failure, and with -v, it prints the whole
// dialogue with times and the line of the script that was not met.
//
// Files: parse.go (script to statements), pattern.go (patterns and substitution), conn.go (one connection), deflate.go (compressed),
// play.go (the player), log.go (the dialogue as it is printed).
package dialogue
