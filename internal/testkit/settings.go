package testkit

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"bascule/imap"
	"bascule/internal/accounts"
	"bascule/internal/deliver"
	"bascule/internal/gate"
	"bascule/internal/lmtp"
	"bascule/maildir"
	"bascule/pop3"
)

// Options shape a server. The zero value is a server with short waits, cheap password hashes and no throttling.
type Options struct {
	Users  []string // accounts beside the usual ones: "ADDRESS [SETTING]"
	Config []string // as in config: headers of scripts, "KEY VALUE"
	Dir    string   // of the data; empty: a new one. A second server on the same directory is a second process to the first.

	// The parts' own options, for what Config has no key for. Start fills in what the parts need of each other.
	Store   maildir.Options
	Gate    gate.Options
	POP3    pop3.Options
	IMAP    imap.Options
	LMTP    lmtp.Options
	Deliver deliver.Options
	Policy  maildir.Policy // quota and exclusivity come from the accounts' settings
}

// keys are what config: lines may set.
var keys = map[string]func(o *Options, value string) error{
	"pop3.lock_wait":    duration(func(o *Options) *time.Duration { return &o.POP3.LockWait }),
	"pop3.takeover":     duration(func(o *Options) *time.Duration { return &o.POP3.Takeover }),
	"pop3.idle_timeout": duration(func(o *Options) *time.Duration { return &o.POP3.IdleTimeout }),
	"pop3.mark_seen":    boolean(func(o *Options) *bool { return &o.POP3.MarkSeen }),
	"pop3.login_delay": func(o *Options, v string) (err error) {
		o.POP3.LoginDelay, err = time.ParseDuration(v)
		o.Gate.LoginDelay = o.POP3.LoginDelay
		return err
	},
	"pop3.login_bucket": func(o *Options, v string) (err error) {
		o.Gate.LoginBurst, err = strconv.Atoi(v)
		return err
	},
	"pop3.show_deleted":  boolean(func(o *Options) *bool { return &o.POP3.ShowDeleted }),
	"imap.lock_wait":     duration(func(o *Options) *time.Duration { return &o.Policy.LockWait }),
	"imap.idle_timeout":  duration(func(o *Options) *time.Duration { return &o.IMAP.IdleTimeout }),
	"imap.keepalive":     duration(func(o *Options) *time.Duration { return &o.IMAP.KeepAlive }),
	"imap.login_timeout": duration(func(o *Options) *time.Duration { return &o.IMAP.LoginTimeout }),
	"imap.literal_minus": boolean(func(o *Options) *bool { return &o.IMAP.LiteralMinus }),
	"imap.hide_for": func(o *Options, v string) error {
		rule, err := imap.ParseHideRule(v)
		o.IMAP.Hide = append(o.IMAP.Hide, rule)
		return err
	},
	"imap.admin_contact": func(o *Options, v string) error {
		o.IMAP.AdminContact = v
		return nil
	},
	"imap.submit_users": func(o *Options, v string) error {
		a, err := accounts.ParseAddress(v)
		o.IMAP.SubmitUsers = append(o.IMAP.SubmitUsers, a)
		return err
	},
	"imap.append_limit": func(o *Options, v string) (err error) {
		o.IMAP.AppendLimit, err = strconv.ParseInt(v, 10, 64)
		return err
	},
	"auth.trusted": func(o *Options, v string) error {
		p, err := netip.ParsePrefix(v)
		o.Gate.Trusted = append(o.Gate.Trusted, p)
		return err
	},
	"switch.grace":    duration(func(o *Options) *time.Duration { return &o.Gate.Grace }),
	"lmtp.soft_quota": boolean(func(o *Options) *bool { return &o.LMTP.SoftQuota }),
	"lmtp.max_size": func(o *Options, v string) (err error) {
		o.LMTP.MaxSize, err = strconv.ParseInt(v, 10, 64)
		return err
	},
	"delivery.delimiter": func(o *Options, v string) error {
		o.Deliver.Delimiter = v
		return nil
	},
	"delivery.create_folders": boolean(func(o *Options) *bool { return &o.Deliver.CreateFolders }),
}

func duration(field func(*Options) *time.Duration) func(*Options, string) error {
	return func(o *Options, v string) (err error) {
		*field(o), err = time.ParseDuration(v)
		return err
	}
}

func boolean(field func(*Options) *bool) func(*Options, string) error {
	return func(o *Options, v string) (err error) {
		*field(o), err = strconv.ParseBool(v)
		return err
	}
}

// apply carries out the Config lines.
func (o *Options) apply() error {
	for _, line := range o.Config {
		key, value, _ := strings.Cut(line, " ")
		set, ok := keys[key]
		if !ok {
			return fmt.Errorf("testkit: no setting %q", key)
		}
		if err := set(o, strings.TrimSpace(value)); err != nil {
			return fmt.Errorf("testkit: %s: %w", line, err)
		}
	}
	return nil
}
