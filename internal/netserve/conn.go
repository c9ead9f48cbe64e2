package netserve

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

var (
	// ErrWoken is what a waiting read returns after Wake. Nothing that the client sent is lost.
	ErrWoken = errors.New("netserve: woken")
	// ErrTimeout is what a read returns when the client was silent for the read timeout, or the read deadline has passed.
	ErrTimeout = errors.New("netserve: client was silent for too long")
	// ErrLineTooLong is what ReadLine returns for a line over its bound. The whole line has been read away, so the stream is in step.
	ErrLineTooLong = errors.New("netserve: line too long")
	// ErrFlood is what ReadLine returns for a line without an end. The stream is out of step: close the connection.
	ErrFlood = errors.New("netserve: line without end")
	// ErrNoTLS is what StartTLS returns when the server has no certificate, or TLS is active already.
	ErrNoTLS = errors.New("netserve: TLS is not available")
)

// Conn is one accepted connection. Its handler's goroutine alone may read, write and call StartTLS.
type Conn struct {
	id            string
	listener      string
	remote, local netip.AddrPort
	proxyTLS      string   // version of TLS between the client and a trusted proxy
	raw           net.Conn // the socket; deadlines are set here also when TLS lies over it
	stream        net.Conn // raw, or the TLS connection over it
	tls           *tls.Conn
	tlsConfig     func() *tls.Config
	since         time.Time
	in, out       atomic.Int64
	total         *traffic // of the server
	trace         atomic.Pointer[tracer]
	asked         atomic.Pointer[tracer] // a trace to begin at the next command

	// The fields below belong to the handler's goroutine.
	br           *bufio.Reader
	bw           *bufio.Writer
	line         []byte // the part of a line that ReadLine has taken out of br already
	skipping     int    // octets of an overlong line thrown away so far
	first        [1]byte
	haveFirst    bool // first holds an octet that was read while no buffer was held
	between      bool // the current read is between commands
	wakeable     bool // the current read may end with ErrWoken
	readTimeout  time.Duration
	writeTimeout time.Duration
	deadline     time.Time    // absolute bound for reads; zero is none
	waitUntil    time.Time    // bound of the current wait; zero is none
	release      func()       // gives back the place in the limit before login; nil when given
	flushing     int          // octets that may still come of a compressed stream that has ended
	zip          *compression // nil while what crosses the connection is not compressed
	mayRest      bool         // a Server serves it, on a socket
	restUntil    time.Time
	resume       func() // what is to go on after the rest that was asked for; nil: none
	visited      bool   // during a visit
	unsent       []byte // what the socket did not take in a visit; it goes before anything else

	// turn is held during a visit. A rest does not end before that is over. It is taken before mu.
	turn sync.Mutex

	// mu protects the fields below.
	mu     sync.Mutex
	woken  bool // Wake was called and nobody has been told
	parked bool // a read that may be woken is blocked
	rests  bool // likewise, in a rest: Visit may come
	closer *time.Timer
	closed bool
}

// traffic counts octets of all connections of a server.
type traffic struct{ in, out atomic.Int64 }

// nobody's traffic is that of connections without a server.
var nobody traffic

const (
	defaultReadTimeout  = 10 * time.Minute
	defaultWriteTimeout = time.Minute
)

func newConn(raw net.Conn, id string) *Conn {
	c := &Conn{
		id: id, raw: raw, stream: raw, since: time.Now(),
		readTimeout: defaultReadTimeout, writeTimeout: defaultWriteTimeout, total: &nobody,
		remote: addrPort(raw.RemoteAddr()), local: addrPort(raw.LocalAddr()),
	}
	return c
}

// NewConn wraps a socket that was accepted elsewhere (a test's pipe, for instance). tlsConfig may be nil: no StartTLS then.
func NewConn(raw net.Conn, id string, tlsConfig func() *tls.Config) *Conn {
	c := newConn(raw, id)
	c.tlsConfig = tlsConfig
	return c
}

// addrPort returns the zero AddrPort for what is not TCP (a Unix socket, a pipe).
func addrPort(a net.Addr) netip.AddrPort {
	t, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.AddrPort{}
	}
	ap := t.AddrPort()
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
}

// ID names the connection in logs; unique among the processes of one store, for practical purposes.
func (c *Conn) ID() string { return c.id }

// Listener is the name of the listener that accepted the connection ("imaps").
func (c *Conn) Listener() string { return c.listener }

// Remote is the client's address: the one in the PROXY header where there was one.
func (c *Conn) Remote() netip.AddrPort { return c.remote }

// Local is the address that the client connected to.
func (c *Conn) Local() netip.AddrPort { return c.local }

// Since is when the connection was accepted.
func (c *Conn) Since() time.Time { return c.since }

// Counters returns the octets read and written so far, without those of TLS; compressed ones as they cross the connection.
func (c *Conn) Counters() (in, out int64) { return c.in.Load(), c.out.Load() }

// TLS returns the state of the TLS connection; nil in clear text.
func (c *Conn) TLS() *tls.ConnectionState {
	if c.tls == nil {
		return nil
	}
	s := c.tls.ConnectionState()
	return &s
}

// ProxyTLS is the version of TLS ("TLSv1.3") that the client speaks to the trusted proxy before us, as its PROXY header says; empty if it
// speaks none, or none is said.
func (c *Conn) ProxyTLS() string { return c.proxyTLS }

// HasTLS tells whether StartTLS can be offered: a certificate is there, and neither TLS (here or at the proxy) nor compression is active yet.
func (c *Conn) HasTLS() bool {
	return c.tls == nil && c.proxyTLS == "" && c.zip == nil && c.tlsConfig != nil && c.tlsConfig() != nil
}

// SetReadTimeout bounds each wait for input; 0 restores the default of 10 minutes.
func (c *Conn) SetReadTimeout(d time.Duration) {
	if d <= 0 {
		d = defaultReadTimeout
	}
	c.readTimeout = d
}

// SetWriteTimeout bounds each piece of output (64 KiB; 256 KiB of a file); 0 restores the default of one minute.
func (c *Conn) SetWriteTimeout(d time.Duration) {
	if d <= 0 {
		d = defaultWriteTimeout
	}
	c.writeTimeout = d
}

// SetReadDeadline is an absolute bound for all reads, on top of the timeout of each: a client that sends one octet a minute must
// still log in in time. The zero time removes it.
func (c *Conn) SetReadDeadline(t time.Time) { c.deadline = t }

// LoggedIn tells that the client has proved who it is: the connection no longer counts against its address's limit.
func (c *Conn) LoggedIn() {
	if c.release != nil {
		c.release()
		c.release = nil
	}
}

// CloseAfter closes the connection from outside once d has passed, for a handler that does not come back from a wait. The last call
// counts. Safe from any goroutine; does not block.
func (c *Conn) CloseAfter(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return
	}
	if c.closer != nil {
		c.closer.Stop()
	}
	c.closer = time.AfterFunc(d, func() { c.Abort() })
}

// Abort closes the socket at once; the handler's next read or write fails. Safe from any goroutine, also twice.
func (c *Conn) Abort() error {
	c.mu.Lock()
	c.closed = true
	if c.closer != nil {
		c.closer.Stop()
	}
	c.mu.Unlock()
	return c.raw.Close()
}

// lingerTime and lingerBytes bound how much input is thrown away at the end, so that the client gets our last words instead of a
// reset: a kernel that closes a socket with unread input discards what it still had to send.
const (
	lingerTime  = 200 * time.Millisecond
	lingerBytes = 64 << 10
)

// Close flushes what is pending and closes the connection politely. For the handler's goroutine; the server calls it when the
// handler has returned.
func (c *Conn) Close() error {
	c.LoggedIn()
	c.mu.Lock()
	already := c.closed
	c.mu.Unlock()
	if already {
		c.freeBuffers()
		return nil
	}
	err := c.Flush()
	c.freeBuffers()
	if err == nil {
		c.raw.SetWriteDeadline(time.Now().Add(lingerTime))
		if c.tls != nil {
			c.tls.CloseWrite() // close_notify; an error only means that the peer is gone
		}
		if half, ok := c.raw.(interface{ CloseWrite() error }); ok && half.CloseWrite() == nil {
			c.raw.SetReadDeadline(time.Now().Add(lingerTime))
			io.CopyN(io.Discard, c.raw, lingerBytes)
		}
	}
	if e := c.Abort(); err == nil {
		err = e
	}
	return err
}

// handshake performs the TLS handshake as server; afterwards the connection speaks TLS.
func (c *Conn) handshake(ctx context.Context, limit time.Duration) error {
	cfg := c.tlsConfig()
	if cfg == nil {
		return ErrNoTLS
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	c.raw.SetDeadline(time.Time{})
	t := tls.Server(c.raw, cfg)
	if err := t.HandshakeContext(ctx); err != nil {
		return err
	}
	c.tls, c.stream = t, t
	return nil
}
