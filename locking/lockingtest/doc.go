// Package lockingtest is the suite that every locking.Manager passes. A
// manager's test calls Run; what the suite says is what users of package
// locking may rely on.
//
//	suite.go   Run, and the words the scenarios are written in
//	order.go   who is granted what, and when
//	busy.go    refusals: what they say, and what they leave behind
//	signal.go  Nudge, Break, List, Held, Close
//	stress.go  mutual exclusion and progress under load
package lockingtest
