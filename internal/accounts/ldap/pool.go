package ldap

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"sync"
	"time"

	"github.com/go-ldap/ldap/v3"
)

// dialer makes connections as the options say.
type dialer struct {
	url      string
	tls      *tls.Config
	startTLS bool
	timeout  time.Duration
}

func newDialer(o Options) (*dialer, error) {
	u, err := url.Parse(o.URL)
	if err != nil {
		return nil, err
	}
	d := &dialer{url: o.URL, timeout: o.Timeout, startTLS: o.StartTLS && u.Scheme == "ldap",
		tls: &tls.Config{ServerName: u.Hostname(), MinVersion: tls.VersionTLS12}}
	if o.CA != "" {
		pem, err := os.ReadFile(o.CA)
		if err != nil {
			return nil, err
		}
		d.tls.RootCAs = x509.NewCertPool()
		if !d.tls.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s has no certificate", o.CA)
		}
	}
	return d, nil
}

func (d *dialer) dial() (*ldap.Conn, error) {
	c, err := ldap.DialURL(d.url, ldap.DialWithDialer(&net.Dialer{Timeout: d.timeout}), ldap.DialWithTLSConfig(d.tls))
	if err != nil {
		return nil, err
	}
	c.SetTimeout(d.timeout) // of each answer
	if d.startTLS {
		if err := c.StartTLS(d.tls); err != nil {
			c.Close()
			return nil, err
		}
	}
	return c, nil
}

// pool is a bounded set of connections, each used by one at a time.
type pool struct {
	dial func() (*ldap.Conn, error)
	free chan struct{} // a token for each connection that may be in use

	// mu protects the fields below.
	mu     sync.Mutex
	idle   []*ldap.Conn
	closed bool
}

func newPool(size int, dial func() (*ldap.Conn, error)) *pool {
	p := &pool{dial: dial, free: make(chan struct{}, size)}
	for range size {
		p.free <- struct{}{}
	}
	return p
}

// use runs fn with a connection. A kept one may have been closed by the server
// meanwhile; then fn runs once more, on a new one.
func (p *pool) use(ctx context.Context, fn func(*ldap.Conn) error) error {
	select {
	case <-p.free:
	case <-ctx.Done():
		return fmt.Errorf("all connections are busy: %w", ctx.Err())
	}
	defer func() { p.free <- struct{}{} }()
	c := p.take()
	kept := c != nil
	for {
		if c == nil {
			var err error
			if c, err = p.dial(); err != nil {
				return err
			}
		}
		err := fn(c)
		if !lost(err) {
			p.put(c)
			return err
		}
		c.Close()
		c = nil
		if !kept || ctx.Err() != nil {
			return err
		}
		kept = false
	}
}

// lost says whether an error means that the connection is of no use any more.
func lost(err error) bool {
	if err == nil {
		return false
	}
	var le *ldap.Error
	if !errors.As(err, &le) {
		return true
	}
	return le.ResultCode >= ldap.ErrorNetwork || // the library's own
		ldap.IsErrorAnyOf(err, ldap.LDAPResultUnavailable, ldap.LDAPResultBusy, ldap.LDAPResultProtocolError)
}

func (p *pool) take() *ldap.Conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.idle) == 0 {
		return nil
	}
	c := p.idle[len(p.idle)-1]
	p.idle = p.idle[:len(p.idle)-1]
	return c
}

func (p *pool) put(c *ldap.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		c.Close()
		return
	}
	p.idle = append(p.idle, c)
}

func (p *pool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for _, c := range p.idle {
		c.Close()
	}
	p.idle = nil
}
