package ldap

import (
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"

	"bascule/internal/accounts/directorytest"
	"bascule/internal/testkit/programs"
	"bascule/internal/testkit/selfsigned"
)

const (
	suffix   = "dc=example,dc=org"
	rootDN   = "cn=admin," + suffix
	rootPass = "p'ss word"
	slapd    = "/usr/sbin/slapd"
)

// server is one slapd for all tests of the package.
type server struct {
	dir, socket, port string
	admin             *ldap.Conn
	bases             int
}

const conf = `
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload syncprov
TLSCertificateFile %[1]s/cert.pem
TLSCertificateKeyFile %[1]s/key.pem
pidfile %[1]s/pid
database mdb
suffix "%[2]s"
rootdn "%[3]s"
rootpw "%[4]s"
directory %[1]s/data
dbnosync
overlay syncprov
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="%[3]s" write by dn.regex="^uid=[^,]+,.*" none by * read
`

// start makes a server in a directory of its own, at a socket there and a port that was free.
func start(t *testing.T) *server {
	t.Helper()
	programs.Source(t, slapd, "/usr/lib/ldap/syncprov.la")
	cert, key, err := selfsigned.PEM()
	if err != nil {
		t.Fatal(err)
	}
	dir := directorytest.ServerDir(t, map[string][]byte{"cert.pem": cert, "key.pem": key})
	if err := os.WriteFile(dir+"/slapd.conf", fmt.Appendf(nil, conf, dir, suffix, rootDN, rootPass), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(dir+"/data", 0o700); err != nil {
		t.Fatal(err)
	}
	port := directorytest.FreePort(t)
	s := &server{dir: dir, socket: dir + "/ldapi", port: port}
	run := exec.Command(slapd, "-d", "0", "-f", dir+"/slapd.conf", "-h", "ldap://127.0.0.1:"+port+" ldapi://"+url.PathEscape(s.socket))
	run.Stderr = os.Stderr
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		run.Process.Signal(syscall.SIGTERM)
		run.Wait()
	})
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		if s.admin, err = ldap.DialURL("ldap://127.0.0.1:" + port); err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { s.admin.Close() })
	if err := s.admin.Bind(rootDN, rootPass); err != nil {
		t.Fatal(err)
	}
	s.add(t, suffix, "objectClass", "dcObject", "objectClass", "organization", "o", "x", "dc", "example")
	return s
}

// add adds an entry of attribute and value pairs.
func (s *server) add(t *testing.T, dn string, pairs ...string) {
	t.Helper()
	req := ldap.NewAddRequest(dn, nil)
	values := map[string][]string{}
	for i := 0; i < len(pairs); i += 2 {
		values[pairs[i]] = append(values[pairs[i]], pairs[i+1])
	}
	for name, v := range values {
		req.Attribute(name, v)
	}
	if err := s.admin.Add(req); err != nil {
		t.Fatalf("add %s: %v", dn, err)
	}
}

// base makes an empty part of the tree for one test.
func (s *server) base(t *testing.T) string {
	t.Helper()
	s.bases++
	dn := fmt.Sprintf("ou=t%d,%s", s.bases, suffix)
	s.add(t, dn, "objectClass", "organizationalUnit", "ou", fmt.Sprintf("t%d", s.bases))
	return dn
}

// person adds somebody, or gives him a new password.
func (s *server) person(t *testing.T, base, address, password string) {
	t.Helper()
	dn := "uid=" + ldap.EscapeDN(address) + "," + base
	req := ldap.NewModifyRequest(dn, nil)
	req.Replace("userPassword", []string{password})
	err := s.admin.Modify(req)
	if ldap.IsErrorWithCode(err, ldap.LDAPResultNoSuchObject) {
		s.add(t, dn, "objectClass", "inetOrgPerson", "uid", address, "cn", "x", "sn", "x", "mail", address, "userPassword", password)
	} else if err != nil {
		t.Fatal(err)
	}
}

func (s *server) set(t *testing.T, base, address, attribute, value string) {
	t.Helper()
	req := ldap.NewModifyRequest("uid="+ldap.EscapeDN(address)+","+base, nil)
	req.Replace(attribute, []string{value})
	if err := s.admin.Modify(req); err != nil {
		t.Fatal(err)
	}
}
