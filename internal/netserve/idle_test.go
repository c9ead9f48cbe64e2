package netserve

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestIdleConnectionsAreSmall measures what an idle connection keeps: heap and stack, without the kernel's part. The client side runs
// in the same process, so the same number of client connections without a server is subtracted by keeping clients as bare sockets.
func TestIdleConnectionsAreSmall(t *testing.T) {
	if testing.Short() || raceEnabled {
		t.Skip("a measurement of memory")
	}
	for _, tc := range []struct {
		secure     bool
		compressed int // octets that the client has sent compressed; 0: none
		limit      uint64
	}{
		{false, 0, 8 << 10}, {true, 0, 20 << 10},
		// A compressed connection keeps what its client may refer to: all that it sent, at most 32 KiB.
		{false, 400, 12 << 10}, {false, 100_000, 44 << 10},
	} {
		t.Run(fmt.Sprintf("tls=%v,compressed=%d", tc.secure, tc.compressed), func(t *testing.T) {
			commands := deflate(t, strings.Repeat("a NOOP\r\n", tc.compressed/8))
			const n = 300
			certs, clientTLS := testCerts(t)
			var waiting sync.WaitGroup
			waiting.Add(n)
			_, addr := start(t, Config{
				Listeners: []Listener{{Name: "test", Address: "127.0.0.1:0", TLS: tc.secure}}, TLSConfig: certs.Config,
				Handler: func(ctx context.Context, c *Conn) {
					c.ReadLine(100)
					c.Writer().WriteString("ok\n")
					if tc.compressed > 0 {
						c.Compress()
						io.CopyN(io.Discard, c.Reader(), int64(tc.compressed))
						c.Writer().WriteString("done\n")
					}
					c.Flush()
					c.Idle()
					waiting.Done()
					c.WaitReadable(0)
				}})
			// The clients are dialled first, so that their sockets are not counted; their TLS is dropped after the greeting.
			conns := make([]net.Conn, n)
			before := memory()
			for i := range conns {
				nc, err := net.Dial("tcp", addr)
				if err != nil {
					t.Fatal(err)
				}
				defer nc.Close()
				conns[i] = nc
				var w net.Conn = nc
				if tc.secure {
					w = tls.Client(nc, clientTLS)
				}
				w.Write([]byte("hello\r\n"))
				w.Read(make([]byte, 3))
				if tc.compressed > 0 {
					w.Write(commands)
				}
			}
			waiting.Wait()
			// The linger of a wait holds buffers for a second.
			deadline := time.Now().Add(10 * time.Second)
			var per uint64
			for {
				per = (memory() - before) / n
				if per <= tc.limit || time.Now().After(deadline) {
					break
				}
				time.Sleep(100 * time.Millisecond) // polling a measurement, not synchronising
			}
			t.Logf("%d octets per idle connection (client sockets included)", per)
			if per > tc.limit {
				t.Errorf("%d octets per idle connection, want at most %d", per, tc.limit)
			}
			runtime.KeepAlive(conns)
		})
	}
}

func memory() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc + m.StackInuse
}
