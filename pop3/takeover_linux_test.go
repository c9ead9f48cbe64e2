package pop3_test

import (
	"net"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"bascule/internal/testkit"
	"bascule/pop3"
)

// deafen makes a socket drop every packet that comes in, unseen by anybody: the other side meets a dead peer, as when a phone lost
// its network.
func deafen(t *testing.T, conn net.Conn) {
	t.Helper()
	raw, err := conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	drop := []unix.SockFilter{{Code: unix.BPF_RET | unix.BPF_K, K: 0}}
	var failed error
	raw.Control(func(fd uintptr) {
		failed = unix.SetsockoptSockFprog(int(fd), unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: 1, Filter: &drop[0]})
	})
	if failed != nil {
		t.Fatal(failed)
	}
}

// A session whose peer is dead gives the maildrop to a new login, within that login's wait, and deletes nothing.
func TestTakeoverOfADeadPeer(t *testing.T) {
	s := testkit.Start(t, testkit.Options{POP3: pop3.Options{Takeover: time.Millisecond, LockWait: 20 * time.Second}})
	if _, err := s.Act(t.Context(), []string{"fill", "both@example.org", "2"}, ""); err != nil {
		t.Fatal(err)
	}
	dead := login(t, s, "both@example.org")
	dead.do("+OK", "DELE 1")
	deafen(t, dead.conn)
	dead.send("NOOP") // its reply is never acknowledged
	heir := login(t, s, "both@example.org")
	heir.do("+OK 2 ", "STAT")
	heir.do("+OK", "QUIT")
}

// With takeover switched off, a dead peer keeps the maildrop until the kernel gives it up.
func TestNoTakeover(t *testing.T) {
	s := testkit.Start(t, testkit.Options{POP3: pop3.Options{Takeover: -1, LockWait: 2 * time.Second}})
	dead := login(t, s, "both@example.org")
	deafen(t, dead.conn)
	dead.send("NOOP")
	heir := dial(t, s, "pop3")
	heir.do("+OK", "USER both@example.org")
	heir.do("-ERR [IN-USE]", "PASS %s", testkit.Password)
	heir.do("+OK", "QUIT")
}
