// Package peers lets the processes that share a directory talk to each other:
// short messages to everybody that may be lost but are never lost silently,
// and questions that are answered or fail.
//
// It serves processes of one host, also in several containers with process
// and network namespaces of their own: all they need to share is the
// directory. Nothing is concluded from a process number.
//
// # Invariants
//
//   - Send never blocks and never waits for a receiver. What a full receiver
//     cannot take is kept for it, merged and bounded; beyond the bound the
//     receiver is told "you missed something" as soon as it can take that.
//   - A socket's name is random and used once, so removing the socket of a
//     dead process can never hit a living one.
//   - A socket appears under its final name only when it can be reached: it is
//     bound under a hidden name and renamed. Otherwise a sender could meet it
//     between creation and readiness, take it for dead and remove it.
//
// # On disk
//
//	<dir>/<16 hex digits>.say   datagram socket, one per process: messages
//	<dir>/<16 hex digits>.ask   stream socket, if the process answers questions
//	<dir>/.<16 hex digits>.…    the same while they are being made
//
// A message is one datagram: a version byte, a kind byte, the payload. A
// question is one connection: the asker writes and closes its side, the
// answerer writes and closes.
//
// # Files
//
//	post.go    Post: joining, leaving, receiving
//	send.go    sending, and keeping what a full receiver could not take
//	roster.go  who is there: reading the directory, only when it changed
//	ask.go     questions and answers
//	socket.go  socket addresses longer than the system allows
package peers
