//go:build !linux

package netserve

import (
	"net"
	"time"
)

// tuneSocket asks for the portable part: keepalive probes.
func tuneSocket(nc net.Conn, idle time.Duration) {
	if t, ok := nc.(*net.TCPConn); ok && idle > 0 {
		t.SetKeepAliveConfig(net.KeepAliveConfig{Enable: true, Idle: idle, Interval: max(idle/4, time.Second), Count: 4})
	}
}

// Unresponsive is always false where the kernel gives no TCP_INFO: nobody is taken for dead then.
func (c *Conn) Unresponsive() bool { return false }

// discardPending reads what has arrived, for a moment.
func discardPending(nc net.Conn) {
	buf := pieces.Get().(*[pieceSize]byte)
	defer pieces.Put(buf)
	nc.SetReadDeadline(time.Now().Add(time.Millisecond))
	for range 1 << 10 {
		if n, err := nc.Read(buf[:]); n <= 0 || err != nil {
			return
		}
	}
}

// canRest is false: a rest needs to ask the socket without waiting.
func canRest(net.Conn) bool { return false }

func readable(uintptr) bool { return true }

func writable(uintptr) bool { return false }

func writeNow(uintptr, []byte) int { return 0 }
