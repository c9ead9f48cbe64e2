// Package ldap takes accounts from a directory server (RFC 4511). Passwords are
// checked by binding as the user; the server gives no hashes away.
//
// Invariants:
//
//   - What a client calls itself is escaped for where it stands: in a filter
//     (RFC 4515) or in a distinguished name (RFC 4514).
//   - A bind with an empty password is never sent (RFC 4513 §5.1.2), and a bind that
//     the server refuses for another reason than the password is an error, not a
//     wrong password.
//   - A connection on which users bind is never used to search, so nothing is read
//     with the rights of a user.
//   - Referrals are not followed: a password must not go to a server nobody named.
//
// Files: ldap.go (the source), pool.go (connections).
package ldap

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-ldap/ldap/v3"

	"bascule/internal/accounts"
)

// Options of New.
type Options struct {
	URL              string // ldaps://host, ldap://host, ldapi:///path
	StartTLS         bool   // with ldap://
	CA               string // PEM file; empty: the system's
	BindDN, Password string // to search as; empty: anonymously
	Base             string // search below it with Filter
	Filter           string // with {address}, {local} and {domain}
	UserDN           string // in place of a search: the entry's name, with the same
	Attributes       map[string]string
	VersionAttribute string // differs after the password was changed
	ChangesDN        string // entry whose contextCSN tells changes; empty: none
	Connections      int    // for searches, and as many again for binds (default 4)
	Timeout          time.Duration
}

// Source is the directory server.
type Source struct {
	opts          Options
	search, binds *pool
	names         []string // attributes asked for
}

var (
	_ accounts.Source  = (*Source)(nil)
	_ accounts.Checker = (*Source)(nil)
)

// New makes a source without connecting. Errors are those of the options.
func New(o Options) (*Source, error) {
	if o.Connections <= 0 {
		o.Connections = 4
	}
	if o.Timeout <= 0 {
		o.Timeout = 5 * time.Second
	}
	d, err := newDialer(o)
	if err != nil {
		return nil, fmt.Errorf("ldap: %w", err)
	}
	s := &Source{opts: o, names: []string{"1.1"}}
	if o.VersionAttribute != "" {
		s.names = append(s.names, o.VersionAttribute)
	}
	for key, attribute := range o.Attributes {
		if _, _, known, _ := accounts.ReadSetting(key, ""); !known {
			return nil, fmt.Errorf("ldap: there is no setting %q", key)
		}
		s.names = append(s.names, attribute)
	}
	if len(s.names) > 1 {
		s.names = s.names[1:] // "1.1" is none at all (RFC 4511 §4.5.1.8)
	}
	slices.Sort(s.names)
	s.search = newPool(o.Connections, func() (*ldap.Conn, error) {
		c, err := d.dial()
		if err != nil || o.BindDN == "" {
			return c, err
		}
		if err := c.Bind(o.BindDN, o.Password); err != nil {
			c.Close()
			return nil, fmt.Errorf("bind as %s: %w", o.BindDN, err)
		}
		return c, nil
	})
	s.binds = newPool(o.Connections, d.dial)
	return s, nil
}

func (s *Source) Name() string { return "LDAP" }

func (s *Source) Close() error {
	s.search.close()
	s.binds.close()
	return nil
}

// fill puts an account into a template.
func fill(template string, a accounts.Address, escape func(string) string) string {
	return strings.NewReplacer("{address}", escape(a.String()), "{local}", escape(a.Local()), "{domain}", escape(a.Domain())).Replace(template)
}

// Find is accounts.Source's.
func (s *Source) Find(ctx context.Context, a accounts.Address) (accounts.Entry, error) {
	if strings.ContainsRune(a.String(), 0) {
		return accounts.Entry{}, accounts.ErrNotFound // slapd passes over a NUL at the end, even an escaped one
	}
	base, scope, filter := s.opts.Base, ldap.ScopeWholeSubtree, fill(s.opts.Filter, a, ldap.EscapeFilter)
	if s.opts.UserDN != "" {
		base, scope, filter = fill(s.opts.UserDN, a, ldap.EscapeDN), ldap.ScopeBaseObject, "(objectClass=*)"
	}
	found, err := s.read(ctx, base, scope, filter, s.names)
	switch {
	case ldap.IsErrorWithCode(err, ldap.LDAPResultSizeLimitExceeded), len(found) > 1:
		return accounts.Entry{}, fmt.Errorf("%w: the filter finds several entries for %s", accounts.ErrBadValue, a)
	case s.opts.UserDN != "" && ldap.IsErrorWithCode(err, ldap.LDAPResultNoSuchObject):
		return accounts.Entry{}, accounts.ErrNotFound
	case err != nil:
		return accounts.Entry{}, err
	case len(found) == 0:
		return accounts.Entry{}, accounts.ErrNotFound
	}
	e := accounts.Entry{Ref: found[0].DN, Settings: map[accounts.Key]string{}}
	if s.opts.VersionAttribute != "" {
		e.Version = found[0].GetEqualFoldAttributeValue(s.opts.VersionAttribute)
	}
	for key, attribute := range s.opts.Attributes {
		values := found[0].GetEqualFoldAttributeValues(attribute)
		if len(values) == 0 {
			continue
		}
		k, stored, _, err := accounts.ReadSetting(key, values[0])
		if err != nil {
			return accounts.Entry{}, err
		}
		e.Settings[k] = stored
	}
	return e, nil
}

// read searches for at most two entries.
func (s *Source) read(ctx context.Context, base string, scope int, filter string, names []string) (found []*ldap.Entry, err error) {
	req := ldap.NewSearchRequest(base, scope, ldap.NeverDerefAliases, 2, int(s.opts.Timeout.Seconds())+1, false, filter, names, nil)
	err = s.search.use(ctx, func(c *ldap.Conn) error {
		result, err := c.Search(req)
		if err == nil {
			found = result.Entries
		}
		return err
	})
	return found, err
}

// Check is accounts.Checker's: a bind as the user. For an account that does not
// exist it binds as an entry that does not.
func (s *Source) Check(ctx context.Context, e accounts.Entry, password string) (bool, error) {
	if password == "" {
		return false, errors.New("an empty password must not be sent")
	}
	dn := e.Ref
	if dn == "" {
		dn = "cn=nobody-of-this-name," + s.opts.Base
	}
	err := s.binds.use(ctx, func(c *ldap.Conn) error { return c.Bind(dn, password) })
	switch {
	case err == nil:
		return e.Ref != "", nil
	case ldap.IsErrorAnyOf(err, ldap.LDAPResultInvalidCredentials, ldap.LDAPResultInappropriateAuthentication, ldap.LDAPResultNoSuchObject):
		return false, nil
	case e.Ref == "" && !lost(err):
		return false, nil // whatever it says about an entry that is not there
	}
	return false, err
}

// Changes is accounts.Source's: the state of the server's database (RFC 4533's
// cookie), which moves with every write.
func (s *Source) Changes(ctx context.Context) (string, error) {
	if s.opts.ChangesDN == "" {
		return "", nil
	}
	found, err := s.read(ctx, s.opts.ChangesDN, ldap.ScopeBaseObject, "(objectClass=*)", []string{"contextCSN"})
	if err != nil {
		return "", err
	}
	if len(found) == 0 {
		return "", fmt.Errorf("%s is not there", s.opts.ChangesDN)
	}
	return strings.Join(found[0].GetAttributeValues("contextCSN"), " "), nil
}
