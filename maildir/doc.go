// Package maildir is the shared store that pop3, imap and delivery call: the accounts'
// mailboxes, their immutable snapshots, and every change to them.
//
// Invariants, which Account.Check verifies:
//
//   - What was acknowledged is on disk: a message's bytes and its name are synced before
//     its row is committed, and the commit (synchronous=FULL) comes before the answer.
//   - A message has one row, one file and one line in the list of UIDs; its UID and its
//     UIDL never change while it is in the mailbox, and no UID is given twice, not even
//     after the index was lost.
//   - A change of several messages happens whole or not at all: rows and the list of file
//     operations that follow from them are one commit (intents.go).
//   - Every change to a mailbox raises its modseq; a Snapshot is never changed.
//   - Delivery waits for no lease. Whoever holds Account.mu waits for no client and asks
//     for no lease.
//
// How a change runs (write.go): Account.mu, the write lock between processes, the
// transaction; in it catchUp reads what others wrote, then the change writes its rows;
// after the commit the new snapshots are published, the files follow, the mirror is
// appended to, and everybody is told to look again.
//
// Files: store.go, account.go (opening), rest.go, room.go, policy.go; snapshot*.go, chunk.go, delta.go, message.go,
// flags.go, uidl.go (what a session sees); mailbox.go, watch.go (open mailboxes); kept.go, kept_file.go (snapshots kept on disk);
// write.go, change.go, catchup.go, writelock.go, times.go (how changes are made);
// intents.go, ops.go, finish.go, strayed.go (the file operations that follow);
// deliver.go, add.go, append.go, replace.go, binary.go, store_flags.go, keywords.go, expunge.go, removed.go, copy*.go,
// mailboxes.go, metadata.go, attributes.go (the changes); rights.go, acl.go, sharing.go, between.go (several users); scan.go, folders.go, import.go, mirror.go (foreign
// programs and lost indexes); body.go, sizes.go, parsed.go, derived.go, objectid.go, preview.go, fields*.go (contents); textindex*.go (the text index); lease.go, maildrop.go (the POP3
// lock); urlkeys.go (keys of authorized URLs); quota.go, status.go, recent.go; check.go.
package maildir
