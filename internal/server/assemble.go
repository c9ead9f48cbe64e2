package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"bascule/imap"
	"bascule/internal/config"
	"bascule/internal/gate"
	"bascule/internal/lmtp"
	"bascule/internal/netserve"
	"bascule/pop3"
)

// FrontEnds are the names that --only knows.
var FrontEnds = []string{"pop3", "imap", "lmtp"}

// Options of New.
type Options struct {
	Config  config.Config
	Reload  func() (config.Config, error) // reads the configuration again, for SIGHUP; nil: only certificates reload
	Only    []string                      // front ends to serve; empty: all
	Version string
	Log     *slog.Logger
	Level   *slog.LevelVar // changed by a reload; may be nil
	Stderr  io.Writer      // where the wire trace goes; nil: os.Stderr
}

// Server is one serving process.
type Server struct {
	*Base
	Gate *gate.Gate

	opt   Options
	certs *netserve.Certificates
	front map[string]*netserve.Server // pop3, imap
	lmtp  *lmtp.Server
	lmtps []net.Listener
	admin *admin
	stop  chan struct{} // ends background work
}

// New builds a server and opens its listeners; Run serves. After an error everything is closed again.
func New(ctx context.Context, opt Options) (s *Server, err error) {
	if len(opt.Only) == 0 {
		opt.Only = FrontEnds
	}
	if opt.Stderr == nil {
		opt.Stderr = os.Stderr
	}
	for _, name := range opt.Only {
		if !slices.Contains(FrontEnds, name) {
			return nil, &Problem{fmt.Sprintf("%q is no front end", name), "use some of " + strings.Join(FrontEnds, ", "), nil}
		}
	}
	cfg := opt.Config
	s = &Server{opt: opt, front: map[string]*netserve.Server{}, stop: make(chan struct{})}
	if cfg.TLS.Cert != "" {
		if s.certs, err = certificates(cfg.TLS, opt.Log); err != nil {
			return nil, &Problem{strings.TrimPrefix(err.Error(), "netserve: "), "check tls.cert and tls.key", err}
		}
	}
	process := ProcessName(strings.Join(opt.Only, "+"))
	if s.Base, err = Open(ctx, cfg, process, opt.Log); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			s.close()
			s = nil
		}
	}()
	s.Gate = gate.New(gate.Options{
		Directory: s.Accounts, Store: s.Store, Policy: s.Policy,
		Mechanisms: cfg.Auth.Mechanisms, AllowClear: cfg.Auth.Plaintext == "always", DefaultDomain: cfg.Accounts.DefaultDomain,
		Trusted: config.Prefixes(cfg.Auth.Trusted), MaxPerAddress: cfg.Limits.PerAccountAddress, Hashers: cfg.Auth.Hashing,
		Throttle: gate.Throttle{Off: !cfg.Auth.Throttle}, PasswordFor: orNever(cfg.Auth.Cache),
		LoginDelay: cfg.POP3.LoginDelay.D(), LoginBurst: cfg.POP3.LoginBucket, Grace: cfg.Switch.Grace.D(), Log: opt.Log,
	})
	s.closers = append(s.closers, s.Gate.Close)

	l := cfg.Listeners
	if slices.Contains(opt.Only, "pop3") {
		p := pop3.New(pop3.Options{
			Gate: s.Gate, Log: opt.Log, Greeting: hostname(cfg) + " POP3 server ready", LoginDelay: cfg.POP3.LoginDelay.D(),
			IdleTimeout: cfg.POP3.Timeout.D(), LockWait: orNever(cfg.POP3.LockWait), Takeover: orNever(cfg.POP3.Takeover),
			ShowDeleted: !cfg.POP3.HideDeleted, MarkSeen: cfg.POP3.MarkSeen,
		})
		err = s.listen("pop3", p.Handle, cfg.POP3.KeepAlive, "-ERR [SYS/TEMP] Too many connections\r\n",
			[]place{{"pop3", l.POP3}, {"pop3s", l.POP3S}, {"pop3_proxied", l.POP3Proxied}, {"pop3s_proxied", l.POP3SProxied}})
		if err != nil {
			return s, err
		}
	}
	if slices.Contains(opt.Only, "imap") {
		i := imap.New(imap.Options{
			Gate: s.Gate, Log: opt.Log, Version: opt.Version, AppendLimit: int64(cfg.IMAP.MaxMessage), LiteralMinus: cfg.IMAP.LiteralMinus,
			IdleTimeout: cfg.IMAP.Timeout.D(), KeepAlive: orNever(cfg.IMAP.IdleKeepAlive),
		})
		err = s.listen("imap", i.Handle, cfg.IMAP.KeepAlive, "* BYE [LIMIT] Too many connections\r\n",
			[]place{{"imap", l.IMAP}, {"imaps", l.IMAPS}, {"imap_proxied", l.IMAPProxied}, {"imaps_proxied", l.IMAPSProxied}})
		if err != nil {
			return s, err
		}
	}
	if slices.Contains(opt.Only, "lmtp") {
		s.lmtp = lmtp.New(lmtp.Options{
			Deliverer: s.Deliverer, Log: opt.Log, Host: hostname(cfg), MaxSize: int64(cfg.LMTP.MaxMessage), MaxRecipients: cfg.LMTP.MaxRecipients,
			Timeout: cfg.LMTP.Timeout.D(), SoftQuota: cfg.LMTP.OverQuota == 452, SpoolDir: cfg.Run(),
		})
		if err = s.listenLMTP(l.LMTP); err != nil {
			return s, err
		}
	}
	if len(s.Addrs()) == 0 {
		return s, &Problem{"nothing to serve: no listener is configured for " + strings.Join(opt.Only, ", "), "set some under listeners", nil}
	}
	s.admin, err = joinAdmin(cfg, process, opt.Log, s.answer)
	if err != nil {
		return s, explain(err, cfg.Run())
	}
	return s, nil
}

func certificates(cfg config.TLS, log *slog.Logger) (*netserve.Certificates, error) {
	pairs := []netserve.KeyPair{{Cert: cfg.Cert, Key: cfg.Key}}
	for _, p := range cfg.More {
		pairs = append(pairs, netserve.KeyPair(p))
	}
	lowest := uint16(tls.VersionTLS12)
	if cfg.MinVersion == "1.3" {
		lowest = tls.VersionTLS13
	}
	return netserve.NewCertificates(pairs, lowest, log)
}

// place is a configuration key with its addresses.
type place struct {
	key       string
	addresses []config.Address
}

// listen opens the listeners of one protocol.
func (s *Server) listen(name string, h netserve.Handler, keepAlive config.Duration, refusal string, places []place) error {
	cfg := s.opt.Config
	nc := netserve.Config{
		Handler: h, PerAddress: cfg.Limits.PerAddress, MaxConns: cfg.Limits.Connections, Trusted: config.Prefixes(cfg.Auth.Trusted),
		Refusal: refusal, KeepAlive: orNever(keepAlive), Log: s.opt.Log,
	}
	if s.certs != nil {
		nc.TLSConfig = s.certs.Config
	}
	if cfg.Log.Trace != "off" {
		nc.Trace, nc.TraceFull = s.opt.Stderr, cfg.Log.Trace == "full"
	}
	for _, p := range places {
		for _, a := range p.addresses {
			network, address := a.Split()
			if network == "unix" {
				if err := clearSocket(address); err != nil {
					return explainListen(err, p.key, address)
				}
			}
			nc.Listeners = append(nc.Listeners, netserve.Listener{
				Name: p.key, Network: network, Address: address, TLS: strings.Contains(p.key, name+"s"),
				Proxy: strings.HasSuffix(p.key, "_proxied"), From: config.Prefixes(cfg.Listeners.ProxyTrusted),
			})
		}
	}
	if len(nc.Listeners) == 0 {
		return nil
	}
	ns := netserve.New(nc)
	if err := ns.Listen(); err != nil {
		var le *netserve.ListenError
		if errors.As(err, &le) {
			return explainListen(le.Err, le.Listener.Name, le.Listener.Address)
		}
		return err
	}
	s.front[name] = ns
	return nil
}

func (s *Server) listenLMTP(addresses []config.Address) error {
	for _, a := range addresses {
		network, address := a.Split()
		if network == "unix" {
			if err := clearSocket(address); err != nil {
				return explainListen(err, "lmtp", address)
			}
		}
		l, err := net.Listen(network, address)
		if err != nil {
			return explainListen(err, "lmtp", address)
		}
		s.lmtps = append(s.lmtps, l)
		if network == "unix" {
			// The MTA runs as another user; the directory says who gets at it.
			if err := os.Chmod(address, 0o666); err != nil {
				return explain(err, address)
			}
		}
	}
	return nil
}

// clearSocket removes what a dead process left at path; a socket that somebody answers at stays.
func clearSocket(path string) error {
	info, err := os.Lstat(path)
	if err != nil {
		return nil // not there: fine; no rights: Listen will tell
	}
	if info.Mode()&os.ModeSocket == 0 {
		return fmt.Errorf("%s is there and is no socket: %w", filepath.Base(path), syscall.EADDRINUSE)
	}
	c, err := net.Dial("unix", path)
	if err == nil {
		c.Close()
		return syscall.EADDRINUSE
	}
	return os.Remove(path)
}

// Addr is one address that is listened at.
type Addr struct{ Listener, Address string }

// Addrs lists the addresses, with the ports that the kernel chose.
func (s *Server) Addrs() []Addr {
	var out []Addr
	for _, name := range []string{"imap", "pop3"} {
		if f := s.front[name]; f != nil {
			for _, a := range f.Bound() {
				out = append(out, Addr{a.Name, a.Address})
			}
		}
	}
	for _, l := range s.lmtps {
		out = append(out, Addr{"lmtp", l.Addr().String()})
	}
	return out
}
