// Package pop3 serves mailboxes by the Post Office Protocol: RFC 1939 without APOP, with CAPA and response codes (RFC 2449, 3206),
// STLS (RFC 2595), AUTH (RFC 5034), UTF8 and LANG (RFC 6856).
//
// Invariants:
//
//   - A session that has said +OK to a password holds the account's maildrop for itself until it ends, and what it lists was
//     frozen at that moment: numbers, sizes and unique-ids never change under the client.
//   - Nothing is removed but by QUIT in the TRANSACTION state, and then all of it or nothing. However else a session ends (a
//     dropped connection, a timeout, too many bad commands, an eviction, a lost lock), every message stays.
//   - One reply for each line from the client, in order; replies to pipelined commands leave together. After an error inside a
//     message the connection is closed, because the client could not tell where the next reply starts.
//   - A handler returns an error and never writes -ERR; errors.go alone turns errors into words and codes.
//   - Only the connection's goroutine reads and writes. Everybody else (eviction, takeover, drain, a lost lease) leaves a note in
//     conn.ending and wakes it.
//   - Memory per session is bounded: a line is at most 8 KiB, a listing is written as it is made, a message is never held.
//
// Files: server.go (options, a connection's life), conn.go (the loop), command.go (the table and the argument rules), reply.go,
// errors.go (errors to -ERR [CODE]), session.go (login, lock, takeover, eviction), summary.go (the log line), and one file per group
// of commands: cmd_login.go (USER PASS), cmd_auth.go (AUTH), cmd_capa.go, cmd_stls.go, cmd_language.go (UTF8 LANG), cmd_list.go (STAT
// LIST UIDL), cmd_retr.go (RETR TOP), cmd_update.go (DELE RSET NOOP QUIT).
package pop3
