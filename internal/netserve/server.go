package netserve

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"runtime/debug"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// Handler serves one connection and returns when it is over, or after Conn.Rest said true. ctx ends at drain: say goodbye then, and return. The
// connection is flushed and closed after the return, unless it rests.
type Handler func(ctx context.Context, c *Conn)

// Listener describes one place to listen at.
type Listener struct {
	Name    string       // in logs and in Conn.Listener: "imaps"
	Network string       // "tcp" when empty; "unix"
	Address string       // host:port; port 0 lets the kernel choose
	Socket  net.Listener // open already, passed on by whoever started this process; instead of Network and Address
	TLS     bool         // TLS from the first octet
	// TLSConfig takes the place of Config.TLSConfig here; may be nil.
	TLSConfig func() *tls.Config
	Proxy     bool           // every connection begins with a PROXY header ...
	From      []netip.Prefix // ... and comes from one of these networks; all others are closed
}

// Config is what a Server needs. Only Listeners and Handler have no default.
type Config struct {
	Listeners  []Listener
	Handler    Handler
	TLSConfig  func() *tls.Config // asked for each handshake, so a new certificate acts at once; nil: no TLS
	PerAddress int                // connections per client address before login; 0: no limit
	MaxConns   int                // connections in all; 0: no limit
	Trusted    []netip.Prefix     // networks that PerAddress does not count (webmail: one address, many people)
	Refusal    string             // what a client over a limit is told ("* BYE ...\r\n") in clear text, before the close
	KeepAlive  time.Duration      // silence before the kernel probes the peer; 0: 2 minutes; negative: never
	Trace      io.Writer          // masked wire trace of every connection; nil: none
	TraceFull  bool               // the trace shows credentials and mail too
	Log        *slog.Logger       // nil: slog.Default
}

// Server accepts connections for one protocol. Listen, then Serve; Shutdown ends both.
type Server struct {
	cfg     Config
	log     *slog.Logger
	limit   *addressLimit
	panics  atomic.Int64
	refused atomic.Int64
	total   traffic
	ids     atomic.Uint64
	prefix  string
	ctx     context.Context // ends at drain
	drain   context.CancelFunc
	wg      sync.WaitGroup // accept loops and connections

	// mu protects the fields below.
	mu        sync.Mutex
	listeners []net.Listener
	conns     map[*Conn]struct{}
	draining  bool
}

// New makes a server. It opens nothing yet.
func New(cfg Config) *Server {
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	if cfg.KeepAlive == 0 {
		cfg.KeepAlive = 2 * time.Minute
	}
	if cfg.TLSConfig == nil {
		cfg.TLSConfig = func() *tls.Config { return nil }
	}
	var start [4]byte
	rand.Read(start[:])
	s := &Server{cfg: cfg, log: cfg.Log, limit: newAddressLimit(cfg.PerAddress), prefix: hex.EncodeToString(start[:]),
		conns: make(map[*Conn]struct{})}
	s.ctx, s.drain = context.WithCancel(context.Background())
	return s
}

// Listen opens every listener, or none: after an error (which names the address) all are closed again.
func (s *Server) Listen() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.cfg.Listeners {
		network := l.Network
		if network == "" {
			network = "tcp"
		}
		if l.Socket != nil {
			s.listeners = append(s.listeners, l.Socket)
			continue
		}
		lc := net.ListenConfig{KeepAlive: -1} // tuneSocket does it
		ln, err := lc.Listen(s.ctx, network, l.Address)
		if err != nil {
			for _, open := range s.listeners {
				open.Close()
			}
			s.listeners = nil
			return &ListenError{l, err}
		}
		s.listeners = append(s.listeners, ln)
	}
	return nil
}

// ListenError tells which listener could not be opened.
type ListenError struct {
	Listener Listener
	Err      error
}

func (e *ListenError) Error() string {
	return fmt.Sprintf("netserve: listen for %s at %s: %v", e.Listener.Name, e.Listener.Address, e.Err)
}

func (e *ListenError) Unwrap() error { return e.Err }

// Bound lists the open listeners with the addresses they really have.
func (s *Server) Bound() []Listener {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Listener
	for i, ln := range s.listeners {
		l := s.cfg.Listeners[i]
		l.Address = ln.Addr().String()
		out = append(out, l)
	}
	return out
}

// Full tells whether further connections are refused, or will be after a few more (one in a hundred of Config.MaxConns).
func (s *Server) Full() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cfg.MaxConns > 0 && len(s.conns) >= s.cfg.MaxConns-s.cfg.MaxConns/100
}

// Addrs are the addresses listened at, in the order of the configuration; empty before Listen.
func (s *Server) Addrs() []net.Addr {
	s.mu.Lock()
	defer s.mu.Unlock()
	var addrs []net.Addr
	for _, ln := range s.listeners {
		addrs = append(addrs, ln.Addr())
	}
	return addrs
}

// Serve accepts until Shutdown (and returns nil at once after it) and returns when the accept loops have ended. Connections may still be open then; Shutdown waits for
// those.
func (s *Server) Serve() error {
	s.mu.Lock()
	if s.draining {
		s.mu.Unlock()
		return nil
	}
	if len(s.listeners) != len(s.cfg.Listeners) {
		s.mu.Unlock()
		return errors.New("netserve: serve: not listening")
	}
	var loops sync.WaitGroup
	for i, ln := range s.listeners {
		s.wg.Add(1)
		loops.Add(1)
		go func() {
			defer s.wg.Done()
			defer loops.Done()
			s.accept(ln, s.cfg.Listeners[i])
		}()
	}
	s.mu.Unlock()
	loops.Wait()
	return nil
}

func (s *Server) accept(ln net.Listener, l Listener) {
	pause := time.Duration(0)
	for {
		nc, err := ln.Accept()
		if err == nil {
			pause = 0
			s.begin(nc, l)
			continue
		}
		if errors.Is(err, net.ErrClosed) || s.ctx.Err() != nil {
			return
		}
		// Out of descriptors, most likely: connections that end will free some.
		pause = min(max(2*pause, 5*time.Millisecond), time.Second)
		s.log.Error("accept failed", "listener", l.Name, "err", err)
		select {
		case <-time.After(pause):
		case <-s.ctx.Done():
			return
		}
	}
}

// begin registers the connection and starts its goroutine.
func (s *Server) begin(nc net.Conn, l Listener) {
	c := newConn(nc, s.prefix+"-"+strconv.FormatUint(s.ids.Add(1), 36))
	c.listener, c.tlsConfig, c.total = l.Name, s.cfg.TLSConfig, &s.total
	if l.TLSConfig != nil {
		c.tlsConfig = l.TLSConfig
	}
	s.mu.Lock()
	full := s.cfg.MaxConns > 0 && len(s.conns) >= s.cfg.MaxConns
	if s.draining || full {
		s.mu.Unlock()
		if full {
			s.refuse(c, l, "too many connections")
		}
		nc.Close()
		return
	}
	s.conns[c] = struct{}{}
	s.wg.Add(1)
	s.mu.Unlock()
	go s.step(c, func() { s.run(c, l) })
}

// run is what the connection's goroutine does first.
func (s *Server) run(c *Conn, l Listener) {
	if err := s.prepare(c, l); err != nil {
		s.log.Debug("connection refused", "conn", c.id, "listener", l.Name, "remote", c.remote, "reason", err)
		c.Abort()
		return
	}
	if s.cfg.Trace != nil {
		c.SetTrace(s.cfg.Trace, s.cfg.TraceFull)
	}
	c.mayRest = canRest(c.raw)
	s.cfg.Handler(s.ctx, c)
}

// recovered keeps a panic of one connection from ending the others.
func (s *Server) recovered(c *Conn) {
	if p := recover(); p != nil {
		c.resume = nil
		s.panics.Add(1)
		s.log.Error("panic in a connection", "conn", c.id, "remote", c.remote, "panic", p, "stack", string(debug.Stack()))
	}
}

// end closes a connection and forgets it.
func (s *Server) end(c *Conn) {
	defer s.wg.Done()
	defer func() {
		s.mu.Lock()
		delete(s.conns, c)
		s.mu.Unlock()
	}()
	c.Close()
}

// prepare does what comes before the protocol: PROXY header, limit, TLS.
func (s *Server) prepare(c *Conn, l Listener) error {
	tuneSocket(c.raw, s.cfg.KeepAlive)
	if l.Proxy {
		if !contains(l.From, c.remote.Addr()) {
			return errors.New("not from a trusted proxy")
		}
		stop := context.AfterFunc(s.ctx, func() { c.Abort() })
		err := c.acceptProxy()
		stop()
		if err != nil {
			return err
		}
	}
	release, ok := func() {}, true
	if !contains(s.cfg.Trusted, c.remote.Addr()) {
		release, ok = s.limit.enter(c.remote.Addr())
	}
	if !ok {
		s.refuse(c, l, "too many connections from this address before login")
		return errors.New("limit of connections before login")
	}
	c.release = release
	if l.TLS {
		return c.handshake(s.ctx, handshakeTimeout)
	}
	return nil
}

// refuse says why, where that can be read without a handshake, and never waits for the client.
func (s *Server) refuse(c *Conn, l Listener, why string) {
	s.refused.Add(1)
	s.log.Info("connection refused", "conn", c.id, "listener", l.Name, "remote", c.remote, "reason", why)
	if !l.TLS && !l.Proxy && s.cfg.Refusal != "" {
		c.raw.SetWriteDeadline(time.Now().Add(50 * time.Millisecond))
		io.WriteString(c.raw, s.cfg.Refusal)
	}
}

func contains(nets []netip.Prefix, a netip.Addr) bool {
	for _, n := range nets {
		if n.Contains(a) {
			return true
		}
	}
	return false
}

// Shutdown stops accepting, ends the handlers' context, wakes every waiting read, and waits for the handlers. When ctx ends first,
// the remaining connections are cut and ctx's error is returned.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	s.draining = true
	for _, ln := range s.listeners {
		ln.Close()
	}
	s.drain()
	for c := range s.conns {
		c.Wake()
	}
	s.mu.Unlock()
	done := make(chan struct{})
	go func() { s.wg.Wait(); close(done) }()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
	}
	s.mu.Lock()
	for c := range s.conns {
		c.Abort()
	}
	s.mu.Unlock()
	select {
	case <-done:
	case <-time.After(time.Second): // a handler stuck in the store must not keep the process
	}
	return ctx.Err()
}

// Connections is the number of open connections.
func (s *Server) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns)
}

// Accepted counts connections that were accepted, those that were refused then too.
func (s *Server) Accepted() uint64 { return s.ids.Load() }

// Traffic counts the octets read and written, without those of TLS.
func (s *Server) Traffic() (in, out int64) { return s.total.in.Load(), s.total.out.Load() }

// Panics counts handlers that panicked; any test that ends with more than 0 has failed.
func (s *Server) Panics() int64 { return s.panics.Load() }

// Refused counts connections turned away by a limit.
func (s *Server) Refused() int64 { return s.refused.Load() }
