package testkit

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"bascule/imap"
	"bascule/internal/accounts"
	"bascule/internal/deliver"
	"bascule/internal/gate"
	"bascule/internal/lmtp"
	"bascule/internal/netserve"
	"bascule/internal/notify"
	"bascule/internal/testkit/dialogue"
	"bascule/internal/testkit/selfsigned"
	"bascule/locking"
	"bascule/maildir"
	"bascule/maildir/disk"
	"bascule/pop3"
)

// Password is that of every account that Start makes.
const Password = "demo"

// cheap makes password hashes that cost next to nothing.
var cheap = accounts.Cost{MemoryKiB: 8, Passes: 1, Lanes: 1, SCRAMIterations: 4096}

// usual are the accounts of every server.
var usual = []string{"pop@example.org pop3", "imap@example.org imap", "both@example.org both"}

// Server is a running server. Its parts are exported for tests that look inside.
type Server struct {
	Dir       string
	Store     *maildir.Store
	Accounts  *accounts.DB
	Gate      *gate.Gate
	Locks     locking.Manager
	Deliverer *deliver.Deliverer

	t         testing.TB
	log       *slog.Logger
	logs      *logBuffer
	policy    func(accounts.Effective) maildir.Policy
	addresses []accounts.Address
	front     map[string]*netserve.Server // pop3, imap
	lmtp      *lmtp.Server
	lmtpAddr  string
	tls       *tls.Config
	target    *dialogue.Target
	closers   []func() error // in order of opening
	stop      sync.Once
	before    map[string]int // goroutines
}

// Start starts a server and stops and checks it when the test ends. Any failure ends the test.
func Start(t testing.TB, o Options) *Server {
	t.Helper()
	s := &Server{t: t, logs: &logBuffer{}, front: map[string]*netserve.Server{}, before: goroutines()}
	s.log = slog.New(slog.NewTextHandler(s.logs, &slog.HandlerOptions{Level: slog.LevelDebug}))
	others.Add(1)
	t.Cleanup(s.end)
	if err := o.apply(); err != nil {
		t.Fatal(err)
	}
	if err := s.open(o); err != nil {
		t.Fatal(err)
	}
	if err := s.listen(o); err != nil {
		t.Fatal(err)
	}
	return s
}

// open makes what lies under the front ends.
func (s *Server) open(o Options) (err error) {
	ctx := context.Background()
	if s.Dir = o.Dir; s.Dir == "" {
		if s.Dir, err = os.MkdirTemp("", "bascule-test"); err != nil {
			return err
		}
		s.closers = append(s.closers, func() error { return os.RemoveAll(s.Dir) })
	}
	if err := maildir.Create(s.Dir); err != nil {
		return err
	}
	if s.Locks = o.Store.Locks; s.Locks == nil {
		s.Locks = locking.NewInProcess()
		s.closers = append(s.closers, s.Locks.Close)
	}
	if o.Store.Bus == nil {
		o.Store.Bus = notify.NewInProcess()
		s.closers = append(s.closers, o.Store.Bus.Close)
	}
	if o.Store.Watcher == nil {
		w := disk.NewWatcher(disk.WatchOptions{Log: s.log, Poll: 50 * time.Millisecond})
		o.Store.Watcher = w
		s.closers = append(s.closers, func() error { w.Close(); return nil })
	}
	o.Store.Sharing = func(ctx context.Context, owner string, with []string, exact bool) error {
		return s.Accounts.SetShares(ctx, accounts.Address(owner), with, exact)
	}
	o.Store.DataDir, o.Store.Locks, o.Store.Log = s.Dir, s.Locks, s.log
	if s.Store, err = maildir.Open(o.Store); err != nil {
		return err
	}
	s.closers = append(s.closers, s.Store.Close)
	if s.Accounts, err = accounts.Open(ctx, filepath.Join(s.Dir, "accounts.db"), accounts.Options{Cost: cheap, Log: s.log}); err != nil {
		return err
	}
	s.closers = append(s.closers, s.Accounts.Close)
	if o.Policy.Folders == nil {
		o.Policy.Folders = []maildir.SpecialFolder{{Name: "Drafts", Use: `\Drafts`}, {Name: "Sent", Use: `\Sent`}, {Name: "Junk", Use: `\Junk`}, {Name: "Trash", Use: `\Trash`}, {Name: "Archive", Use: `\Archive`}}
	}
	s.policy = func(e accounts.Effective) maildir.Policy {
		p := o.Policy
		p.Exclusivity = maildir.Exclusivity(e.Exclusive)
		p.QuotaBytes, p.QuotaMessages = e.QuotaBytes, e.QuotaMessages
		return p
	}
	o.Gate.Store, o.Gate.Directory, o.Gate.Policy, o.Gate.Log = s.Store, s.Accounts, s.policy, s.log
	s.Gate = gate.New(o.Gate)
	s.closers = append(s.closers, s.Gate.Close)
	o.Deliver.Store, o.Deliver.Directory, o.Deliver.Policy, o.Deliver.Log = s.Store, s.Accounts, s.policy, s.log
	s.Deliverer = deliver.New(o.Deliver)
	for _, user := range append(usual[:len(usual):len(usual)], o.Users...) {
		if err := s.AddUser(user); err != nil {
			return err
		}
	}
	return nil
}

// AddUser makes an account: "ADDRESS [SETTING]". One that exists already is left alone.
func (s *Server) AddUser(user string) error {
	ctx := context.Background()
	name, setting, _ := strings.Cut(user, " ")
	address, err := accounts.ParseAddress(name)
	if err != nil {
		return err
	}
	s.addresses = append(s.addresses, address)
	if _, err := s.Accounts.Lookup(ctx, address); err == nil {
		return nil
	}
	if err := s.Accounts.AddAccount(ctx, "test", address, accounts.Clear(Password)); err != nil {
		return err
	}
	if setting = strings.TrimSpace(setting); setting == "" {
		return nil
	}
	protocols, err := accounts.ParseProtocols(setting)
	if err != nil {
		return err
	}
	_, err = s.Accounts.SetProtocols(ctx, "test", accounts.AccountScope(address), protocols)
	return err
}

// listen starts the front ends.
func (s *Server) listen(o Options) (err error) {
	if s.tls, err = selfsigned.Config(); err != nil {
		return err
	}
	o.POP3.Gate, o.POP3.Log = s.Gate, s.log
	o.IMAP.Gate, o.IMAP.Log = s.Gate, s.log
	o.LMTP.Deliverer, o.LMTP.Log = s.Deliverer, s.log
	s.target = &dialogue.Target{Name: "bascule", Features: []string{"switch", "set", "locks", "stop"}, Addrs: map[string]string{},
		TLS: &tls.Config{InsecureSkipVerify: true}, Password: Password, Act: s.Act}
	for _, f := range []struct {
		kind   string
		handle netserve.Handler
	}{
		{"pop3", pop3.New(o.POP3).Handle},
		{"imap", imap.New(o.IMAP).Handle},
	} {
		ns := netserve.New(netserve.Config{
			Listeners: []netserve.Listener{{Name: f.kind, Address: "127.0.0.1:0"}, {Name: f.kind + "s", Address: "127.0.0.1:0", TLS: true},
				{Name: f.kind + "_proxied", Address: "127.0.0.1:0", Proxy: true, From: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}},
			Handler: f.handle, TLSConfig: func() *tls.Config { return s.tls }, Log: s.log,
		})
		if err := ns.Listen(); err != nil {
			return err
		}
		s.front[f.kind] = ns
		for i, kind := range []string{f.kind, f.kind + "s", f.kind + "_proxied"} {
			s.target.Addrs[kind] = ns.Addrs()[i].String()
		}
		go ns.Serve()
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s.lmtp, s.lmtpAddr = lmtp.New(o.LMTP), l.Addr().String()
	s.target.Addrs["lmtp"] = s.lmtpAddr
	go s.lmtp.Serve(l)
	return nil
}

// Target is what dialogues are played against.
func (s *Server) Target() *dialogue.Target { return s.target }

// Account opens an account's mail; close it before the test ends.
func (s *Server) Account(ctx context.Context, address string) (*maildir.Account, error) {
	a, err := accounts.ParseAddress(address)
	if err != nil {
		return nil, err
	}
	e, err := s.Accounts.Lookup(ctx, a)
	if err != nil {
		return nil, err
	}
	return s.Store.Account(ctx, a.String(), s.policy(e))
}

// stopTimeout bounds the graceful end, as stop_timeout does.
const stopTimeout = 8 * time.Second

// Stop ends the front ends gracefully. The store stays open; the test's end closes it.
func (s *Server) Stop() error {
	var err error
	s.stop.Do(func() {
		ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
		defer cancel()
		var wg sync.WaitGroup
		var mu sync.Mutex
		for name, shutdown := range s.shutdowns() {
			wg.Add(1)
			go func() {
				defer wg.Done()
				if e := shutdown(ctx); e != nil {
					mu.Lock()
					err = fmt.Errorf("testkit: stop %s: %w", name, e)
					mu.Unlock()
				}
			}()
		}
		wg.Wait()
	})
	return err
}

func (s *Server) shutdowns() map[string]func(context.Context) error {
	m := map[string]func(context.Context) error{}
	for kind, f := range s.front {
		m[kind] = f.Shutdown
	}
	if s.lmtp != nil {
		m["lmtp"] = s.lmtp.Shutdown
	}
	return m
}
