// Package disk reads and writes Maildir++: message names, folders, durable writes, scans, and the small files
// that other servers keep in a Maildir. It knows nothing of UIDs as truth, of SQL or of sessions; the index above
// it does.
//
// Invariants:
//
//   - Nothing here replaces a message: files arrive by link or by rename without replacing (a name that is taken is
//     ErrExists, never lost mail).
//   - What a function documents as durable is on disk when it returns: file contents are synced before the name
//     appears, directories after.
//   - Every operation that an intent log may repeat is idempotent: a missing source with a present target is "done".
//   - The base name (up to the first ':') is the identity of a message and is never changed.
//   - A file of another program that cannot be read wholly is salvaged line by line and never deleted.
//   - All system calls go through FS, so that a test can fail or kill at the n-th one (package disktest).
//
// Files: fs.go (the system calls), os.go, os_errors.go (the real ones), atomic.go (whole-file replacement); name.go, unique.go,
// arrival.go (message names); folder.go, encoding.go (folder names); maildir.go, folders.go, remove.go, sweep.go (directories);
// incoming.go, message.go, scan.go (messages); uidlist*.go, keywords.go, subscriptions.go, acl.go, attributes.go, uidvalidity.go,
// courier*.go, maildirsize.go (formats of others); dotlock.go; account.go, marker.go (the data directory); watch*.go.
//
// Unless said otherwise the methods may be called from several goroutines at once; they hold no locks, and what two
// processes may do at the same moment is for the caller to order.
package disk
