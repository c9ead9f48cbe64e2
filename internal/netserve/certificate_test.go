package netserve

import (
	"crypto/tls"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestReloadKeepsTheOldPairWhenTheNewIsBroken(t *testing.T) {
	dir := t.TempDir()
	pair := KeyPair{Cert: filepath.Join(dir, "c"), Key: filepath.Join(dir, "k")}
	if err := SelfSigned(pair, []string{"one.example"}, time.Hour); err != nil {
		t.Fatal(err)
	}
	cs, err := NewCertificates([]KeyPair{pair}, 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	name := func() string { return cs.Config().Certificates[0].Leaf.Subject.CommonName }
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
