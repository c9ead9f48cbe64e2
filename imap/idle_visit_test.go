package imap

import (
	"strings"
	"testing"

	"bascule/imap/wire"
)

// A panic in a visit is the connection's, not the mailbox's: it ends where the connection goes on.
func TestPanicInAVisit(t *testing.T) {
	c := &conn{idling: &idling{r: &request{}}, box: &selected{}, dec: wire.NewDecoder(nil), enc: wire.NewEncoder(nil)}
	if c.tellVisiting() { // a mailbox without a store
		t.Error("it was told")
	}
	if p, _ := c.idling.panicked.(string); !strings.Contains(p, "visitable") {
		t.Errorf("kept: %v", c.idling.panicked)
	}
}
