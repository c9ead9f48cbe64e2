package bench

import (
	"context"
	"fmt"
	"os"
	"runtime"

	"bascule/internal/bench/client"
	"bascule/internal/testkit/dovecot/instance"
)

// dovecotServer is Debian's Dovecot.
type dovecotServer struct {
	version string
	extra   string // further configuration of the user's
	config  instance.Config
	running *instance.Instance
}

// dovecotConfig makes it fast, as Dovecot's documentation advises: processes for logins that serve many clients ("high-performance
// mode"), a cache for passwords, no limits that a load would meet. Indexes are on and mail is synced, which is the same promise as ours.
const dovecotConfig = `
mail_fsync = always
mail_max_userip_connections = 0
auth_cache_size = 100 M
auth_cache_ttl = 5 mins
auth_cache_negative_ttl = 0
default_process_limit = 20000
default_client_limit = 40000
default_vsz_limit = 0
service imap-login {
  service_count = 0
  process_min_avail = %[1]d
  process_limit = %[1]d
  client_limit = 15000
}
service pop3-login {
  service_count = 0
  process_min_avail = %[1]d
  process_limit = %[1]d
  client_limit = 15000
}
service imap {
  process_limit = 20000
}
service pop3 {
  process_limit = 20000
}
service lmtp {
  process_min_avail = %[1]d
  process_limit = 1000
}
`

func (s *dovecotServer) Name() string    { return "dovecot" }
func (s *dovecotServer) Version() string { return s.version }

func (s *dovecotServer) Prepare(_ context.Context, dir string, boxes []Box) error {
	s.config = instance.Config{Dir: dir, Extra: fmt.Sprintf(dovecotConfig, runtime.NumCPU()) + s.extra}
	for _, b := range boxes {
		secret, err := secretOf(b)
		if err != nil {
			return err
		}
		s.config.Users = append(s.config.Users, instance.User{Address: b.Address(), Secret: secret})
		if err := newMaildir(s.Maildir(b)); err != nil {
			return err
		}
	}
	return instance.Give(dir + "/mail")
}

func (s *dovecotServer) Maildir(b Box) string { return instance.Maildir(s.config.Dir, b.Address()) }

func (s *dovecotServer) Start(ctx context.Context) (err error) {
	s.running, err = instance.Start(ctx, s.config)
	return err
}

func (s *dovecotServer) Stop() error {
	if s.running != nil {
		s.running.Stop()
		s.running = nil
	}
	return nil
}

func (s *dovecotServer) PID() int                 { return s.running.PID() }
func (s *dovecotServer) Addrs() map[string]string { return s.running.Addrs }

func (s *dovecotServer) Log() string {
	if s.running == nil {
		return ""
	}
	return tail(s.running.Log(), 4000)
}

// secretOf is what both servers store of a box's password.
func secretOf(b Box) (string, error) {
	if b.SCRAM {
		return client.Stored(password, 4096)
	}
	return "{PLAIN}" + password, nil
}

// newDovecot finds the installed Dovecot; nil if there is none.
func newDovecot(extraFile string) (*dovecotServer, error) {
	version, err := instance.Version()
	if err != nil {
		return nil, nil
	}
	s := &dovecotServer{version: version}
	if extraFile != "" {
		b, err := os.ReadFile(extraFile)
		if err != nil {
			return nil, err
		}
		s.extra = string(b)
	}
	return s, nil
}
