// Package accounts knows who may log in and by which rule: accounts, domains,
// passwords, the protocol setting, and the record of who changed what.
//
// Everything is in one SQLite database, <data>/accounts.db, which all processes
// of a host share. The front door (package gate) uses only the small interface
// Directory, so that accounts may come from elsewhere.
//
// Invariants:
//
//   - An Address is normalised (lower case, ASCII domain) and can be a path
//     element; only ParseAddress makes one from what a client or operator wrote.
//   - A setting is stored on an account, on a domain, or nowhere; the effective
//     value is the account's, else the domain's, else the server's. A stored
//     value is never overwritten by a change on another level, so switching a
//     domain to and fro leaves the choices of its accounts as they were.
//   - Every change of a rule and its audit line are one transaction, and the
//     same transaction moves the change counter that other processes poll.
//   - A scheduled switch is carried out and struck off in one transaction, so it
//     happens exactly once whichever process does it.
//   - No clear-text password is stored or logged. A new password is stored as
//     argon2id and, because SCRAM cannot use that, as SCRAM-SHA-256 keys.
//   - The last login is a convenience: it is kept in memory and written every few
//     seconds, so a crash may lose the last ones. All else is durable on return.
//   - Migrations only add; a statement names the columns it uses.
//   - With a Source, a password is never checked against what is remembered, an
//     account is never unknown because the source is down, and accounts.db has a
//     row for every account that was seen, for the settings the source leaves to us.
//
// Lock order: DB.loginMu is never held while the database is used,
// and foreign.mu neither while the source is.
//
// Files: address.go, punycode.go (names); settings.go, keys.go (what can be set);
// directory.go (the interface and the errors); db.go, schema.go, lookup.go (the
// query of every login), manage.go, list.go, set.go, shares.go, annotations.go, audit.go, schedule.go,
// logins.go (SQLite); source.go, foreign.go (accounts that are kept elsewhere);
// password.go, schemes.go, digests.go, scram.go (passwords
// of this and of other servers).
package accounts
