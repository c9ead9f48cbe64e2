package imap_test

import (
	"fmt"
	"strings"
	"testing"

	"bascule/internal/testkit"
)

// The names of one ESEARCH are bounded all together: each is compared with each mailbox.
func TestESearchBoundsNames(t *testing.T) {
	c, err := dialWire(testkit.Start(t, testkit.Options{}).Target().Addrs["imap"])
	if err != nil {
		t.Fatal(err)
	}
	defer c.net.Close()
	if _, err := c.finish("a", "LOGIN imap@example.org demo"); err != nil {
		t.Fatal(err)
	}
	filter := func(n int) string { return "mailboxes (x" + strings.Repeat(" x", n-1) + ")" }
	for n, want := range map[int]string{500: "OK", 501: "BAD Syntax error: too many mailboxes"} {
		if reply, err := c.finish(fmt.Sprint("b", n), "ESEARCH IN ("+filter(500)+" "+filter(n)+") ALL"); err != nil || !strings.HasPrefix(reply, want) {
			t.Errorf("%d names: %s, %v", 500+n, reply, err)
		}
	}
}
