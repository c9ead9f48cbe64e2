package netserve

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"
)

// KeyPair names the files of a certificate (with its chain) and of its key, both PEM. They may be the same file.
type KeyPair struct{ Cert, Key string }

// Certificates holds the key pairs of a server, and takes them up again when the files change. Contents are compared, not only file
// times: a Kubernetes secret changes by a swapped symbolic link that no watch on the file sees. A pair that does not load, or whose key
// does not fit, is reported and the old one stays. Safe for use by several goroutines.
type Certificates struct {
	pairs  []KeyPair
	min    uint16
	log    *slog.Logger
	config atomic.Pointer[tls.Config]

	// mu protects the fields below.
	mu     sync.Mutex
	loaded []tls.Certificate
	sums   [][sha256.Size]byte
}

// NewCertificates loads the pairs; the first is shown to clients that name no server, or one that no pair covers (SNI). min is the
// lowest TLS version, 0 for TLS 1.2.
func NewCertificates(pairs []KeyPair, min uint16, log *slog.Logger) (*Certificates, error) {
	if len(pairs) == 0 {
		return nil, errors.New("netserve: no certificate is configured")
	}
	if min == 0 {
		min = tls.VersionTLS12
	}
	if log == nil {
		log = slog.Default()
	}
	cs := &Certificates{pairs: pairs, min: min, log: log, loaded: make([]tls.Certificate, len(pairs)), sums: make([][sha256.Size]byte, len(pairs))}
	for i := range pairs {
		if _, err := cs.load(i); err != nil {
			return nil, err
		}
	}
	cs.publish()
	return cs, nil
}

// Config is the configuration for the next handshake; give it to Config.TLSConfig.
func (cs *Certificates) Config() *tls.Config { return cs.config.Load() }

// Reload takes up changed files. The error names every pair that stays as it was although its files changed.
func (cs *Certificates) Reload() error {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	var errs []error
	changed := false
	for i := range cs.pairs {
		c, err := cs.load(i)
		if err != nil {
			errs = append(errs, err)
		}
		changed = changed || c
	}
	if changed {
		cs.publish()
	}
	return errors.Join(errs...)
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

// Expires is the earliest end of validity of the pairs in use.
func (cs *Certificates) Expires() time.Time {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	var first time.Time
	for _, c := range cs.loaded {
		if first.IsZero() || c.Leaf.NotAfter.Before(first) {
			first = c.Leaf.NotAfter
		}
	}
	return first
}

// load reads pair i; needs mu, except in the constructor.
func (cs *Certificates) load(i int) (changed bool, err error) {
	cert, err := os.ReadFile(cs.pairs[i].Cert)
	if err != nil {
		return false, fmt.Errorf("netserve: certificate: %w", err)
	}
	key, err := os.ReadFile(cs.pairs[i].Key)
	if err != nil {
		return false, fmt.Errorf("netserve: key: %w", err)
	}
	sum := sha256.Sum256(bytes.Join([][]byte{cert, key}, []byte{0}))
	if cs.loaded[i].Leaf != nil && sum == cs.sums[i] {
		return false, nil
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return false, fmt.Errorf("netserve: certificate %s with key %s: %w", cs.pairs[i].Cert, cs.pairs[i].Key, err)
	}
	if pair.Leaf == nil {
		if pair.Leaf, err = x509.ParseCertificate(pair.Certificate[0]); err != nil {
			return false, fmt.Errorf("netserve: certificate %s: %w", cs.pairs[i].Cert, err)
		}
	}
	if cs.loaded[i].Leaf != nil {
		cs.log.Info("certificate reloaded", "file", cs.pairs[i].Cert, "expires", pair.Leaf.NotAfter)
	}
	cs.loaded[i], cs.sums[i] = pair, sum
	return true, nil
}

// publish makes the configuration for new handshakes; crypto/tls chooses among the certificates by server name.
func (cs *Certificates) publish() {
	cs.config.Store(&tls.Config{Certificates: append([]tls.Certificate(nil), cs.loaded...), MinVersion: cs.min})
}

// SelfSigned writes a certificate for the host names and addresses and its key to the two files, for trying things out. Files that
// are there already stay, so a client that was told to trust the certificate can go on doing so.
func SelfSigned(pair KeyPair, hosts []string, valid time.Duration) error {
	if _, err := tls.LoadX509KeyPair(pair.Cert, pair.Key); err == nil {
		return nil
	}
	if _, err := os.Stat(pair.Key); err == nil {
		return fmt.Errorf("netserve: self-signed certificate: %s is there but does not load with %s", pair.Key, pair.Cert)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("netserve: self-signed certificate: %w", err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return fmt.Errorf("netserve: self-signed certificate: %w", err)
	}
	now := time.Now()
	tmpl := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: hosts[0]},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(valid),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true, IsCA: true, // so that it can stand in a trust store as it is
	}
	for _, h := range hosts {
		if ip := net.ParseIP(h); ip != nil {
			tmpl.IPAddresses = append(tmpl.IPAddresses, ip)
		} else {
			tmpl.DNSNames = append(tmpl.DNSNames, h)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		return fmt.Errorf("netserve: self-signed certificate: %w", err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return fmt.Errorf("netserve: self-signed certificate: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(pair.Key), 0o700); err != nil {
		return fmt.Errorf("netserve: self-signed certificate: %w", err)
	}
	if err := os.WriteFile(pair.Key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}), 0o600); err != nil {
		return fmt.Errorf("netserve: self-signed certificate: %w", err)
	}
	if err := os.WriteFile(pair.Cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o644); err != nil {
		return fmt.Errorf("netserve: self-signed certificate: %w", err)
	}
	return nil
}
