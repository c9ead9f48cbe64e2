package netserve

import (
	"net"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// tuneSocket makes the kernel find dead peers: probes after idle of silence, four of them, and TCP_USER_TIMEOUT for data that is
// not acknowledged. Failures are not worth a refusal: the read and write deadlines stand anyway.
func tuneSocket(nc net.Conn, idle time.Duration) {
	t, ok := nc.(*net.TCPConn)
	if !ok || idle <= 0 {
		return
	}
	interval := max(idle/4, time.Second)
	t.SetKeepAliveConfig(net.KeepAliveConfig{Enable: true, Idle: idle, Interval: interval, Count: 4})
	if rc, err := t.SyscallConn(); err == nil {
		rc.Control(func(fd uintptr) {
			unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int((idle + 4*interval).Milliseconds()))
		})
	}
}

// Unresponsive tells whether the peer seems dead: keepalive probes or data have gone unanswered for a while. False when the kernel
// cannot tell. Safe from any goroutine.
func (c *Conn) Unresponsive() bool {
	t, ok := c.raw.(*net.TCPConn)
	if !ok {
		return false
	}
	rc, err := t.SyscallConn()
	if err != nil {
		return false
	}
	dead := false
	rc.Control(func(fd uintptr) {
		if info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO); err == nil {
			dead = unanswered(info)
		}
	})
	return dead
}

// unanswered reads TCP_INFO. Either keepalive probes are outstanding (Probes counts those without an answer; more than one, since
// one may be under way), or data was sent again (Retransmits) and is still unacknowledged.
func unanswered(info *unix.TCPInfo) bool {
	return info.Probes > 1 || (info.Unacked > 0 && info.Retransmits > 1)
}

// discardPending throws away what lies in the kernel's receive buffer, without waiting.
func discardPending(nc net.Conn) {
	sc, ok := nc.(syscall.Conn)
	if !ok {
		return
	}
	rc, err := sc.SyscallConn()
	if err != nil {
		return
	}
	buf := pieces.Get().(*[pieceSize]byte)
	defer pieces.Put(buf)
	rc.Control(func(fd uintptr) {
		for range 1 << 10 { // bounded: a client that keeps sending gets a failed handshake instead
			n, _, err := unix.Recvfrom(int(fd), buf[:], unix.MSG_DONTWAIT)
			if n <= 0 || err != nil {
				return
			}
		}
	})
}

// canRest tells whether readable can be asked.
func canRest(nc net.Conn) bool {
	_, ok := nc.(syscall.Conn)
	return ok
}

// readable tells without waiting whether there is input, or its end.
func readable(fd uintptr) bool { return polled(fd, unix.POLLIN) }

// writable tells without waiting whether a third of the send buffer is free, or the connection is broken.
func writable(fd uintptr) bool { return polled(fd, unix.POLLOUT) }

// writeNow writes what the socket takes without waiting, and says how much; what hinders it is not told.
func writeNow(fd uintptr, p []byte) int {
	n, err := unix.Write(int(fd), p) // net's sockets do not block
	if err != nil {
		return 0
	}
	return n
}

func polled(fd uintptr, events int16) bool {
	fds := [...]unix.PollFd{{Fd: int32(fd), Events: events}}
	n, err := unix.Poll(fds[:], 0)
	return n != 0 || err != nil
}
