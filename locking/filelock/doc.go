// Package filelock is the locking.Manager for several processes on one host,
// also in several containers with process namespaces of their own. They share
// a directory on a local file system.
//
// # The problem
//
// A process may be killed at any instruction, and whoever comes next must get
// the lock at once, without anybody judging from a process number or an age
// whether the holder still lives. The kernel knows: it drops open file
// description locks when the last descriptor is gone. But these locks have no
// order. With them alone, a crowd of readers whose leases overlap keeps a
// writer out for ever; and a blocking wait for one cannot be cancelled.
//
// So locks are only ever taken without blocking, and order comes from two
// queues. Within a process it is a locking.Queue. Between processes it is made
// of locks again, so that the dead leave it by themselves: whoever has to wait
// locks a ticket, one byte whose place says when it came, and may go for the
// lock when no older ticket of the key is locked by somebody else. Who finds
// any ticket of others locked stands in line behind it, even if the lock
// itself would be free.
//
// # Invariants
//
//   - The lock of a key is the kernel's; what files and messages say is for
//     people, and to be quick. Losing them costs time, never safety.
//   - One process locks a key once, however many Shared leases it has given
//     out on it. Its first takes the lock, its last gives it up.
//   - Lock files are never removed: who has one open would lock something
//     else than who opens it next.
//   - What the side file says is believed only while its holder has locked
//     "my record is written". A killed holder's record is never believed.
//   - The number of open descriptors does not grow with the number of leases:
//     256 lock files at most, and every key is a place in one of them.
//
// # On disk
//
//	<dir>/locks/00 … ff     empty files; their bytes are locked, not written
//	<dir>/held/<32 hex>     side file: who holds a key exclusively (JSON)
//	<dir>/peers/            sockets, see package peers
//
// The SHA-256 of a key gives all of its places: byte 0 the lock file, bytes
// 1–8 the place of the lock, bytes 9–12 the place of its tickets, the first
// 16 the name of the side file. Within a lock file:
//
//	[0, 2⁶²)      4 bytes for each key: +0 the lock (shared or exclusive)
//	                                    +1 "the side file is written"
//	[2⁶², 2⁶³)    2³² tickets for each key: the place is the time of arrival
//
// Two keys never share a lock (60 bits, and the file). They may share their
// tickets (30 bits, and the file); then one waits behind the other in line
// though it need not, and that is all.
//
// # Lock order
//
// The in-process queue, then a shard's mutex (held for system calls that do
// not block, never while waiting), then tickets, then the lock, then "the side
// file is written".
//
// # Files
//
//	manager.go  Manager: New, Acquire, TryAcquire, Close
//	shard.go    the keys of one lock file; who is seated, who is pending
//	wait.go     standing in line
//	lease.go    the lease and its end
//	place.go    where a key is
//	ofd.go      the kernel's locks
//	ticket.go   the line between processes
//	record.go   side files
//	talk.go     what processes tell and ask each other
//	inspect.go  List, Held, Nudge, Break
package filelock
