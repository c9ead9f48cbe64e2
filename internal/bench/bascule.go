package bench

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"bascule/internal/accounts"
	"bascule/internal/testkit/dovecot/instance"
	"bascule/internal/testkit/selfsigned"
	"bascule/maildir/disk"
)

// basculeServer is ours: the program as it is built, one process, locks between processes, everything as configured by default save the
// limits on connections.
type basculeServer struct {
	program string
	dir     string
	addrs   map[string]string
	cmd     *exec.Cmd
	exited  chan error
}

func (s *basculeServer) Name() string { return "bascule" }

func (s *basculeServer) Version() string {
	out, err := exec.Command(s.program, "version").Output()
	if err != nil {
		return "unknown"
	}
	line, _, _ := strings.Cut(string(out), "\n")
	return line
}

func (s *basculeServer) data() string { return filepath.Join(s.dir, "data") }

func (s *basculeServer) Prepare(ctx context.Context, dir string, boxes []Box) error {
	s.dir = dir
	if err := disk.WriteMarker(disk.OS, s.data()); err != nil {
		return err
	}
	if err := selfsigned.Write(filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")); err != nil {
		return err
	}
	db, err := accounts.Open(ctx, filepath.Join(s.data(), "accounts.db"), accounts.Options{Cost: accounts.Cost{MemoryKiB: 19 << 10, Passes: 2, Lanes: 1, SCRAMIterations: 4096}})
	if err != nil {
		return err
	}
	defer db.Close()
	for _, b := range boxes {
		address, err := accounts.ParseAddress(b.Address())
		if err != nil {
			return err
		}
		secret, err := secretOf(b)
		if err != nil {
			return err
		}
		if err := db.AddAccount(ctx, "bench", address, accounts.Hashed(secret)); err != nil {
			return err
		}
		if b.SearchIndex != "" {
			scope, err := accounts.ParseScope(b.Address())
			if err != nil {
				return err
			}
			if _, err := db.Set(ctx, "bench", scope, map[accounts.Key]string{accounts.KeySearchIndex: b.SearchIndex}); err != nil {
				return err
			}
		}
		if err := newMaildir(s.Maildir(b)); err != nil {
			return err
		}
	}
	return db.Close()
}

// Warmed fills the search indexes that are to be there, unless the server is about to.
func (s *basculeServer) Warmed(ctx context.Context, boxes []Box) error {
	for _, b := range boxes {
		if b.SearchIndex != "on" {
			continue
		}
		for {
			out, err := exec.CommandContext(ctx, s.program, "mailbox", "index", b.Address(), "--config", filepath.Join(s.dir, "bascule.yaml")).CombinedOutput()
			if err == nil {
				break
			}
			if !strings.Contains(string(out), "another process fills") {
				return fmt.Errorf("fill the search index: %w\n%s", err, out)
			}
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(time.Second):
			}
		}
	}
	return nil
}

func (s *basculeServer) Maildir(b Box) string {
	return disk.MaildirDir(disk.AccountDir(s.data(), b.Address()))
}

const basculeConfig = `data_dir: %[1]s/data
hostname: bench.test
listeners:
  imap: [%[2]q]
  imaps: [%[3]q]
  pop3: [%[4]q]
  pop3s: [%[5]q]
  lmtp: [%[6]q]
tls:
  cert: %[1]s/cert.pem
  key: %[1]s/key.pem
limits:
  per_account_address: 1000000
  per_address: 1000000
  connections: 1000000
log:
  level: warn
`

func (s *basculeServer) Start(ctx context.Context) error {
	kinds := []string{"imap", "imaps", "pop3", "pop3s", "lmtp"}
	ports, err := instance.FreePorts(kinds...)
	if err != nil {
		return err
	}
	s.addrs = map[string]string{}
	args := []any{s.dir}
	for _, kind := range kinds {
		s.addrs[kind] = fmt.Sprintf("127.0.0.1:%d", ports[kind])
		args = append(args, s.addrs[kind])
	}
	config := filepath.Join(s.dir, "bascule.yaml")
	if err := os.WriteFile(config, fmt.Appendf(nil, basculeConfig, args...), 0o644); err != nil {
		return err
	}
	log, err := os.Create(filepath.Join(s.dir, "log"))
	if err != nil {
		return err
	}
	defer log.Close()
	s.cmd = exec.Command(s.program, "serve", "--config", config)
	s.cmd.Env = append(os.Environ(), "TZ=UTC")
	s.cmd.Stdout, s.cmd.Stderr = log, log
	if err := s.cmd.Start(); err != nil {
		return err
	}
	exited := make(chan error, 1)
	s.exited = exited
	go func(cmd *exec.Cmd) { exited <- cmd.Wait() }(s.cmd)
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for _, kind := range kinds {
		if err := s.answering(ctx, s.addrs[kind]); err != nil {
			s.Stop()
			return fmt.Errorf("bascule: start: %w\n%s", err, s.Log())
		}
	}
	return nil
}

func (s *basculeServer) answering(ctx context.Context, addr string) error {
	for {
		c, err := net.Dial("tcp", addr)
		if err == nil {
			return c.Close()
		}
		select {
		case err := <-s.exited:
			s.exited <- err
			return fmt.Errorf("it ended: %v", err)
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func (s *basculeServer) Stop() error {
	if s.cmd == nil {
		return nil
	}
	defer func() { s.cmd = nil }()
	s.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case err := <-s.exited:
		return err
	case <-time.After(20 * time.Second):
		s.cmd.Process.Kill()
		<-s.exited
		return fmt.Errorf("bascule: did not stop\n%s", s.Log())
	}
}

func (s *basculeServer) PID() int                 { return s.cmd.Process.Pid }
func (s *basculeServer) Addrs() map[string]string { return s.addrs }

func (s *basculeServer) Log() string {
	text, _ := os.ReadFile(filepath.Join(s.dir, "log"))
	return tail(string(text), 4000)
}

// tail is the end of a text, n octets at most.
func tail(s string, n int) string {
	if len(s) > n {
		s = "…" + s[len(s)-n:]
	}
	return s
}
