// Package locking decides who may be in a maildrop: one alone, or many
// together. It holds the contract (Manager, Lease, Key, Mode) and the manager
// for a single process; package filelock has the one for several processes on
// a host.
//
// The package knows nothing of mail. Which commands take which lease, and how
// long they wait, is decided by its users.
//
// # Invariants
//
//   - An Exclusive lease on a key is held by nobody else at the same time, and
//     never beside a Shared one. Shared leases are held together.
//   - First come, first served: who arrives while others wait stands behind
//     them, even if what it asks for would be compatible with what is held.
//     So neither readers nor writers starve.
//   - A waiter that gives up leaves the line as if it had never been there.
//   - Only the holder releases. Break and Nudge ask; they take nothing away.
//
// Leases are not re-entrant: who holds a Shared lease and waits for a second
// one on the same key can wait for ever, behind an Exclusive waiter that waits
// for the first to end.
//
// # Files
//
//	locking.go  the contract
//	errors.go   what can go wrong
//	signals.go  the channels of a lease, made when somebody asks for them
//	queue.go    Queue: the manager for one process
//	line.go     one key: its holders, its waiters, and who is next
//	lease.go    a Queue's lease
//
// Every manager passes the suite in package lockingtest.
package locking
