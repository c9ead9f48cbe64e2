// Package index is the SQLite database of one account: which messages its folders
// hold, with their UIDs, flags and sizes, what was expunged, and which file operations
// are still to be done. It knows SQL and nothing else: no files, no sessions, no
// policy. Everything of it can be lost and is made again from the Maildir.
//
// Invariants:
//   - (folder, uid) and (folder, base) are unique: no UID is given twice, no file has
//     two messages.
//   - A folder's counters (messages, unseen, deleted, bytes) are those of its rows,
//     because both change in one transaction.
//   - An intent stands in the database from the commit that decided on it until the
//     file operation is done and cannot be undone by a power failure.
//
// Files: schema.go (tables), db.go (opening), folders.go, messages.go, expunged.go,
// intents.go, parsed.go, derived.go (what follows from messages), metadata.go (annotations).
package index
