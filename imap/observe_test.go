package imap

import (
	"testing"
	"time"
)

// A command that panics is counted as such; netserve then ends the connection.
func TestPanicIsCounted(t *testing.T) {
	var got string
	c := &conn{srv: &Server{opt: Options{Observe: func(_, result string, _ time.Duration) { got = result }}}}
	defer func() {
		if recover() == nil || got != "panic" {
			t.Errorf("counted as %q", got)
		}
	}()
	c.one() // a connection without a decoder
}
