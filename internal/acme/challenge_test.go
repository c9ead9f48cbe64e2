package acme

import (
	"net"
	"testing"
	"time"
)

// Strangers who open connections and say nothing do not use up the process's descriptors.
func TestConnectionsToTheChallengeAreBounded(t *testing.T) {
	m, err := New(Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := m.NewServer()
	go server.Serve(l)
	defer server.Close()
	var last net.Conn
	for range maxOpen + 1 {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		c.SetDeadline(time.Now().Add(5 * time.Second)) // sooner than the server is tired of it
		last = c
	}
	if n, err := last.Read(make([]byte, 1)); n != 0 || err == nil || isTimeout(err) {
		t.Errorf("one connection too many is kept: %v", err)
	}
}

func isTimeout(err error) bool {
	ne, ok := err.(net.Error)
	return ok && ne.Timeout()
}
