// Package proctest has no code, only tests that run the real program in real processes, as operators do: all front ends in one
// process, and one process per front end. What holds within a process must hold between them: the lock, the news, the switch, and what a
// process leaves behind that is killed.
//
// Files: exclusive_test.go (POP3 has the mailbox for itself), news_test.go (sessions see what others do), switch_test.go, kill_test.go,
// signals_test.go.
package proctest
