package config

import (
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// PostgreSQL is a source of accounts.
type PostgreSQL struct {
	URL          string `yaml:"url" doc:"Database: postgres://user@host/name?sslmode=verify-full&sslrootcert=/path, or key=value pairs. Leave the password out; a role that may only read is best."`
	PasswordFile string `yaml:"password_file" doc:"File with the role's password."`
	Query        string `yaml:"query" doc:"Gives one row for an account, found by @address, @local or @domain. Columns by name: password (with its {SCHEME}), and settings that the database owns: protocols, quota_bytes, quota_messages, active, status, status_reason, delivery, exclusive, refusal_text, search_index, imap_hide, shared; NULL leaves one to Bascule."`
	Changes      string `yaml:"changes" doc:"Query that gives one value which differs after any change, asked every second, so that changes act on open sessions at once; empty: see accounts.source_recheck."`
	Connections  int    `yaml:"connections" doc:"Connections to the database, for each process."`
}

// LDAP is a source of accounts.
type LDAP struct {
	URL          string   `yaml:"url" doc:"Directory server: ldaps://host, ldap://host or ldapi://%2Fpath."`
	StartTLS     bool     `yaml:"start_tls" doc:"With ldap://: encrypt the connection before anything else. Without it passwords cross the network in clear, which is refused but for loopback."`
	CA           string   `yaml:"ca" doc:"PEM file with the authority that the server's certificate is from; empty: the system's."`
	BindDN       string   `yaml:"bind_dn" doc:"Name under which accounts are searched; empty: anonymously."`
	PasswordFile string   `yaml:"password_file" doc:"File with the password of bind_dn."`
	Base         string   `yaml:"base" doc:"Where the search begins."`
	Filter       string   `yaml:"filter" doc:"Finds an account's entry; {address}, {local} and {domain} stand for it, escaped."`
	UserDN       string   `yaml:"user_dn" doc:"In place of a search: the entry's name, with the same, such as uid={local},ou=people,dc=example,dc=org."`
	Attributes   []string `yaml:"attributes" doc:"Settings that the directory owns, as setting=attribute: protocols=mailProtocols, quota_bytes=mailQuota, active=mailActive. Settings as in postgresql.query; an entry without the attribute leaves one to Bascule."`
	Version      string   `yaml:"version_attribute" doc:"Attribute that differs after the password was changed (Active Directory: pwdLastSet). An entry without it has no password remembered, so each login binds."`
	Changes      string   `yaml:"changes_dn" doc:"Entry whose contextCSN tells every change (OpenLDAP's syncprov overlay; the suffix), asked every second; empty: see accounts.source_recheck."`
	Connections  int      `yaml:"connections" doc:"Connections for searches, and as many again for logins, for each process."`
}

// Passwd is a source of accounts.
type Passwd struct {
	File string `yaml:"file" doc:"passwd file in Dovecot's format, user:{SCHEME}hash:uid:gid:gecos:home:shell:extra, read again when it changes. Extra fields, with or without userdb_: the settings of postgresql.query, quota_rule, nologin."`
}

// validateSource checks the section that accounts.source names.
func (c *Config) validateSource(complain func(format string, args ...any)) {
	want := func(key, value string) {
		if value == "" {
			complain("%s: must be given with accounts.source: %s", key, c.Accounts.Source)
		}
	}
	switch c.Accounts.Source {
	case "postgresql":
		want("postgresql.url", c.PostgreSQL.URL)
		want("postgresql.query", c.PostgreSQL.Query)
	case "ldap":
		want("ldap.url", c.LDAP.URL)
		if c.LDAP.UserDN == "" {
			want("ldap.base", c.LDAP.Base)
			want("ldap.filter", c.LDAP.Filter)
		}
		u, err := url.Parse(c.LDAP.URL)
		switch {
		case err != nil || !slices.Contains([]string{"ldap", "ldaps", "ldapi", ""}, u.Scheme):
			complain("ldap.url: %q is not like ldaps://host", c.LDAP.URL)
		case u.Scheme == "ldap" && !c.LDAP.StartTLS && !loopback(u.Hostname()):
			complain("ldap.start_tls: passwords would cross the network in clear; use it, or ldaps://")
		}
		for _, a := range c.LDAP.Attributes {
			if key, attribute, _ := strings.Cut(a, "="); key == "" || attribute == "" {
				complain("ldap.attributes: %q is not setting=attribute", a)
			}
		}
	case "passwd":
		want("passwd.file", c.Passwd.File)
	}
	if c.PostgreSQL.Connections < 1 || c.LDAP.Connections < 1 {
		complain("postgresql.connections and ldap.connections: at least 1 is wanted")
	}
}

func loopback(host string) bool {
	a, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && a.IsLoopback()
}
