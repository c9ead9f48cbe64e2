package config

import (
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Validate checks what can be known without looking at the system. All complaints come at once.
func (c *Config) Validate() error {
	var errs []error
	complain := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("%w: "+format, append([]any{ErrInvalid}, args...)...))
	}
	oneOf := func(key, value string, allowed ...string) {
		if !slices.Contains(allowed, value) {
			complain("%s: %q is not one of %s", key, value, strings.Join(allowed, ", "))
		}
	}
	if c.DataDir == "" {
		complain("data_dir: must be given")
	}
	oneOf("locks", c.Locks, "file", "memory")
	oneOf("watch", c.Watch, "auto", "poll", "off")
	oneOf("tls.min_version", c.TLS.MinVersion, "1.2", "1.3")
	oneOf("acme.challenge", c.ACME.Challenge, "http", "tls-alpn")
	oneOf("tls.client_identity", c.TLS.ClientID, "email", "cn")
	oneOf("accounts.protocols", c.Accounts.Protocols, "pop3", "imap", "both", "none")
	oneOf("accounts.separator", c.Accounts.Separator, "/", ".")
	oneOf("imap.search_index", c.IMAP.SearchIndex, "auto", "on", "off")
	oneOf("accounts.source", c.Accounts.Source, "sqlite", "postgresql", "ldap", "passwd")
	c.validateSource(complain)
	oneOf("pop3.exclusive", c.POP3.Exclusive, "mailbox", "removal", "snapshot")
	oneOf("auth.plaintext", c.Auth.Plaintext, "loopback", "always")
	oneOf("log.level", c.Log.Level, "debug", "info", "warn", "error")
	oneOf("log.format", c.Log.Format, "text", "json")
	oneOf("log.deletions", c.Log.Deletions, "off", "ids", "subjects")
	oneOf("log.trace", c.Log.Trace, "off", "masked", "full")
	for _, m := range c.Auth.Mechanisms {
		oneOf("auth.mechanisms", m, "SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "PLAIN", "LOGIN")
	}
	if len(c.Auth.Mechanisms) == 0 {
		complain("auth.mechanisms: without any nobody can log in")
	}
	if c.Limits.PerAccountAddress < 1 {
		complain("limits.per_account_address: at least 1 is wanted")
	}
	if c.LMTP.OverQuota != 552 && c.LMTP.OverQuota != 452 {
		complain("lmtp.over_quota: %d is neither 552 nor 452", c.LMTP.OverQuota)
	}
	if n := utf8.RuneCountInString(c.LMTP.Subaddress); n > 1 || strings.ContainsAny(c.LMTP.Subaddress, "@ \t\"") {
		complain("lmtp.subaddress: %q: one character is wanted, such as +", c.LMTP.Subaddress)
	}

	for key, n := range map[string]int{
		"quota.messages": c.Quota.Messages, "pop3.login_bucket": c.POP3.LoginBucket, "auth.hashing": c.Auth.Hashing,
		"limits.per_address": c.Limits.PerAddress, "limits.connections": c.Limits.Connections,
	} {
		if n < 0 {
			complain("%s: %d is negative", key, n)
		}
	}
	for _, at := range []struct {
		key   string
		value Duration
		min   time.Duration
	}{
		{"stop_timeout", c.StopTimeout, 100 * time.Millisecond},
		{"tls.reload", c.TLS.Reload, time.Second},
		{"accounts.source_timeout", c.Accounts.SourceTimeout, 10 * time.Millisecond},
		{"accounts.source_recheck", c.Accounts.SourceRecheck, time.Second},
		{"pop3.timeout", c.POP3.Timeout, time.Second},
		{"imap.timeout", c.IMAP.Timeout, time.Second},
		{"lmtp.timeout", c.LMTP.Timeout, time.Second},
	} {
		if at.value.D() < at.min {
			complain("%s: %s is too short, at least %s is wanted", at.key, at.value, Duration(at.min))
		}
	}
	if c.POP3.LoginDelay > 0 && c.POP3.LoginBucket < 1 {
		complain("pop3.login_bucket: with a login_delay at least 1 is wanted, or nobody can log in")
	}
	if c.IMAP.MaxMessage < 1 || c.LMTP.MaxMessage < 1 {
		complain("imap.max_message and lmtp.max_message: 0 would take no message at all")
	}
	if c.LMTP.MaxRecipients < 1 {
		complain("lmtp.max_recipients: at least 1 is wanted")
	}
	if (c.TLS.Cert == "") != (c.TLS.Key == "") {
		complain("tls.cert and tls.key: both are wanted, or neither")
	}
	if len(c.TLS.More) > 0 && c.TLS.Cert == "" {
		complain("tls.more: a first pair in tls.cert and tls.key is wanted too")
	}
	l := c.Listeners
	if !c.HasTLS() && len(l.POP3S)+len(l.IMAPS)+len(l.POP3SProxied)+len(l.IMAPSProxied) > 0 {
		complain("listeners: pop3s and imaps need a certificate: set tls.cert and tls.key, tls.directory, acme.names, or tls.self_signed")
	}
	if !c.HasTLS() && c.TLS.ClientCA != "" {
		complain("tls.client_ca: client certificates come by TLS, and there is no certificate for it")
	}
	for _, n := range c.ACME.Names {
		if !hostName.MatchString(n) {
			complain("acme.names: %q is not a host name in lower case; wildcards cannot be had this way", n)
		}
	}
	if len(c.ACME.Names) > 0 && !c.ACME.Terms {
		complain("acme.accept_terms: read the authority's terms of service and set it to true")
	}
	if !strings.HasPrefix(c.ACME.Directory, "https://") {
		complain("acme.directory: %q is no https:// address", c.ACME.Directory)
	}
	withTLS := slices.Concat(l.POP3, l.POP3S, l.IMAP, l.IMAPS, l.POP3Proxied, l.POP3SProxied, l.IMAPProxied, l.IMAPSProxied)
	for _, a := range l.OldTLS {
		if !slices.Contains(withTLS, a) {
			complain("listeners.old_tls: %s is not the address of a POP3 or IMAP listener", a)
		}
	}
	if len(l.POP3Proxied)+len(l.POP3SProxied)+len(l.IMAPProxied)+len(l.IMAPSProxied) > 0 && len(l.ProxyTrusted) == 0 {
		complain("listeners.proxy_trusted: must name the proxies' networks; a PROXY header from anybody lets anybody choose his address")
	}
	names := map[string]bool{}
	for _, f := range c.Accounts.Folders {
		if names[strings.ToLower(f.Name)] {
			complain("accounts.folders: %s is there twice", f.Name)
		}
		names[strings.ToLower(f.Name)] = true
	}
	if strings.ContainsAny(c.Accounts.RefusalText+c.Hostname, "\r\n\x00") {
		complain("accounts.refusal_text and hostname: one line each")
	}
	if u, err := url.Parse(c.IMAP.AdminContact); c.IMAP.AdminContact != "" && (err != nil || u.Scheme == "" || len(c.IMAP.AdminContact) > 1000) {
		complain("imap.admin_contact: %q is no URI; write it like mailto:postmaster@example.org", c.IMAP.AdminContact)
	}
	slices.SortFunc(errs, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return errors.Join(errs...)
}

var hostName = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}$`)

// HasTLS tells whether there is a certificate, or will be.
func (c *Config) HasTLS() bool {
	return c.TLS.Cert != "" || c.TLS.Directory != "" || c.TLS.SelfSigned || len(c.ACME.Names) > 0
}

// Run is the directory of locks and sockets.
func (c *Config) Run() string {
	if c.RunDir != "" {
		return c.RunDir
	}
	return filepath.Join(c.DataDir, "run")
}
