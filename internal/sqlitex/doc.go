// Package sqlitex opens SQLite databases the one way Bascule uses them: one
// pinned connection per DB, WAL, synchronous=FULL, immediate transactions.
//
// Invariants:
//
//   - A DB is at most one SQLite connection. PRAGMA data_version is per connection, so
//     it is only meaningful on a pinned one; each connection's values are told from
//     those of the one before the DB rested.
//   - A DB that rests has no connection, and is opened again only on the very same file.
//   - busy_timeout is set before anything else; otherwise the switch to WAL
//     fails at once when two processes start together.
//   - What Tx returned nil for survives a power failure (synchronous=FULL; the
//     driver's default of NORMAL in WAL mode would lose acknowledged commits), save
//     where Options.Relaxed was set.
//   - A context only ends the wait for the connection. A statement that runs is
//     never interrupted: the driver answers a cancelled context by rolling back
//     or dropping the connection, and either would break the first invariant.
//   - Migrations only add, so that an older program can go on working on a
//     newer schema during a rolling restart.
//   - Nothing but SQLite opens the database file: closing any other descriptor
//     of it would drop the POSIX locks SQLite holds on it. Copies are made with
//     Backup.
//
// Files: db.go (open, turns, transactions), link.go (the connection), rest.go, trim.go, direct.go,
// migrate.go, backup.go, errors.go (what went wrong, recognisably).
package sqlitex
