package netserve

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// testCerts makes a self-signed pair once per test.
func testCerts(t testing.TB) (*Certificates, *tls.Config) {
	t.Helper()
	dir := t.TempDir()
	pair := KeyPair{Cert: filepath.Join(dir, "cert.pem"), Key: filepath.Join(dir, "key.pem")}
	if err := SelfSigned(pair, []string{"localhost", "127.0.0.1"}, time.Hour); err != nil {
		t.Fatal(err)
	}
	cs, err := NewCertificates(CertificateOptions{Pairs: []KeyPair{pair}})
	if err != nil {
		t.Fatal(err)
	}
	pem, err := os.ReadFile(pair.Cert)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	return cs, &tls.Config{RootCAs: roots, ServerName: "localhost"}
}

// start runs a server with h and returns it with the address of its first listener.
func start(t testing.TB, cfg Config) (*Server, string) {
	t.Helper()
	if len(cfg.Listeners) == 0 {
		cfg.Listeners = []Listener{{Name: "test", Address: "127.0.0.1:0"}}
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	s := New(cfg)
	if err := s.Listen(); err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve() }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
		if err := <-served; err != nil {
			t.Errorf("Serve: %v", err)
		}
		if n := s.Panics(); n != 0 {
			t.Errorf("%d handlers panicked", n)
		}
	})
	return s, s.Addrs()[0].String()
}

type client struct {
	t testing.TB
	net.Conn
	r *bufio.Reader
}

func wrap(t testing.TB, nc net.Conn) *client {
	nc.SetDeadline(time.Now().Add(20 * time.Second))
	t.Cleanup(func() { nc.Close() })
	return &client{t: t, Conn: nc, r: bufio.NewReader(nc)}
}

func dial(t testing.TB, addr string) *client {
	t.Helper()
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	return wrap(t, nc)
}

func (c *client) send(s string) {
	c.t.Helper()
	if _, err := io.WriteString(c.Conn, s); err != nil {
		c.t.Fatalf("send %q: %v", s, err)
	}
}

func (c *client) expect(want string) {
	c.t.Helper()
	got, err := c.r.ReadString('\n')
	if err != nil || got != want+"\n" {
		c.t.Fatalf("got %q (%v), want %q", got, err, want)
	}
}

func (c *client) startTLS(cfg *tls.Config) *client {
	c.t.Helper()
	tc := tls.Client(c.Conn, cfg)
	if err := tc.Handshake(); err != nil {
		c.t.Fatalf("handshake: %v", err)
	}
	return wrap(c.t, tc)
}

// echo answers each line; "starttls" upgrades, "quit" ends, a wake is told to the client.
func echo(ctx context.Context, c *Conn) {
	for {
		err := c.WaitReadable(0)
		var line []byte
		if err == nil {
			line, err = c.ReadLine(100)
		}
		switch {
		case err == ErrWoken:
			c.Writer().WriteString("woken\n")
			if ctx.Err() != nil {
				c.Writer().WriteString("bye\n")
				return
			}
			continue
		case err == ErrLineTooLong:
			c.Writer().WriteString("too long\n")
			continue
		case err == ErrTimeout:
			c.Writer().WriteString("timeout\n")
			return
		case err != nil:
			return
		}
		switch string(line) {
		case "starttls":
			c.Writer().WriteString("go ahead\n")
			if err := c.StartTLS(ctx); err != nil {
				return
			}
		case "compress":
			c.Writer().WriteString("go ahead\n")
			if err := c.Compress(); err != nil {
				return
			}
		case "quit":
			c.Writer().WriteString("bye\n")
			return
		default:
			c.Writer().WriteString("got " + string(line) + "\n")
		}
	}
}
