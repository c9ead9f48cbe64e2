package imap_test

import (
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"bascule/internal/testkit"
)

// An idle session holds a pointer to the table of messages that all share, and no buffers. The bound has room for both ends of the
// socket and for the store's own caches; a table of 500 messages for each session would be several times as much.
func TestIdleSessionsHoldLittle(t *testing.T) { idleSessionsHold(t, false, 12<<10) }

// A compressed one holds besides what its client sent, as history for what comes next.
func TestCompressedIdleSessionsHoldLittle(t *testing.T) { idleSessionsHold(t, true, 16<<10) }

func idleSessionsHold(t *testing.T, compressed bool, most int64) {
	const sessions, messages = 40, "500"
	s := testkit.Start(t, testkit.Options{})
	if _, err := s.Act(t.Context(), []string{"fill", "imap@example.org", messages}, ""); err != nil {
		t.Fatal(err)
	}
	heap := func() int64 {
		runtime.GC()
		runtime.GC() // what is in pools goes at the second
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	idle := func() net.Conn {
		c, err := dialWire(s.Target().Addrs["imap"])
		if err != nil {
			t.Fatal(err)
		}
		raw := c.net // the client's compressor, which goes, needs a thousand times more
		for _, command := range []string{"LOGIN imap@example.org demo", "COMPRESS DEFLATE", "SELECT INBOX", "FETCH 1:* FLAGS"} {
			if command == "COMPRESS DEFLATE" && !compressed {
				continue
			}
			if reply, err := c.finish("a", command); err != nil || !strings.HasPrefix(reply, "OK") {
				t.Fatalf("%s: %s, %v", command, reply, err)
			}
			if command == "COMPRESS DEFLATE" {
				c.compress()
			}
		}
		if err := c.send("b IDLE\r\n"); err != nil {
			t.Fatal(err)
		}
		if line, err := c.line(); err != nil || !strings.HasPrefix(line, "+ ") {
			t.Fatalf("IDLE: %s, %v", line, err)
		}
		return raw
	}
	defer idle().Close() // what the first session costs is the account's
	before := heap()
	for range sessions {
		defer idle().Close()
	}
	var each int64
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if each = (heap() - before) / sessions; each < most {
			t.Logf("%d octets for a session", each)
			return
		}
	}
	t.Errorf("an idle session holds %d octets of heap, more than %d", each, most)
}
