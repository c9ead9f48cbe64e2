package server

import (
	"crypto/tls"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"bascule/internal/acme"
	"bascule/internal/config"
	"bascule/internal/netserve"
)

// selfSignedFor is how long a self-signed certificate is good: nobody renews one.
const selfSignedFor = 3650 * 24 * time.Hour

// certificates loads what tls configures, and makes the stand-in if that is wanted; nil without any.
func certificates(cfg config.Config, issuer *acme.Manager, log *slog.Logger) (*netserve.Certificates, error) {
	if !cfg.HasTLS() {
		return nil, nil
	}
	var pairs []netserve.KeyPair
	standing := cfg.TLS.SelfSigned || issuer != nil && cfg.TLS.Cert == "" // there is none before the authority has been asked
	if cfg.TLS.Cert != "" || standing {
		first := netserve.KeyPair{Cert: cfg.TLS.Cert, Key: cfg.TLS.Key}
		if standing {
			if err := standIn(cfg, &first, log); err != nil {
				return nil, err
			}
		}
		pairs = append(pairs, first)
	}
	for _, p := range cfg.TLS.More {
		pairs = append(pairs, netserve.KeyPair{Cert: p.Cert, Key: p.Key})
	}
	o := netserve.CertificateOptions{Pairs: pairs, Name: hostname(cfg), Min: tls.VersionTLS12, ClientCA: cfg.TLS.ClientCA, Log: log}
	if cfg.TLS.MinVersion == "1.3" {
		o.Min = tls.VersionTLS13
	}
	if cfg.TLS.Directory != "" {
		o.Dirs = append(o.Dirs, cfg.TLS.Directory)
	}
	if issuer != nil {
		o.Dirs = append(o.Dirs, issuer.Certs())
		if cfg.ACME.Challenge == acme.TLSALPN {
			o.Challenge = issuer.Challenge
		}
	}
	cs, err := netserve.NewCertificates(o)
	var pe *fs.PathError
	switch {
	case err == nil:
		return cs, nil
	case errors.Is(err, fs.ErrPermission) && errors.As(err, &pe):
		return nil, Explain(err, pe.Path)
	}
	return nil, &Problem{strings.TrimPrefix(err.Error(), "netserve: "), "check tls.cert and tls.key, or the other keys under tls", err}
}

// standIn makes the self-signed certificate that pair falls back on.
func standIn(cfg config.Config, pair *netserve.KeyPair, log *slog.Logger) error {
	if pair.Cert != "" {
		if _, err := os.Stat(pair.Cert); err == nil {
			return nil // should it go away while the server runs, the one in memory stays
		}
	}
	pair.StandIn = filepath.Join(cfg.DataDir, "self-signed.pem")
	hosts := []string{hostname(cfg)}
	if hosts[0] != "localhost" {
		hosts = append(hosts, "localhost")
	}
	own := netserve.KeyPair{Cert: pair.StandIn, Key: pair.StandIn}
	if err := netserve.SelfSigned(own, append(hosts, "127.0.0.1", "::1"), selfSignedFor); err != nil {
		return Explain(err, pair.StandIn)
	}
	log.Warn("a self-signed certificate is in use", "file", pair.StandIn, "until_there_is", pair.Cert)
	return nil
}
