package netserve

import (
	"context"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"
)

func TestDrainWakesIdleConnections(t *testing.T) {
	s, addr := start(t, Config{Handler: echo})
	c := dial(t, addr)
	c.send("x\r\n")
	c.expect("got x")
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := s.Shutdown(ctx); err != nil {
		t.Fatal(err)
	}
	c.expect("woken")
	c.expect("bye")
	if _, err := net.Dial("tcp", addr); err == nil {
		t.Error("still accepting")
	}
}

func TestDrainCutsWhatDoesNotEnd(t *testing.T) {
	began := make(chan bool, 1)
	s := New(Config{Listeners: []Listener{{Name: "test", Address: "127.0.0.1:0"}}, Handler: func(ctx context.Context, c *Conn) {
		began <- true
		io.ReadFull(c.Reader(), make([]byte, 10)) // a literal that never comes
	}})
	if err := s.Listen(); err != nil {
		t.Fatal(err)
	}
	go s.Serve()
	c := dial(t, s.Addrs()[0].String())
	<-began
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if err := s.Shutdown(ctx); err != context.DeadlineExceeded {
		t.Errorf("Shutdown: %v", err)
	}
	if _, err := c.r.ReadByte(); err == nil {
		t.Error("the connection is open")
	}
	if n := s.Connections(); n != 0 {
		t.Errorf("%d connections left", n)
	}
}

func TestLimitBeforeLogin(t *testing.T) {
	loggedIn := make(chan bool, 1)
	s, addr := start(t, Config{PerAddress: 2, Refusal: "* BYE too many\n", Handler: func(ctx context.Context, c *Conn) {
		c.Writer().WriteString("hello\n")
		if line, _ := c.ReadLine(10); string(line) == "login" {
			c.LoggedIn()
			loggedIn <- true
		}
		echo(ctx, c)
	}})
	a, b := dial(t, addr), dial(t, addr)
	a.expect("hello")
	b.expect("hello")
	dial(t, addr).expect("* BYE too many")
	if n := s.Refused(); n != 1 {
		t.Errorf("%d refusals counted", n)
	}
	a.send("login\r\n") // frees its place
	<-loggedIn
	dial(t, addr).expect("hello")
}

func TestLimitCountsNetworks(t *testing.T) {
	l := newAddressLimit(1)
	free, ok := l.enter(netip.MustParseAddr("2001:db8::1"))
	if !ok {
		t.Fatal("refused the first")
	}
	if _, ok := l.enter(netip.MustParseAddr("2001:db8::2")); ok {
		t.Error("the same /64 got a second place")
	}
	if _, ok := l.enter(netip.MustParseAddr("2001:db8:0:1::2")); !ok {
		t.Error("another /64 was refused")
	}
	free()
	if _, ok := l.enter(netip.MustParseAddr("2001:db8::3")); !ok {
		t.Error("a freed place is not free")
	}
}

func TestListenNamesTheAddress(t *testing.T) {
	_, addr := start(t, Config{Handler: echo})
	s := New(Config{Handler: echo, Listeners: []Listener{{Name: "one", Address: "127.0.0.1:0"}, {Name: "two", Address: addr}}})
	err := s.Listen()
	if err == nil || !strings.Contains(err.Error(), addr) || !strings.Contains(err.Error(), "two") {
		t.Errorf("got %v", err)
	}
	if n := len(s.Addrs()); n != 0 {
		t.Errorf("%d listeners are open after a failure", n)
	}
}

func TestPanicEndsOneConnection(t *testing.T) {
	s, addr := start(t, Config{Handler: func(ctx context.Context, c *Conn) {
		if line, _ := c.ReadLine(10); string(line) == "panic" {
			panic("asked to")
		}
		c.Writer().WriteString("fine\n")
	}})
	bad, good := dial(t, addr), dial(t, addr)
	bad.send("panic\r\n")
	if _, err := bad.r.ReadByte(); err == nil {
		t.Error("the connection went on")
	}
	good.send("x\r\n")
	good.expect("fine")
	if n := s.panics.Swap(0); n != 1 {
		t.Errorf("%d panics counted", n)
	}
}
