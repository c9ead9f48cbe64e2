package server

import (
	"context"
	"errors"
	"net"
	"os"

	"bascule/internal/config"
	"bascule/internal/web"
	"bascule/maildir/disk"
)

// Ready tells whether this process can do its work now: it serves, the store is there and can be written, the accounts can be read. The
// error names what cannot.
func (s *Server) Ready(ctx context.Context) error {
	if !s.ready.Load() {
		return errors.New("not serving: starting or stopping")
	}
	cfg := s.cfg.Load()
	if err := disk.HasMarker(disk.OS, cfg.DataDir); err != nil {
		return Explain(err, cfg.DataDir)
	}
	for _, dir := range []string{cfg.DataDir, cfg.Run()} {
		if err := writable(dir); err != nil {
			return Explain(err, dir)
		}
	}
	_, err := s.Accounts.Changes(ctx)
	return err
}

// listenHTTP opens the listeners of metrics and probes.
func (s *Server) listenHTTP(addresses []config.Address) error {
	sockets := s.passed("http")
	if len(addresses)+len(sockets) == 0 {
		return nil
	}
	s.collect()
	s.web = web.New(web.Options{Metrics: &s.metrics.Registry, Ready: s.Ready, Log: s.opt.Log})
	for _, l := range sockets {
		s.web.Listen(l)
	}
	if len(sockets) > 0 {
		return nil
	}
	for _, a := range addresses {
		network, address := a.Split()
		if network == "unix" {
			if err := clearSocket(address); err != nil {
				return explainListen(err, "http", address)
			}
		}
		l, err := net.Listen(network, address)
		if err != nil {
			return explainListen(err, "http", address)
		}
		s.web.Listen(l)
		if network == "unix" {
			if err := os.Chmod(address, 0o660); err != nil {
				return Explain(err, address)
			}
		}
	}
	return nil
}
