package ldap

import (
	"errors"
	"strings"
	"testing"
	"time"

	"bascule/internal/accounts"
	"bascule/internal/accounts/directorytest"
)

const filter = "(&(objectClass=inetOrgPerson)(mail={address}))"

func TestLDAP(t *testing.T) {
	s := start(t)
	t.Run("suite", func(t *testing.T) {
		for _, owner := range []string{"bascule", "directory"} {
			t.Run("protocols of "+owner, func(t *testing.T) {
				directorytest.Run(t, func(t *testing.T) directorytest.Harness { return s.harness(t, owner == "directory") })
			})
		}
	})
	t.Run("attributes", s.attributes)
	t.Run("injection", s.injection)
	t.Run("empty password", s.emptyPassword)
	t.Run("user dn", s.userDN)
	t.Run("tls", s.tls)
	t.Run("mute", s.mute)
}

func (s *server) options(base string) Options {
	return Options{URL: "ldap://127.0.0.1:" + s.port, BindDN: rootDN, Password: rootPass, Base: base, Filter: filter,
		VersionAttribute: "entryCSN", ChangesDN: suffix, Timeout: 5 * time.Second}
}

func open(t *testing.T, o Options) *Source {
	t.Helper()
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func (s *server) harness(t *testing.T, owned bool) directorytest.Harness {
	base, data := s.base(t), t.TempDir()
	p := directorytest.NewProxy(t, "unix", s.socket)
	o := s.options(base)
	o.URL = "ldap://" + p.Address
	if owned {
		o.Attributes = map[string]string{"protocols": "employeeType"}
	}
	db := directorytest.OverSource(t, data, open(t, o))
	return directorytest.Harness{
		Directory: db, NoSCRAM: true, Down: p.Down, Up: p.Up,
		Put: func(t *testing.T, a accounts.Address, password string) { s.person(t, base, a.String(), password) },
		Protocols: func(t *testing.T, a accounts.Address, value accounts.Protocols) {
			if owned {
				s.set(t, base, a.String(), "employeeType", string(value))
				return
			}
			if _, err := db.SetProtocols(t.Context(), "test", accounts.AccountScope(a), value); err != nil {
				t.Fatal(err)
			}
		},
		Again: func(t *testing.T) accounts.Directory { return directorytest.OverSource(t, data, open(t, o)) },
	}
}

func (s *server) attributes(t *testing.T) {
	o := s.options(s.base(t))
	o.Attributes = map[string]string{"quota_bytes": "employeeNumber", "active": "carLicense", "protocols": "EMPLOYEETYPE"}
	s.person(t, o.Base, "anna@example.org", "secret")
	s.set(t, o.Base, "anna@example.org", "employeeNumber", "2G")
	s.set(t, o.Base, "anna@example.org", "carLicense", "FALSE")
	src := open(t, o)
	e, err := src.Find(t.Context(), "anna@example.org")
	if err != nil || len(e.Settings) != 2 || e.Settings[accounts.KeyQuotaBytes] != "2147483648" || e.Settings[accounts.KeyStatus] != "suspended" {
		t.Errorf("%+v, %v", e, err)
	}
	s.set(t, o.Base, "anna@example.org", "employeeType", "smtp")
	if _, err := src.Find(t.Context(), "anna@example.org"); !errors.Is(err, accounts.ErrBadValue) {
		t.Errorf("a value that cannot be: %v", err)
	}
	o.Attributes = map[string]string{"protocol": "x"}
	if _, err := New(o); err == nil {
		t.Error("a setting that is none")
	}
	// Two entries with one address: nobody's.
	s.add(t, "cn=other,"+o.Base, "objectClass", "inetOrgPerson", "cn", "other", "sn", "x", "mail", "anna@example.org")
	if _, err := src.Find(t.Context(), "anna@example.org"); !errors.Is(err, accounts.ErrBadValue) {
		t.Errorf("two entries: %v", err)
	}
}

// Names are escaped. ParseAddress refuses most of these; the source does not rely on it.
func (s *server) injection(t *testing.T) {
	o := s.options(s.base(t))
	s.person(t, o.Base, "anna@example.org", "secret")
	byFilter := open(t, o)
	o.UserDN = "uid={address}," + o.Base
	byDN := open(t, o)
	for _, name := range []string{"*", "an*", "*)(mail=*", "x)(|(mail=*)", "anna@example.org)(cn=x", "anna@example.org\x00", `anna@example.org\`,
		"anna@example.org," + suffix, "x+uid=anna@example.org", `"`, "#anna@example.org", " anna@example.org ,x"} {
		for _, src := range []*Source{byFilter, byDN} {
			if e, err := src.Find(t.Context(), accounts.Address(name)); !errors.Is(err, accounts.ErrNotFound) {
				t.Errorf("%q finds %+v, %v", name, e, err)
			}
		}
	}
	s.person(t, o.Base, "a+b=c#d'e&f!$@example.org", "secret")
	for _, src := range []*Source{byFilter, byDN} {
		e, err := src.Find(t.Context(), "a+b=c#d'e&f!$@example.org")
		if err != nil {
			t.Fatal(err)
		}
		if ok, err := src.Check(t.Context(), e, "secret"); !ok || err != nil {
			t.Errorf("%s: %v, %v", e.Ref, ok, err)
		}
	}
}

// slapd takes a bind with an empty password for an anonymous one, where that is allowed.
func (s *server) emptyPassword(t *testing.T) {
	o := s.options(s.base(t))
	s.person(t, o.Base, "anna@example.org", "secret")
	src := open(t, o)
	db := directorytest.OverSource(t, t.TempDir(), src)
	if ok, err := db.Verify(t.Context(), "anna@example.org", ""); ok || err != nil {
		t.Errorf("%v, %v", ok, err)
	}
	e, err := src.Find(t.Context(), "anna@example.org")
	if err != nil {
		t.Fatal(err)
	}
	if ok, err := src.Check(t.Context(), e, ""); ok || err == nil {
		t.Errorf("%v, %v", ok, err)
	}
}

// After users have bound, searches still have the service's rights (users have none).
func (s *server) userDN(t *testing.T) {
	o := s.options(s.base(t))
	o.UserDN, o.Connections = "uid={address},"+o.Base, 1
	s.person(t, o.Base, "anna@example.org", "secret")
	src := open(t, o)
	for range 3 {
		e, err := src.Find(t.Context(), "anna@example.org")
		if err != nil || e.Version == "" {
			t.Fatalf("%+v, %v", e, err)
		}
		for password, want := range map[string]bool{"secret": true, "wrong": false} {
			if ok, err := src.Check(t.Context(), e, password); ok != want || err != nil {
				t.Errorf("%s: %v, %v", password, ok, err)
			}
		}
		if ok, err := src.Check(t.Context(), accounts.Entry{}, "secret"); ok || err != nil {
			t.Errorf("nobody: %v, %v", ok, err)
		}
	}
	o.Password = "wrong"
	if _, err := open(t, o).Find(t.Context(), "anna@example.org"); err == nil || errors.Is(err, accounts.ErrNotFound) {
		t.Errorf("a wrong password of the service: %v", err)
	}
}

func (s *server) tls(t *testing.T) {
	o := s.options(s.base(t))
	o.StartTLS, o.URL = true, strings.Replace(o.URL, "127.0.0.1", "localhost", 1)
	if _, err := open(t, o).Find(t.Context(), "anna@example.org"); err == nil || errors.Is(err, accounts.ErrNotFound) {
		t.Errorf("a certificate nobody knows: %v", err)
	}
	o.CA = s.dir + "/cert.pem"
	if _, err := open(t, o).Find(t.Context(), "anna@example.org"); !errors.Is(err, accounts.ErrNotFound) {
		t.Errorf("the right one: %v", err)
	}
}

// A server that takes connections and says nothing costs a time-out, no more.
func (s *server) mute(t *testing.T) {
	p := directorytest.NewProxy(t, "unix", s.socket)
	o := s.options(s.base(t))
	o.URL, o.Timeout = "ldap://"+p.Address, 200*time.Millisecond
	src := open(t, o)
	if _, err := src.Find(t.Context(), "anna@example.org"); !errors.Is(err, accounts.ErrNotFound) {
		t.Fatal(err)
	}
	p.Mute()
	began := time.Now()
	_, err := src.Find(t.Context(), "anna@example.org")
	if took := time.Since(began); err == nil || errors.Is(err, accounts.ErrNotFound) || took > 20*time.Second {
		t.Errorf("after %s: %v", took, err)
	}
}
