package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"

	"bascule/imap"
	"bascule/internal/accounts"
	"bascule/internal/acme"
	"bascule/internal/config"
	"bascule/internal/gate"
	"bascule/internal/lmtp"
	"bascule/internal/netserve"
	"bascule/internal/web"
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

	// Sockets are open already, by the name of their listener key ("imaps"), and take the place of the addresses that the
	// configuration has for it. New takes them over.
	Sockets map[string][]net.Listener
}

// Server is one serving process.
type Server struct {
	*Base
	Gate *gate.Gate

	opt    Options
	certs  *netserve.Certificates
	front  map[string]*netserve.Server // pop3, imap
	lmtp   *lmtp.Server
	lmtps  []net.Listener
	issuer *acme.Manager  // nil without acme.names
	acmes  []net.Listener // of its HTTP challenge
	web    *web.Server    // nil without listeners.http
	ready  atomic.Bool    // serving, and not stopping
	admin  *admin
	stop   chan struct{} // ends background work
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
	if s.issuer, err = issuer(cfg, opt.Log); err != nil {
		return s, err
	}
	if s.certs, err = certificates(cfg, s.issuer, opt.Log); err != nil {
		return s, err
	}
	s.Gate = gate.New(gate.Options{
		Directory: s.Accounts, Store: s.Store, Policy: s.Policy,
		Mechanisms: mechanisms(cfg), AllowClear: cfg.Auth.Plaintext == "always", DefaultDomain: cfg.Accounts.DefaultDomain,
		Trusted: config.Prefixes(cfg.Auth.Trusted), MaxPerAddress: cfg.Limits.PerAccountAddress, Hashers: cfg.Auth.Hashing,
		Throttle: gate.Throttle{Off: !cfg.Auth.Throttle}, PasswordFor: orNever(cfg.Auth.Cache),
		LoginDelay: cfg.POP3.LoginDelay.D(), LoginBurst: cfg.POP3.LoginBucket, Grace: cfg.Switch.Grace.D(), Log: opt.Log,
		Deletions:  gate.Deletions(cfg.Log.Deletions),
		Observe:    func(p gate.Protocol, reason string) { s.metrics.Login(string(p), reason) },
		ObserveTLS: func(p gate.Protocol, version string) { s.metrics.LoginTLS(string(p), version) },
		External:   external(cfg),
		Deleted:    func(p gate.Protocol, n int) { s.metrics.Deleted(string(p), n) },
	})
	s.closers = append(s.closers, s.Gate.Close)

	l := cfg.Listeners
	if slices.Contains(opt.Only, "pop3") {
		p := pop3.New(pop3.Options{
			Gate: s.Gate, Log: opt.Log, Greeting: hostname(cfg) + " POP3 server ready", LoginDelay: cfg.POP3.LoginDelay.D(),
			IdleTimeout: cfg.POP3.Timeout.D(), LockWait: orNever(cfg.POP3.LockWait), Takeover: orNever(cfg.POP3.Takeover),
			ShowDeleted: !cfg.POP3.HideDeleted, MarkSeen: cfg.POP3.MarkSeen, Observe: s.metrics.POP3Command,
		})
		err = s.listen("pop3", p.Handle, cfg.POP3.KeepAlive, "-ERR [SYS/TEMP] Too many connections\r\n",
			[]place{{"pop3", l.POP3}, {"pop3s", l.POP3S}, {"pop3_proxied", l.POP3Proxied}, {"pop3s_proxied", l.POP3SProxied}})
		if err != nil {
			return s, err
		}
	}
	if slices.Contains(opt.Only, "imap") {
		hide, err := hideRules(cfg.IMAP.HideFor)
		if err != nil {
			return s, err
		}
		submit, err := addresses("imap.submit_users", cfg.IMAP.SubmitUsers)
		if err != nil {
			return s, err
		}
		i := imap.New(imap.Options{
			Hide: hide, SubmitUsers: submit, AdminContact: cfg.IMAP.AdminContact,
			Gate: s.Gate, Log: opt.Log, Version: opt.Version, AppendLimit: int64(cfg.IMAP.MaxMessage), LiteralMinus: cfg.IMAP.LiteralMinus,
			IdleTimeout: cfg.IMAP.Timeout.D(), KeepAlive: orNever(cfg.IMAP.IdleKeepAlive), Hostname: hostname(cfg), Observe: s.metrics.IMAPCommand,
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
			Timeout: cfg.LMTP.Timeout.D(), SoftQuota: cfg.LMTP.OverQuota == 452, SpoolDir: cfg.Run(), Observe: s.metrics.Recipient,
		})
		if err = s.listenLMTP(l.LMTP); err != nil {
			return s, err
		}
	}
	serves := len(s.Addrs()) > 0
	if err = s.listenHTTP(l.HTTP); err != nil {
		return s, err
	}
	if err = s.listenACME(l.ACME); err != nil {
		return s, err
	}
	if err = s.unwanted(); err != nil {
		return s, err
	}
	if !serves {
		return s, &Problem{"nothing to serve: no listener is configured for " + strings.Join(opt.Only, ", "), "set some under listeners", nil}
	}
	s.admin, err = joinAdmin(cfg, process, opt.Log, s.answer)
	if err != nil {
		return s, Explain(err, cfg.Run())
	}
	return s, nil
}

// external is what of client certificates names accounts; empty without client certificates.
func external(cfg config.Config) string {
	if cfg.TLS.ClientCA == "" {
		return ""
	}
	return cfg.TLS.ClientID
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
		l := netserve.Listener{
			Name: p.key, TLS: strings.Contains(p.key, name+"s"),
			Proxy: strings.HasSuffix(p.key, "_proxied"), From: config.Prefixes(cfg.Listeners.ProxyTrusted),
		}
		passed := s.passed(p.key)
		if l.TLS && s.certs == nil && len(passed) > 0 {
			return &Problem{"the socket " + p.key + " needs a certificate", "set tls.cert and tls.key, tls.directory, acme.names, or tls.self_signed", nil}
		}
		for _, socket := range passed {
			l.Socket = socket
			nc.Listeners = append(nc.Listeners, l)
		}
		if len(passed) > 0 {
			continue
		}
		for _, a := range p.addresses {
			network, address := a.Split()
			if network == "unix" {
				if err := clearSocket(address); err != nil {
					return explainListen(err, p.key, address)
				}
			}
			l.Network, l.Address, l.TLSConfig = network, address, nil
			if s.certs != nil && slices.Contains(cfg.Listeners.OldTLS, a) {
				l.TLSConfig = s.certs.OldConfig
			}
			nc.Listeners = append(nc.Listeners, l)
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
	if s.lmtps = s.passed("lmtp"); len(s.lmtps) > 0 {
		return nil
	}
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
				return Explain(err, address)
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
type Addr struct {
	Listener string `json:"listener"`
	Address  string `json:"address"`
	Full     bool   `json:"full,omitempty"` // it has as many connections as are allowed, or nearly
}

// Addrs lists the addresses, with the ports that the kernel chose.
func (s *Server) Addrs() []Addr {
	var out []Addr
	for _, name := range []string{"imap", "pop3"} {
		if f := s.front[name]; f != nil {
			for _, a := range f.Bound() {
				out = append(out, Addr{a.Name, a.Address, f.Full()})
			}
		}
	}
	for _, l := range s.lmtps {
		out = append(out, Addr{Listener: "lmtp", Address: l.Addr().String()})
	}
	for _, l := range s.acmes {
		out = append(out, Addr{Listener: "acme", Address: l.Addr().String()})
	}
	if s.web != nil {
		for _, a := range s.web.Addrs() {
			out = append(out, Addr{Listener: "http", Address: a.String()})
		}
	}
	return out
}

// Check tells what is wrong in a configuration that internal/config cannot judge, since only its reader knows the grammar. New fails by the same.
func Check(cfg config.Config) error {
	_, err := hideRules(cfg.IMAP.HideFor)
	if err == nil {
		_, err = addresses("imap.submit_users", cfg.IMAP.SubmitUsers)
	}
	return err
}

// addresses are the accounts that a setting names.
func addresses(setting string, names []string) (list []accounts.Address, err error) {
	for _, name := range names {
		a, err := accounts.ParseAddress(name)
		if err != nil {
			return nil, fmt.Errorf("%s: %v", setting, err) // not %w: this is no argument of a command
		}
		list = append(list, a)
	}
	return list, nil
}

// hideRules are the rules of imap.hide_for.
func hideRules(lines []string) (rules []imap.HideRule, err error) {
	for _, l := range lines {
		rule, err := imap.ParseHideRule(l)
		if err != nil {
			return nil, fmt.Errorf("imap.hide_for: %w", err)
		}
		rules = append(rules, rule)
	}
	return rules, nil
}
