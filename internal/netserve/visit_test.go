package netserve

import (
	"crypto/tls"
	"runtime"
	"strings"
	"testing"
	"time"
)

// visit visits a connection as soon as it rests.
func visit(c *Conn, part func() bool) {
	for ran := false; !ran; runtime.Gosched() {
		c.Visit(func() bool {
			ran = true
			return part()
		})
	}
}

func say(c *Conn, text string) bool {
	c.Writer().WriteString(text)
	return c.Flush() == nil
}

// What is said in visits reaches the client, and the rest goes on until there is a reason to end it.
func TestVisit(t *testing.T) {
	for _, secure := range []bool{false, true} {
		conns := make(chan *Conn, 100)
		certs, clientTLS := testCerts(t)
		_, addr := start(t, Config{Listeners: []Listener{{Name: "test", Address: "127.0.0.1:0", TLS: secure}}, TLSConfig: certs.Config,
			Handler: resting(conns, time.Minute)})
		c := dial(t, addr)
		if secure {
			c = wrap(t, tls.Client(c.Conn, clientTLS))
		}
		c.expect("hello")
		nc := <-conns
		for range 3 {
			visit(nc, func() bool { return say(nc, "visit\n") })
			c.expect("visit")
		}
		if nc.br != nil || nc.bw != nil {
			t.Error("it has buffers after a visit")
		}
		visit(nc, func() bool {
			if nc.Visit(func() bool { return true }) {
				t.Error("two visits at once")
			}
			return true
		})
		// What comes during a visit is looked at when that is over.
		visit(nc, func() bool {
			c.send("one\r\n")
			return say(nc, "visit\n")
		})
		c.expect("visit")
		c.expect("one")
		<-conns
	}
}

func TestNoVisitWithoutARest(t *testing.T) {
	conns := make(chan *Conn, 100)
	_, addr := start(t, Config{Handler: resting(conns, time.Minute)})
	c := dial(t, addr)
	c.expect("hello")
	nc := <-conns
	visit(nc, func() bool { return true })
	nc.Abort()
	c.r.ReadByte() // the end
	for nc.atRest() {
		time.Sleep(time.Millisecond) // polling
	}
	if nc.Visit(func() bool { return true }) {
		t.Error("a connection that has ended was visited")
	}
}

// A client that does not read makes no visit wait; what it was told comes later, whole and in order.
func TestVisitDoesNotBlock(t *testing.T) {
	conns := make(chan *Conn, 100)
	_, addr := start(t, Config{Handler: resting(conns, time.Minute)})
	c := dial(t, addr)
	c.expect("hello")
	nc := <-conns
	line := strings.Repeat("x", 1000)
	lines := 0
	visit(nc, func() bool { return true })
	more := func() bool { lines++; return say(nc, line+"\n") }
	for nc.Visit(more) {
	}
	if nc.Visit(more) {
		t.Error("a visit is done although an earlier one is not")
	}
	nc.Wake()
	for range lines {
		c.expect(line)
	}
	c.expect("woken")
	<-conns
	visit(nc, func() bool { return say(nc, "visit\n") })
	c.expect("visit")
	if _, out := nc.Counters(); out != int64(lines*1001+len("hello\nwoken\nvisit\n")) {
		t.Errorf("%d octets counted", out)
	}
}
