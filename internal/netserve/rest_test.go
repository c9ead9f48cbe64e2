package netserve

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"strings"
	"testing"
	"time"
)

// resting is a handler that rests for at most timeout before it tells the client in a line what came: "woken", "timeout", or the line that the
// client sent.
func resting(conns chan<- *Conn, timeout time.Duration) Handler {
	return func(_ context.Context, c *Conn) {
		c.LoggedIn()
		c.Writer().WriteString("hello\n")
		var look, rest func()
		rest = func() {
			if c.Rest(timeout, look) {
				conns <- c
				return
			}
			look()
		}
		look = func() {
			switch err := c.WaitReadable(time.Millisecond); {
			case err == nil:
				line, err := c.ReadLine(100)
				if err != nil || string(line) == "QUIT" {
					return
				}
				if string(line) == "PANIC" {
					panic("as asked")
				}
				c.Writer().WriteString(string(line) + "\n")
			case errors.Is(err, ErrWoken):
				c.Writer().WriteString("woken\n")
			case errors.Is(err, ErrTimeout):
				c.Writer().WriteString("timeout\n")
			default:
				return
			}
			rest()
		}
		rest()
	}
}

func TestRestEndsWithInputAndWake(t *testing.T) {
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
		for range 3 {
			(<-conns).Wake()
			c.expect("woken")
			<-conns
			c.send("one\r\n")
			c.expect("one")
		}
		// What TLS has taken from the socket already, with the line before it, is not waited for at the socket.
		<-conns
		c.send(strings.Repeat("two\r\n", 3000) + "three\r\n")
		for range 3000 {
			c.expect("two")
		}
		c.expect("three")
		c.send("QUIT\r\n")
		if _, err := c.r.ReadByte(); err != io.EOF {
			t.Errorf("after QUIT: %v", err)
		}
	}
}

func TestRestEndsWithTheTime(t *testing.T) {
	conns := make(chan *Conn, 100)
	_, addr := start(t, Config{Handler: resting(conns, 5*time.Millisecond)})
	c := dial(t, addr)
	c.expect("hello")
	c.expect("timeout")
}

// A client that goes away, or says that it will, ends the connection although nobody reads.
func TestRestEndsWithTheConnection(t *testing.T) {
	conns := make(chan *Conn, 100)
	s, addr := start(t, Config{Handler: resting(conns, time.Minute)})
	c := dial(t, addr)
	c.expect("hello")
	<-conns
	c.Close()
	d := dial(t, addr)
	d.expect("hello")
	(<-conns).Abort()
	if _, err := d.r.ReadByte(); err == nil {
		t.Error("the connection goes on after Abort")
	}
	for s.Connections() > 0 {
		time.Sleep(time.Millisecond) // polling
	}
}

func TestPanicAfterARestEndsThisConnectionOnly(t *testing.T) {
	conns := make(chan *Conn, 100)
	s := New(Config{Listeners: []Listener{{Name: "test", Address: "127.0.0.1:0"}}, Handler: resting(conns, time.Minute)})
	if err := s.Listen(); err != nil {
		t.Fatal(err)
	}
	go s.Serve()
	addr := s.Addrs()[0].String()
	c, other := dial(t, addr), dial(t, addr)
	c.expect("hello")
	other.expect("hello")
	<-conns
	<-conns
	c.send("PANIC\r\n")
	if _, err := c.r.ReadByte(); err != io.EOF {
		t.Errorf("after a panic: %v", err)
	}
	other.send("one\r\n")
	other.expect("one")
	if n := s.Panics(); n != 1 {
		t.Errorf("%d panics", n)
	}
	// The end of the server wakes those that rest.
	<-conns
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	s.Shutdown(ctx)
	if n := s.Connections(); n != 0 {
		t.Errorf("%d connections after the end", n)
	}
}
