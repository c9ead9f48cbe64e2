package server

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"bascule/internal/acme"
	"bascule/internal/config"
)

// issuer is who gets certificates by ACME; nil if that is not configured. Each authority has a directory of its own, so that the certificates
// of one that was tried first are not taken for the real ones.
func issuer(cfg config.Config, log *slog.Logger) (*acme.Manager, error) {
	if len(cfg.ACME.Names) == 0 {
		return nil, nil
	}
	u, err := url.Parse(cfg.ACME.Directory)
	if err != nil || u.Host == "" {
		return nil, &Problem{fmt.Sprintf("acme.directory: %q is no address", cfg.ACME.Directory), "give the URL of the authority's directory", err}
	}
	client := http.DefaultClient
	if cfg.ACME.CA != "" {
		data, err := os.ReadFile(cfg.ACME.CA)
		if err != nil {
			return nil, Explain(err, cfg.ACME.CA)
		}
		roots := x509.NewCertPool()
		if !roots.AppendCertsFromPEM(data) {
			return nil, &Problem{"no certificate in " + cfg.ACME.CA, "check acme.ca", nil}
		}
		client = &http.Client{Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: &tls.Config{RootCAs: roots}}}
	}
	m, err := acme.New(acme.Options{
		Dir: filepath.Join(cfg.DataDir, "acme", strings.ReplaceAll(u.Host, ":", "_")), Lock: filepath.Join(cfg.Run(), "acme.lock"), Names: cfg.ACME.Names,
		Email: cfg.ACME.Email, Directory: cfg.ACME.Directory, Challenge: cfg.ACME.Challenge, HTTP: client, Log: log,
	})
	if err != nil {
		return nil, Explain(err, cfg.DataDir)
	}
	return m, nil
}

// listenACME opens the listeners of the HTTP challenge.
func (s *Server) listenACME(addresses []config.Address) error {
	if s.issuer == nil {
		return nil
	}
	s.acmes = s.passed("acme")
	if len(s.acmes) > 0 {
		return nil
	}
	for _, a := range addresses {
		network, address := a.Split()
		l, err := net.Listen(network, address)
		if err != nil {
			return explainListen(err, "acme", address)
		}
		s.acmes = append(s.acmes, l)
	}
	return nil
}

// issue answers challenges and keeps certificates in being until ctx ends.
func (s *Server) issue(ctx context.Context) {
	server := s.issuer.NewServer()
	for _, l := range s.acmes {
		go server.Serve(l)
	}
	s.issuer.Watch(ctx, s.opt.Config.TLS.Reload.D(), func() {
		if err := s.certs.Reload(); err != nil {
			s.opt.Log.Error("certificate not reloaded, the old one stays", "err", err)
		}
	})
	server.Close()
}
