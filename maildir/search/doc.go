// Package search is the text index of one account, search.db: which of its messages can hold a text. It knows SQL and nothing else. Everything
// of it can be lost at any time and is made again from the messages; so its commits are whole but need not survive a power failure.
//
// Invariants:
//   - A message of a folder whose UID is below the folder's Below has a row, or stands in the table of those that must be read. Rows and Below
//     change in one transaction.
//   - A row has the trigrams of everything that a search can find in the message, folded as the comparison folds. So a message whose row
//     lacks a trigram of a text does not have the text; one whose row has them all may have it.
//   - A folder is known by its id, and what is indexed of it counts only for the MAILBOXID and UIDVALIDITY it was made of.
//   - A row without its message does no harm and is removed some time later.
//
// The index is SQLite's FTS5 with the trigram tokenizer, which is told not to fold (case_sensitive 1), without a copy of the texts (content=”)
// and without positions (detail=none): about one octet for each different trigram of a message.
//
// Files: db.go (opening), folders.go (what is indexed), texts.go (rows), find.go (looking for texts).
package search
