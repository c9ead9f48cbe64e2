package passwdfile

import (
	"errors"
	"fmt"
	"strings"

	"bascule/internal/accounts"
)

// errNothing is an empty line or a comment.
var errNothing = errors.New("no entry")

// parseLine reads user:{SCHEME}hash:uid:gid:gecos:home:shell:extra. Of it Bascule
// uses the user, the password and, of the extra fields, its own settings
// ("protocols=imap", also as "userdb_protocols=imap") and Dovecot's nologin and
// quota_rule. Mail is where Bascule keeps it, so uid, gid and home say nothing.
func parseLine(line, defaultDomain string) (accounts.Address, accounts.Entry, error) {
	line = strings.TrimRight(line, " \t\r")
	if line == "" || strings.HasPrefix(line, "#") {
		return "", accounts.Entry{}, errNothing
	}
	fields := strings.SplitN(line, ":", 8)
	user := fields[0]
	if !strings.Contains(user, "@") {
		if defaultDomain == "" {
			return "", accounts.Entry{}, fmt.Errorf("%q has no domain, and there is no accounts.default_domain", user)
		}
		user += "@" + defaultDomain
	}
	a, err := accounts.ParseAddress(user)
	if err != nil {
		return "", accounts.Entry{}, err
	}
	e := accounts.Entry{Settings: map[accounts.Key]string{}}
	if len(fields) > 1 {
		e.Password = fields[1]
	}
	if strings.Trim(e.Password, "*!x") == "" {
		e.Password = "" // locked, or kept elsewhere
	}
	if len(fields) == 8 {
		for extra := range strings.FieldsSeq(fields[7]) {
			if err := readExtra(e.Settings, extra); err != nil {
				return "", accounts.Entry{}, err
			}
		}
	}
	return a, e, nil
}

// readExtra reads one extra field; those that Bascule does not know are other programs'.
func readExtra(settings map[accounts.Key]string, extra string) error {
	name, value, hasValue := strings.Cut(strings.TrimPrefix(extra, "userdb_"), "=")
	switch {
	case name == "nologin":
		if !hasValue || value != "n" && value != "no" && value != "0" {
			settings[accounts.KeyStatus] = string(accounts.Suspended)
		}
		return nil
	case name == "quota_rule":
		return readQuota(settings, value)
	}
	k, stored, known, err := accounts.ReadSetting(name, value)
	if err != nil {
		return err
	}
	if known {
		settings[k] = stored
	}
	return nil
}

// readQuota reads Dovecot's "*:bytes=2G:messages=1000" and "*:storage=2097152"
// (KiB, unless it has a unit); rules of single folders are passed over.
func readQuota(settings map[accounts.Key]string, rule string) error {
	folder, limits, _ := strings.Cut(rule, ":")
	if folder != "*" {
		return nil
	}
	for limit := range strings.SplitSeq(limits, ":") {
		name, value, _ := strings.Cut(limit, "=")
		if name == "storage" {
			name = "bytes"
			if strings.Trim(value, "0123456789") == "" {
				value += "K"
			}
		}
		if name != "bytes" && name != "messages" {
			continue
		}
		k, stored, _, err := accounts.ReadSetting("quota_"+name, value)
		if err != nil {
			return err
		}
		settings[k] = stored
	}
	return nil
}
