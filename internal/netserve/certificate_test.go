package netserve

import (
	"bytes"
	"crypto/tls"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

func TestReloadKeepsTheOldPairWhenTheNewIsBroken(t *testing.T) {
	dir := t.TempDir()
	pair := KeyPair{Cert: filepath.Join(dir, "c"), Key: filepath.Join(dir, "k")}
	if err := SelfSigned(pair, []string{"one.example"}, time.Hour); err != nil {
		t.Fatal(err)
	}
	cs, err := NewCertificates(CertificateOptions{Pairs: []KeyPair{pair}})
	if err != nil {
		t.Fatal(err)
	}
	name := func() string { return shown(t, cs, "") }
	if cs.Config().MinVersion != tls.VersionTLS12 {
		t.Error("TLS below 1.2 is on by default")
	}
	other := KeyPair{Cert: filepath.Join(dir, "c2"), Key: filepath.Join(dir, "k2")}
	if err := SelfSigned(other, []string{"two.example"}, 2*time.Hour); err != nil {
		t.Fatal(err)
	}
	before := cs.Config()
	if err := cs.Reload(); err != nil || cs.Config() != before {
		t.Errorf("a reload without a change: %v", err)
	}
	if err := os.Rename(other.Cert, pair.Cert); err != nil {
		t.Fatal(err)
	}
	if err := cs.Reload(); err == nil {
		t.Error("a certificate that does not fit its key was not reported")
	}
	if name() != "one.example" {
		t.Error("a broken pair replaced a good one")
	}
	if err := os.Rename(other.Key, pair.Key); err != nil {
		t.Fatal(err)
	}
	if err := cs.Reload(); err != nil {
		t.Fatal(err)
	}
	if name() != "two.example" {
		t.Error("the new pair was not taken up")
	}
	if left := time.Until(cs.Expires()); left < time.Hour || left > 2*time.Hour {
		t.Errorf("expires in %v", left)
	}
}

// shown is the common name of the certificate that a client sees who asks for a server name.
func shown(t *testing.T, cs *Certificates, server string) string {
	t.Helper()
	c, err := cs.Config().GetCertificate(&tls.ClientHelloInfo{ServerName: server})
	if err != nil {
		t.Fatal(err)
	}
	return c.Leaf.Subject.CommonName
}

func TestSelfSignedKeepsWhatIsThere(t *testing.T) {
	dir := t.TempDir()
	pair := KeyPair{Cert: filepath.Join(dir, "c"), Key: filepath.Join(dir, "k")}
	for range 2 {
		if err := SelfSigned(pair, []string{"a.example"}, time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	first, _ := os.ReadFile(pair.Cert)
	SelfSigned(pair, []string{"b.example"}, time.Hour)
	if second, _ := os.ReadFile(pair.Cert); string(first) != string(second) {
		t.Error("a certificate that clients may trust was replaced")
	}
	os.WriteFile(pair.Cert, nil, 0o600)
	if err := SelfSigned(pair, []string{"a.example"}, time.Hour); err == nil {
		t.Error("a key was about to be overwritten")
	}
}

// Several processes may start on a new store at the same time; all must show clients the same certificate.
func TestSelfSignedByManyAtOnce(t *testing.T) {
	file := filepath.Join(t.TempDir(), "both.pem")
	var wg sync.WaitGroup
	sums := make([][]byte, 8)
	for i := range sums {
		wg.Go(func() {
			if err := SelfSigned(KeyPair{Cert: file, Key: file}, []string{"a.example"}, time.Hour); err != nil {
				t.Error(err)
				return
			}
			sums[i], _ = os.ReadFile(file)
		})
	}
	wg.Wait()
	for _, s := range sums {
		if len(s) == 0 || !bytes.Equal(s, sums[0]) {
			t.Error("two processes read different certificates")
		}
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file with the key: %v %v", info.Mode(), err)
	}
	if names, _ := os.ReadDir(filepath.Dir(file)); len(names) != 1 {
		t.Errorf("left behind: %v", names)
	}
	os.WriteFile(file, []byte("broken"), 0o600)
	if err := SelfSigned(KeyPair{Cert: file, Key: file}, []string{"a.example"}, time.Hour); err == nil {
		t.Error("a broken file was taken for good")
	}
}

func TestStandInUntilTheCertificateComes(t *testing.T) {
	dir := t.TempDir()
	pair := KeyPair{Cert: filepath.Join(dir, "c"), Key: filepath.Join(dir, "k"), StandIn: filepath.Join(dir, "self.pem")}
	if err := SelfSigned(KeyPair{Cert: pair.StandIn, Key: pair.StandIn}, []string{"self.example"}, time.Hour); err != nil {
		t.Fatal(err)
	}
	cs, err := NewCertificates(CertificateOptions{Pairs: []KeyPair{pair}})
	if err != nil {
		t.Fatal(err)
	}
	name := func() string { return shown(t, cs, "") }
	if name() != "self.example" {
		t.Errorf("%s stands in", name())
	}
	if err := SelfSigned(KeyPair{Cert: pair.Cert, Key: pair.Key}, []string{"real.example"}, time.Hour); err != nil {
		t.Fatal(err)
	}
	if err := cs.Reload(); err != nil || name() != "real.example" {
		t.Errorf("%s is shown after the certificate came: %v", name(), err)
	}
	if _, err := NewCertificates(CertificateOptions{Pairs: []KeyPair{{Cert: filepath.Join(dir, "x"), Key: pair.Key}}}); err == nil {
		t.Error("a missing certificate without a stand-in was no error")
	}
}
