package proctest

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bascule/internal/testkit/selfsigned"
	"bascule/internal/testkit/site"
	"bascule/internal/testkit/strict"
)

// authority makes client certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	a := &authority{}
	a.cert, a.key = a.make(t, &x509.Certificate{Subject: pkix.Name{CommonName: "authority"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
	return a
}

func (a *authority) make(t *testing.T, template *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template.SerialNumber, template.NotBefore, template.NotAfter = big.NewInt(time.Now().UnixNano()), time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	must(t, err)
	cert, err := x509.ParseCertificate(der)
	must(t, err)
	return cert, key
}

// client is a certificate for an address.
func (a *authority) client(t *testing.T, email string) tls.Certificate {
	cert, key := a.make(t, &x509.Certificate{EmailAddresses: []string{email}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	return tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key}
}

// talk opens a TLS connection and says lines, each after the answer to the one before; it gives what was heard.
func talk(address string, cfg *tls.Config, lines ...string) (heard []string, err error) {
	cfg.InsecureSkipVerify = true
	c, err := tls.Dial("tcp", address, cfg)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(strict.Patience))
	in := bufio.NewReader(c)
	for _, line := range append([]string{""}, lines...) {
		if line != "" {
			fmt.Fprintf(c, "%s\r\n", line)
		}
		for {
			got, err := in.ReadString('\n')
			if err != nil {
				return heard, err
			}
			if !strings.HasPrefix(got, "* ") || line == "" {
				heard = append(heard, strings.TrimSpace(got))
				break
			}
		}
	}
	return heard, nil
}

// What acme.names sets in motion before any authority was reached: TLS is there, and the challenge's listener answers nothing else.
func TestACMEStandsInUntilTheAuthorityAnswers(t *testing.T) {
	s := site.New(t, site.Options{Users: []string{user}, Settings: "  imaps: ['127.0.0.1:0']\n  acme: ['127.0.0.1:0']\n" +
		"acme:\n  names: [mail.example.org]\n  accept_terms: true\n  directory: https://127.0.0.1:1/dir\n"})
	p, pop := s.Serve("imap"), s.Serve("pop3")
	if heard, err := talk(p.Addr("imaps"), &tls.Config{ServerName: "mail.example.org"}, "a LOGIN "+user+" "+site.Password); err != nil || !strings.HasPrefix(heard[1], "a OK") {
		t.Errorf("with a certificate that stands in: %q %v", heard, err)
	}
	if !s.Logged(func(log string) bool { return strings.Contains(log, `msg="no certificate" name=mail.example.org`) }) {
		t.Error("the failure is not in the log")
	}
	scrape(t, p).want(t, "bascule_acme_failing", 1)
	scrape(t, pop).want(t, "bascule_acme_failing", 1)
	for _, path := range []string{"/", "/metrics", "/.well-known/acme-challenge/x"} {
		r, err := http.Get("http://" + p.Addr("acme") + path)
		must(t, err)
		r.Body.Close()
		if r.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %s", path, r.Status)
		}
	}
}

// A server with its certificates in a directory, client certificates, and one listener for old clients.
func TestTLSAsConfigured(t *testing.T) {
	dir := t.TempDir()
	must(t, os.Mkdir(filepath.Join(dir, "certs"), 0o755))
	must(t, selfsigned.Write(filepath.Join(dir, "certs", "a.crt"), filepath.Join(dir, "certs", "a.key")))
	ca := newAuthority(t)
	must(t, os.WriteFile(filepath.Join(dir, "clients.pem"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.cert.Raw}), 0o644))
	s := site.New(t, site.Options{Users: []string{user, "pop@example.org pop3"},
		Settings: "  imaps: ['127.0.0.1:0']\n  pop3s: ['localhost:0']\n  old_tls: ['localhost:0']\ntls:\n  directory: " + filepath.Join(dir, "certs") + "\n  client_ca: " + filepath.Join(dir, "clients.pem") + "\n  min_version: 1.2\n"})
	p := s.Serve()
	imaps, pop3s := p.Addr("imaps"), p.Addr("pop3s")

	old := func() *tls.Config { return &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS10} }
	if _, err := talk(imaps, old()); err == nil {
		t.Error("TLS 1.0 is taken where it is not configured")
	}
	if heard, err := talk(pop3s, old(), "USER "+user, "PASS "+site.Password, "QUIT"); err != nil || !strings.HasPrefix(heard[2], "+OK") {
		t.Errorf("TLS 1.0 where it is configured: %q %v", heard, err)
	}
	if !s.Logged(func(log string) bool {
		return strings.Contains(log, `msg="login with an old version of TLS"`) && strings.Contains(log, "account="+user+" version=1.0")
	}) {
		t.Error("the account with the old client is not named")
	}

	heard, err := talk(imaps, &tls.Config{})
	must(t, err)
	if strings.Contains(heard[0], "EXTERNAL") || !strings.Contains(heard[0], "AUTH=PLAIN") {
		t.Errorf("without a certificate: %q", heard)
	}
	mine := &tls.Config{Certificates: []tls.Certificate{ca.client(t, user)}}
	authzid := base64.StdEncoding.EncodeToString([]byte(user))
	heard, err = talk(imaps, mine, "a AUTHENTICATE EXTERNAL =", "b UNAUTHENTICATE", "c AUTHENTICATE EXTERNAL", authzid, "d LOGOUT")
	must(t, err)
	if !strings.Contains(heard[0], "AUTH=EXTERNAL") || !strings.HasPrefix(heard[1], "a OK") || !strings.HasPrefix(heard[3], "+") || !strings.HasPrefix(heard[4], "c OK") {
		t.Errorf("IMAP: %q", heard)
	}
	heard, err = talk(pop3s, mine, "AUTH EXTERNAL =", "QUIT")
	must(t, err)
	if !strings.HasPrefix(heard[1], "+OK") {
		t.Errorf("POP3: %q", heard)
	}
	popOnly := &tls.Config{Certificates: []tls.Certificate{ca.client(t, "pop@example.org")}}
	heard, err = talk(imaps, popOnly, "a AUTHENTICATE EXTERNAL =", "b AUTHENTICATE EXTERNAL "+authzid)
	must(t, err)
	if !strings.HasPrefix(heard[1], "a NO [") || strings.Contains(heard[1], "AUTHENTICATIONFAILED") || !strings.HasPrefix(heard[2], "b NO [AUTHENTICATIONFAILED]") {
		t.Errorf("a switched-off protocol, and somebody else's account: %q", heard)
	}
	if heard, err := talk(imaps, &tls.Config{Certificates: []tls.Certificate{newAuthority(t).client(t, user)}}, "a AUTHENTICATE EXTERNAL ="); err == nil && !strings.HasPrefix(heard[1], "a NO") {
		t.Errorf("a certificate that anybody could have made: %q", heard)
	}
	n := scrape(t, p)
	n.want(t, `bascule_logins_tls_total{protocol="pop3",version="1.0"}`, 1)
	n.want(t, `bascule_logins_tls_total{protocol="imap",version="1.3"}`, 2)
	if days := n["bascule_certificate_days_left"]; days < 0.5 || days > 1.5 {
		t.Errorf("%v days left", days)
	}
}
