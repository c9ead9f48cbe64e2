package netserve

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// KeyPair names the files of a certificate (with its chain) and of its key, both PEM. They may be the same file. While there is no file
// Cert (or no name for it), StandIn is used, one PEM file with both; empty: a missing file is an error.
type KeyPair struct{ Cert, Key, StandIn string }

// read gives the files' contents, and whether they are the stand-in's.
func (p KeyPair) read() (cert, key []byte, standing bool, err error) {
	if p.Cert == "" {
		err = fs.ErrNotExist
	} else {
		cert, err = os.ReadFile(p.Cert)
	}
	if p.StandIn != "" && errors.Is(err, fs.ErrNotExist) {
		p.Key, standing = p.StandIn, true
		cert, err = os.ReadFile(p.StandIn)
	}
	if err != nil {
		return nil, nil, false, fmt.Errorf("netserve: certificate: %w", err)
	}
	if key, err = os.ReadFile(p.Key); err != nil {
		return nil, nil, false, fmt.Errorf("netserve: key: %w", err)
	}
	return cert, key, standing, nil
}

// CertificateOptions say where certificates come from. There must be one at least.
type CertificateOptions struct {
	Pairs []KeyPair
	// Dirs hold further pairs, found by their contents (see certdir.go); what comes and goes there is taken up.
	Dirs []string
	// Name is the server's own: without Pairs (or with a stand-in only) its certificate is the one for clients that name no server.
	Name string
	// Min is the lowest TLS version, 0 for TLS 1.2.
	Min uint16
	// ClientCA is a PEM file with the authorities whose client certificates are verified (RFC 4422 EXTERNAL); empty: none are asked for.
	ClientCA string
	// Challenge answers handshakes of an ACME server's TLS-ALPN-01 validation (RFC 8737); may be nil.
	Challenge func(*tls.ClientHelloInfo) (*tls.Certificate, error)
	Log       *slog.Logger
}

// Certificates holds the key pairs of a server, and takes them up again when the files change. Contents are compared, not only file
// times: a Kubernetes secret changes by a swapped symbolic link that no watch on the file sees. A pair that does not load, or whose key
// does not fit, is reported and the old one stays. Safe for use by several goroutines.
type Certificates struct {
	opts    CertificateOptions
	log     *slog.Logger
	shelf   atomic.Pointer[shelf]
	configs atomic.Pointer[configs]

	// mu protects the fields below.
	mu     sync.Mutex
	loaded []loadedPair
	dirs   []*certDir
	caSum  [sha256.Size]byte
}

// loadedPair is what a KeyPair was when it was last good.
type loadedPair struct {
	cert     *tls.Certificate
	sum      [sha256.Size]byte
	standing bool
}

// NewCertificates loads everything. The first pair is shown to clients that name no server, or one that no certificate covers (SNI).
func NewCertificates(o CertificateOptions) (*Certificates, error) {
	if o.Min == 0 {
		o.Min = tls.VersionTLS12
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	cs := &Certificates{opts: o, log: o.Log, loaded: make([]loadedPair, len(o.Pairs))}
	for i := range o.Pairs {
		if _, err := cs.load(i); err != nil {
			return nil, err
		}
	}
	for _, path := range o.Dirs {
		d := &certDir{path: path, log: o.Log}
		cs.dirs = append(cs.dirs, d)
		if _, err := d.scan(); err != nil {
			if d.files == nil {
				return nil, err
			}
			o.Log.Warn("certificates not taken up", "err", err)
		}
	}
	if _, err := cs.loadClientCA(); err != nil {
		return nil, err
	}
	if cs.arrange(); len(cs.shelf.Load().all) == 0 {
		return nil, errors.New("netserve: no certificate is configured")
	}
	return cs, nil
}

// Config is the configuration for the next handshake; give it to Config.TLSConfig.
func (cs *Certificates) Config() *tls.Config { return cs.configs.Load().usual }

// OldConfig is Config for a listener that takes TLS 1.0 and 1.1 too.
func (cs *Certificates) OldConfig() *tls.Config { return cs.configs.Load().old }

// Reload takes up changed files. The error names every pair that stays as it was although its files changed.
func (cs *Certificates) Reload() error {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	var errs []error
	changed := false
	note := func(c bool, err error) {
		changed = changed || c
		errs = append(errs, err)
	}
	for i := range cs.loaded {
		note(cs.load(i))
	}
	for _, d := range cs.dirs {
		note(d.scan())
	}
	if changed {
		cs.arrange()
	}
	_, err := cs.loadClientCA()
	return errors.Join(append(errs, err)...)
}

// Watch reloads every interval until stop is closed; failures go to the log, once per kind.
func (cs *Certificates) Watch(interval time.Duration, stop <-chan struct{}) {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	last := ""
	for {
		select {
		case <-stop:
			return
		case <-tick.C:
		}
		said := ""
		if err := cs.Reload(); err != nil {
			said = err.Error()
			if said != last {
				cs.log.Error("certificate not reloaded, the old one stays", "err", err)
			}
		}
		last = said
	}
}

// Expires is the earliest end of validity of the certificates in use. One whose names all have a longer-lived one is not in use.
func (cs *Certificates) Expires() time.Time { return cs.shelf.Load().expires() }

// load reads pair i; needs mu, except in the constructor.
func (cs *Certificates) load(i int) (changed bool, err error) {
	cert, key, standing, err := cs.opts.Pairs[i].read()
	if err != nil {
		return false, err
	}
	old := cs.loaded[i]
	sum := sha256.Sum256(bytes.Join([][]byte{cert, key}, []byte{0}))
	if old.cert != nil && sum == old.sum {
		return false, nil
	}
	file := cs.opts.Pairs[i].Cert
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return false, fmt.Errorf("netserve: certificate %s with key %s: %w", file, cs.opts.Pairs[i].Key, err)
	}
	if pair.Leaf == nil {
		if pair.Leaf, err = x509.ParseCertificate(pair.Certificate[0]); err != nil {
			return false, fmt.Errorf("netserve: certificate %s: %w", file, err)
		}
	}
	if old.cert != nil {
		cs.log.Info("certificate reloaded", "file", file, "expires", pair.Leaf.NotAfter)
	}
	cs.loaded[i] = loadedPair{&pair, sum, standing}
	return true, nil
}

// arrange makes the shelf of what is loaded, in the order in which certificates are preferred: those that the configuration names, those of
// directories, a stand-in.
func (cs *Certificates) arrange() {
	var named, found, standing []*tls.Certificate
	for _, p := range cs.loaded {
		if p.standing {
			standing = append(standing, p.cert)
		} else {
			named = append(named, p.cert)
		}
	}
	for _, d := range cs.dirs {
		found = append(found, d.certificates()...)
	}
	cs.shelf.Store(newShelf(named, found, standing, cs.opts.Name))
}
