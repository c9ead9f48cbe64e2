package dovecot

import (
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strings"
)

// writeConfig makes everything that a Dovecot 2.3 needs in dir, and returns the path of its configuration.
func writeConfig(dir string, ports map[string]int, accounts []string, password string) (string, error) {
	me, err := user.Current()
	if err != nil {
		return "", err
	}
	mailUser, mailGroup, login, internal := me.Username, "", me.Username, me.Username
	if g, err := user.LookupGroupId(me.Gid); err == nil {
		mailGroup = g.Name
	}
	if me.Uid == "0" {
		// Dovecot touches no mail as root.
		mailUser, mailGroup, login, internal = "nobody", "nogroup", "dovenull", "dovecot"
	}
	var users strings.Builder
	for _, a := range accounts {
		home := filepath.Join(dir, "mail", a)
		fmt.Fprintf(&users, "%s:{PLAIN}%s::::%s::\n", a, password, home)
	}
	if err := os.WriteFile(filepath.Join(dir, "users"), []byte(users.String()), 0o644); err != nil {
		return "", err
	}
	conf := fmt.Sprintf(`
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
protocol lmtp {
  postmaster_address = postmaster@example.org
}
protocol pop3 {
  pop3_delete_type = expunge
}
`, dir, mailUser, mailGroup, login, internal, ports["imap"], ports["imaps"], ports["pop3"], ports["pop3s"], ports["lmtp"])
	path := filepath.Join(dir, "dovecot.conf")
	return path, os.WriteFile(path, []byte(conf), 0o644)
}
