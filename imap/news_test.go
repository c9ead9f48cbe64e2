package imap_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"bascule/internal/testkit"
)

// What one session does is told to another one in IDLE within 100 ms: the median, for a busy machine may be late once.
func TestNewsReachIdleAtOnce(t *testing.T) {
	s := testkit.Start(t, testkit.Options{})
	if _, err := s.Act(t.Context(), []string{"fill", "imap@example.org", "1"}, ""); err != nil {
		t.Fatal(err)
	}
	var clients [2]*wireClient
	for i := range clients {
		c, err := dialWire(s.Target().Addrs["imap"])
		if err != nil {
			t.Fatal(err)
		}
		defer c.net.Close()
		for _, command := range []string{"LOGIN imap@example.org demo", "SELECT INBOX"} {
			if reply, err := c.finish("a", command); err != nil || !strings.HasPrefix(reply, "OK") {
				t.Fatalf("%s: %s, %v", command, reply, err)
			}
		}
		clients[i] = c
	}
	speaks, idles := clients[0], clients[1]
	if err := idles.send("b IDLE\r\n"); err != nil {
		t.Fatal(err)
	}
	if _, err := idles.line(); err != nil {
		t.Fatal(err)
	}
	var took []time.Duration
	for i := range 21 {
		start := time.Now()
		command, news := fmt.Sprintf("STORE 1 FLAGS.SILENT (Round%d)", i), "FETCH"
		if i%3 == 2 {
			command, news = "APPEND INBOX {1+}\r\nx", "EXISTS"
		}
		if reply, err := speaks.finish("c", command); err != nil || !strings.HasPrefix(reply, "OK") {
			t.Fatalf("%s: %s, %v", command, reply, err)
		}
		for {
			line, err := idles.line()
			if err != nil {
				t.Fatalf("after %s: %v", command, err)
			}
			if strings.Contains(line, news) {
				break
			}
		}
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	if median := took[len(took)/2]; median > 100*time.Millisecond {
		t.Errorf("news take %v (from %v to %v)", median, took[0], took[len(took)-1])
	}
}
