// Package site runs the real program for tests: it builds cmd/bascule once per test binary, with the flags that the test was built with, the
// race detector's too, makes a store, adds accounts by the command line, and starts serving processes, one for everything or one per protocol.
//
//	func TestMain(m *testing.M) { os.Exit(site.Main(m)) }
//
//	s := site.New(t, site.Options{Users: []string{"both@example.org"}})
//	s.Serve("pop3")
//	s.Serve("imap", "lmtp")
//	c := s.IMAP("both@example.org")
//
// When the test ends, processes that still run are asked to end and must do so in good order, no log may tell of a panic or a race, and
// "bascule mailbox check --all" must find nothing. The store lies in memory where there is /dev/shm: a killed process, unlike a power
// failure, does not lose what it wrote there.
//
// The go command is needed; without it Main skips all tests of the package.
//
// Files: build.go, site.go (the store and the command line), process.go (serving processes), clients.go.
package site
