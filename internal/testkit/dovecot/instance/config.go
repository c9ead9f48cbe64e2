package instance

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"bascule/internal/testkit/selfsigned"
)

// User is an account.
type User struct {
	Address string
	Secret  string // with its scheme: "{PLAIN}demo"
}

// Config says what to start.
type Config struct {
	Dir   string // exists; a short path, for there are Unix sockets below it, and one that all users may enter
	Users []User
	Extra string // further configuration, read last: it may set anything again, and add to services
}

// write makes everything that Dovecot needs in c.Dir, and returns the path of its configuration.
func (c Config) write(ports map[string]int) (string, error) {
	o, err := mailOwner()
	if err != nil {
		return "", err
	}
	// Traversable by whoever the mail belongs to, whatever its owner.
	if err := os.MkdirAll(filepath.Join(c.Dir, "mail"), 0o755); err != nil {
		return "", err
	}
	var users strings.Builder
	for _, u := range c.Users {
		fmt.Fprintf(&users, "%s:%s::::%s::\n", u.Address, u.Secret, filepath.Dir(Maildir(c.Dir, u.Address)))
		if err := makeMaildir(c.Dir, u.Address); err != nil {
			return "", err
		}
	}
	if err := os.WriteFile(filepath.Join(c.Dir, "users"), []byte(users.String()), 0o644); err != nil {
		return "", err
	}
	if err := selfsigned.Write(filepath.Join(c.Dir, "cert.pem"), filepath.Join(c.Dir, "key.pem")); err != nil {
		return "", err
	}
	conf := fmt.Sprintf(configuration, c.Dir, o.user, o.group, o.login, o.internal,
		ports["imap"], ports["imaps"], ports["pop3"], ports["pop3s"], ports["lmtp"])
	path := filepath.Join(c.Dir, "dovecot.conf")
	return path, os.WriteFile(path, []byte(conf+c.Extra), 0o644)
}

// Maildir is where an account's INBOX lies in an instance's directory.
func Maildir(dir, address string) string { return filepath.Join(dir, "mail", address, "Maildir") }

func makeMaildir(dir, address string) error {
	path := Maildir(dir, address)
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	for _, sub := range []string{"cur", "new", "tmp"} {
		if err := os.MkdirAll(filepath.Join(path, sub), 0o700); err != nil {
			return err
		}
	}
	return Give(filepath.Dir(path))
}

const configuration = `
base_dir = %[1]s/run
log_path = %[1]s/log
state_dir = %[1]s/state
protocols = imap pop3 lmtp
listen = 127.0.0.1
ssl = yes
ssl_cert = <%[1]s/cert.pem
ssl_key = <%[1]s/key.pem
disable_plaintext_auth = no
auth_mechanisms = plain login scram-sha-256
auth_failure_delay = 0
mail_location = maildir:~/Maildir
mail_uid = %[2]s
mail_gid = %[3]s
first_valid_uid = 1
first_valid_gid = 1
default_login_user = %[4]s
default_internal_user = %[5]s
mail_fsync = always
passdb {
  driver = passwd-file
  args = %[1]s/users
}
userdb {
  driver = passwd-file
  args = %[1]s/users
}
namespace inbox {
  inbox = yes
  separator = /
  mailbox Drafts {
    auto = subscribe
    special_use = \Drafts
  }
  mailbox Sent {
    auto = subscribe
    special_use = \Sent
  }
  mailbox Junk {
    auto = subscribe
    special_use = \Junk
  }
  mailbox Trash {
    auto = subscribe
    special_use = \Trash
  }
  mailbox Archive {
    auto = subscribe
    special_use = \Archive
  }
}
service imap-login {
  chroot =
  inet_listener imap {
    port = %[6]d
  }
  inet_listener imaps {
    port = %[7]d
    ssl = yes
  }
}
service pop3-login {
  chroot =
  inet_listener pop3 {
    port = %[8]d
  }
  inet_listener pop3s {
    port = %[9]d
    ssl = yes
  }
}
service lmtp {
  inet_listener lmtp {
    port = %[10]d
  }
}
service anvil {
  chroot =
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
service stats {
  chroot =
}
mail_plugins = zlib
protocol imap {
  mail_plugins = zlib imap_zlib
}
protocol lmtp {
  postmaster_address = postmaster@example.org
}
protocol pop3 {
  pop3_delete_type = expunge
}
`
