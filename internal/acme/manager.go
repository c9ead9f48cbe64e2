package acme

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// The kinds of challenges.
const (
	HTTP    = "http"     // HTTP-01: the authority comes to port 80
	TLSALPN = "tls-alpn" // TLS-ALPN-01: it comes to port 443
)

// Options of New. Dir, Lock, Names, Directory and Challenge are needed.
type Options struct {
	Dir       string   // shared by all processes
	Lock      string   // file of the lock, on a local file system, shared likewise
	Names     []string // lower-case host names
	Email     string   // where the authority may write to; may be empty
	Directory string   // URL of the authority
	Challenge string
	HTTP      *http.Client  // nil: http.DefaultClient
	Retry     time.Duration // wait after a failure, doubled by each further one up to maxRetry; 0: 10 minutes
	Log       *slog.Logger
}

const (
	retry    = 10 * time.Minute
	maxRetry = 12 * time.Hour
	patience = 5 * time.Minute // for one certificate
)

// Manager keeps the certificates of some names in being. Its methods may be called from any goroutine.
type Manager struct{ o Options }

// New makes the directories.
func New(o Options) (*Manager, error) {
	if o.Retry == 0 {
		o.Retry = retry
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	m := &Manager{o}
	for _, dir := range []string{o.Dir, m.Certs(), m.challenges()} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, fmt.Errorf("acme: %w", err)
		}
	}
	return m, nil
}

// Certs is the directory of the certificates.
func (m *Manager) Certs() string { return filepath.Join(m.o.Dir, "certs") }

func (m *Manager) challenges() string { return filepath.Join(m.o.Dir, "challenges") }

func (m *Manager) certFile(name string) string { return filepath.Join(m.Certs(), name+".pem") }

// Watch looks for what is due at once and every interval until ctx ends, and calls changed after each certificate that came.
func (m *Manager) Watch(ctx context.Context, interval time.Duration, changed func()) {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		if n, err := m.Renew(ctx); err != nil && ctx.Err() == nil {
			m.o.Log.Error("certificates cannot be renewed", "err", err)
		} else if n > 0 {
			changed()
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Renew gets what is due, unless another process is at it, and says how many certificates came. A name that fails is logged, and left
// alone for a while; the error is about the directory and the lock.
func (m *Manager) Renew(ctx context.Context) (int, error) {
	if len(m.due()) == 0 {
		return 0, nil
	}
	lock, err := os.OpenFile(m.o.Lock, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return 0, fmt.Errorf("acme: lock: %w", err)
	}
	defer lock.Close() // and with it the lock
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); errors.Is(err, unix.EWOULDBLOCK) {
		return 0, nil
	} else if err != nil {
		return 0, fmt.Errorf("acme: lock: %w", err)
	}
	m.tidy()
	n := 0
	for _, name := range m.due() { // again: it may have been done meanwhile
		if ctx.Err() != nil {
			return n, ctx.Err()
		}
		err := m.obtain(ctx, name)
		switch {
		case err == nil:
			n++
			m.succeeded(name)
		case ctx.Err() != nil: // the server stops; no failure of the name's
			return n, ctx.Err()
		default:
			m.o.Log.Error("no certificate", "name", name, "err", err, "next", m.failed(name, err).Format(time.RFC3339))
		}
	}
	return n, nil
}

// due are the names without a certificate, or with one of whose time a third is left.
func (m *Manager) due() []string {
	now := time.Now()
	return slices.DeleteFunc(slices.Clone(m.o.Names), func(name string) bool {
		if now.Before(m.failure(name).Until) {
			return true
		}
		leaf, err := readLeaf(m.certFile(name))
		return err == nil && now.Before(leaf.NotAfter.Add(-leaf.NotAfter.Sub(leaf.NotBefore)/3))
	})
}

func readLeaf(path string) (*x509.Certificate, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		if block.Type == "CERTIFICATE" {
			return x509.ParseCertificate(block.Bytes)
		}
	}
	return nil, fmt.Errorf("acme: no certificate in %s", path)
}

// tidy removes what names left behind that are no longer configured: their certificates would expire and raise alarms.
func (m *Manager) tidy() {
	for _, pattern := range []string{filepath.Join(m.Certs(), "*.pem"), filepath.Join(m.o.Dir, "*.failed")} {
		files, _ := filepath.Glob(pattern)
		for _, f := range files {
			name := strings.TrimSuffix(strings.TrimSuffix(filepath.Base(f), ".pem"), ".failed")
			if !slices.Contains(m.o.Names, name) {
				os.Remove(f)
				m.o.Log.Info("no longer among the names of certificates", "file", f)
			}
		}
	}
}

// publish gives a file its contents at once, so that no process reads half of it.
func publish(path string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	return err
}
