// Package notify is the nudge bus: it says that something changed somewhere
// and that whoever is concerned should look again.
//
// A nudge carries no data, only the topic (a mailbox, for example). What has
// changed is told by the store. That makes the bus forgiving: nudges may
// merge, may come twice, may come for nothing, and now and then one may get
// lost, because a process was killed or its queue was full. Subscribers look
// by themselves at long intervals to catch that.
//
// # Invariants
//
//   - Publish never blocks and nothing can overflow: a subscriber is a function
//     that must not block, and a process that cannot keep up is told once that
//     it missed something; then all of its subscribers look.
//   - Subscribers of the publishing process have been called when Publish
//     returns.
//   - A nudge published after cancel has returned does not call wake. A call
//     that another goroutine was about to make may still come.
//
// # Files
//
//	bus.go           the contract
//	inprocess.go     the bus within one process
//	interprocess.go  the bus between the processes that share a directory
//
// Both pass the suite in package notifytest.
package notify
