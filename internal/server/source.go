package server

import (
	"log/slog"
	"os"
	"slices"
	"strings"

	"bascule/internal/accounts"
	"bascule/internal/accounts/ldap"
	"bascule/internal/accounts/passwdfile"
	"bascule/internal/accounts/postgres"
	"bascule/internal/config"
)

// source is where accounts come from; nil for accounts.db itself. Nothing is
// connected yet, so a source that is down keeps nothing from starting.
func source(cfg config.Config, log *slog.Logger) (accounts.Source, error) {
	switch cfg.Accounts.Source {
	case "postgresql":
		p := cfg.PostgreSQL
		password, err := readPassword(p.PasswordFile)
		if err != nil {
			return nil, err
		}
		src, err := postgres.New(postgres.Options{URL: p.URL, Password: password, Query: p.Query, Changes: p.Changes, Connections: p.Connections,
			Timeout: cfg.Accounts.SourceTimeout.D()})
		if err != nil {
			return nil, &Problem{err.Error(), "correct postgresql.url", err}
		}
		return src, nil
	case "ldap":
		l := cfg.LDAP
		password, err := readPassword(l.PasswordFile)
		if err != nil {
			return nil, err
		}
		attributes := map[string]string{}
		for _, a := range l.Attributes {
			key, attribute, _ := strings.Cut(a, "=")
			attributes[strings.TrimSpace(key)] = strings.TrimSpace(attribute)
		}
		src, err := ldap.New(ldap.Options{URL: l.URL, StartTLS: l.StartTLS, CA: l.CA, BindDN: l.BindDN, Password: password, Base: l.Base, Filter: l.Filter,
			UserDN: l.UserDN, Attributes: attributes, VersionAttribute: l.Version, ChangesDN: l.Changes, Connections: l.Connections,
			Timeout: cfg.Accounts.SourceTimeout.D()})
		if err != nil {
			return nil, &Problem{err.Error(), "correct the section ldap", err}
		}
		return src, nil
	case "passwd":
		return passwdfile.New(passwdfile.Options{Path: cfg.Passwd.File, DefaultDomain: cfg.Accounts.DefaultDomain, Log: log}), nil
	}
	return nil, nil
}

// readPassword reads a secret without the line's end behind it.
func readPassword(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return "", Explain(err, path)
	}
	return strings.TrimRight(string(data), "\r\n"), nil
}

// mechanisms leaves SCRAM out where the source has no keys for it: a client that
// sees it tries it, fails, and asks for another password.
func mechanisms(cfg config.Config) []string {
	list := slices.Clone(cfg.Auth.Mechanisms)
	a := cfg.Accounts
	if a.Source == "sqlite" || a.SourceSCRAM && a.Source != "ldap" {
		return list
	}
	return slices.DeleteFunc(list, func(m string) bool { return strings.HasPrefix(m, "SCRAM") })
}
