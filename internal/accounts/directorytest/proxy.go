package directorytest

import (
	"io"
	"net"
	"sync"
	"testing"
)

// Proxy stands before a real server, so that it can be taken away and given back.
type Proxy struct {
	Address         string // 127.0.0.1:port
	network, target string

	// mu protects the fields below.
	mu       sync.Mutex
	listener net.Listener
	conns    []net.Conn
	mute     bool
}

// NewProxy makes a proxy that ends with the test.
func NewProxy(t *testing.T, network, target string) *Proxy {
	p := &Proxy{network: network, target: target, Address: "127.0.0.1:0"}
	p.Up(t)
	t.Cleanup(func() { p.Down(t) })
	return p
}

// Up listens, at the address of the first time.
func (p *Proxy) Up(t *testing.T) {
	p.mu.Lock()
	defer p.mu.Unlock()
	l, err := net.Listen("tcp", p.Address)
	if err != nil {
		t.Fatal(err)
	}
	p.listener, p.Address = l, l.Addr().String()
	go p.accept(l)
}

// Mute lets the server take connections and say nothing, as behind a firewall.
func (p *Proxy) Mute() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mute = true
	p.cut()
}

// Down refuses connections and cuts those that are open.
func (p *Proxy) Down(*testing.T) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.listener.Close()
	p.cut()
}

func (p *Proxy) cut() {
	for _, c := range p.conns {
		c.Close()
	}
	p.conns = nil
}

func (p *Proxy) accept(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		p.mu.Lock()
		p.conns = append(p.conns, c)
		mute := p.mute
		p.mu.Unlock()
		if mute {
			continue
		}
		s, err := net.Dial(p.network, p.target)
		if err != nil {
			c.Close()
			continue
		}
		go func() { io.Copy(s, c); s.Close() }()
		go func() { io.Copy(c, s); c.Close() }()
	}
}
