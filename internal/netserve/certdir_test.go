package netserve

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// put makes a self-signed pair and writes it to the two files.
func put(t *testing.T, cert, key string, hosts ...string) {
	t.Helper()
	c, k, err := selfSigned(hosts, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	for path, data := range map[string][]byte{cert: c, key: k} {
		if cert == key {
			data = append(k, c...)
		}
		os.MkdirAll(filepath.Dir(path), 0o755)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// All layouts that programs leave behind, found by their contents.
func TestDirectoryOfCertificates(t *testing.T) {
	dir := t.TempDir()
	at := func(parts ...string) string { return filepath.Join(append([]string{dir}, parts...)...) }
	put(t, at("one.crt"), at("one.key"), "one.example")
	put(t, at("two.pem"), at("two.pem"), "two.example", "*.two.example")
	put(t, at("live", "c"), at("live", "k"), "gone.example")
	os.RemoveAll(at("live"))
	put(t, at("three", "fullchain.pem"), at("three", "privkey.pem"), "three.example")
	full, _ := os.ReadFile(at("three", "fullchain.pem"))
	os.WriteFile(at("three", "cert.pem"), full, 0o644)
	os.WriteFile(at("three", "fullchain.pem"), append(full, full...), 0o644) // as if the second were the authority's
	os.WriteFile(at("README"), []byte("no PEM at all"), 0o644)
	put(t, at("a", "too", "deep.pem"), at("a", "too", "deep.pem"), "deep.example")
	cs, err := NewCertificates(CertificateOptions{Dirs: []string{dir}, Name: "two.example"})
	if err != nil {
		t.Fatal(err)
	}
	for server, want := range map[string]string{
		"one.example": "one.example", "ONE.example.": "one.example", "two.example": "two.example", "mail.two.example": "two.example",
		"three.example": "three.example", "": "two.example", "stranger.example": "two.example", "a.b.two.example": "two.example", "deep.example": "two.example",
	} {
		if got := shown(t, cs, server); got != want {
			t.Errorf("%q is shown %s, want %s", server, got, want)
		}
	}
	for path, c := range cs.dirs[0].pairs {
		if c.Leaf.Subject.CommonName == "three.example" && len(c.Certificate) != 2 {
			t.Errorf("of two files with one certificate %s was taken, which has no chain", path)
		}
	}
	// What comes and goes is taken up.
	put(t, at("new.pem"), at("new.pem"), "new.example")
	os.Remove(at("one.crt"))
	if err := cs.Reload(); err != nil {
		t.Fatal(err)
	}
	if shown(t, cs, "new.example") != "new.example" || shown(t, cs, "one.example") == "one.example" {
		t.Error("a new certificate was not taken up, or one that is gone stays")
	}
	// A certificate whose key is not there yet: the old one stays, and that is said.
	fresh := filepath.Join(t.TempDir(), "c")
	put(t, fresh, filepath.Join(t.TempDir(), "k"), "three.example", "renewed.example")
	data, _ := os.ReadFile(fresh)
	os.WriteFile(at("three", "fullchain.pem"), data, 0o644)
	os.Remove(at("three", "cert.pem"))
	for range 2 {
		if err := cs.Reload(); err == nil || !strings.Contains(err.Error(), at("three", "fullchain.pem")) {
			t.Errorf("a certificate without its key: %v", err)
		}
		if shown(t, cs, "three.example") != "three.example" || shown(t, cs, "renewed.example") == "three.example" {
			t.Error("the old pair did not stay")
		}
	}
	os.WriteFile(at("three", "fullchain.pem"), data[:len(data)/2], 0o644)
	if err := cs.Reload(); err == nil || shown(t, cs, "three.example") != "three.example" {
		t.Errorf("half a file: %v", err)
	}
	if _, err := NewCertificates(CertificateOptions{Dirs: []string{t.TempDir()}}); err == nil {
		t.Error("an empty directory is enough to begin with TLS")
	}
}

// Kubernetes renews a mounted secret by a link ..data that is put over the former one; the files' own links stay the same.
func TestSecretRenewedByASwappedLink(t *testing.T) {
	dir := t.TempDir()
	publish := func(version string, hosts ...string) {
		put(t, filepath.Join(dir, version, "tls.crt"), filepath.Join(dir, version, "tls.key"), hosts...)
		tmp := filepath.Join(dir, "..data_tmp")
		if err := os.Symlink(version, tmp); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(tmp, filepath.Join(dir, "..data")); err != nil {
			t.Fatal(err)
		}
	}
	publish("..2026_1", "old.example")
	for _, f := range []string{"tls.crt", "tls.key"} {
		if err := os.Symlink(filepath.Join("..data", f), filepath.Join(dir, f)); err != nil {
			t.Fatal(err)
		}
	}
	named := KeyPair{Cert: filepath.Join(dir, "tls.crt"), Key: filepath.Join(dir, "tls.key")}
	for name, o := range map[string]CertificateOptions{"directory": {Dirs: []string{dir}}, "named": {Pairs: []KeyPair{named}}} {
		cs, err := NewCertificates(o)
		if err != nil {
			t.Fatal(err)
		}
		before := shown(t, cs, "")
		publish("..2026_"+name, name+".example")
		if err := cs.Reload(); err != nil {
			t.Fatal(err)
		}
		if got := shown(t, cs, ""); got != name+".example" || got == before {
			t.Errorf("%s: %s is shown after the swap, %s before", name, got, before)
		}
		if n := len(cs.shelf.Load().all); n != 1 {
			t.Errorf("%s: %d certificates; the versions behind the link were taken too", name, n)
		}
	}
}

// A provider has thousands of names: choosing must not depend on how many, and looking for changes must be cheap.
func BenchmarkDirectoryOfTwoThousand(b *testing.B) {
	dir := b.TempDir()
	for i := range 2000 {
		c, k, err := selfSigned([]string{fmt.Sprintf("mail%d.example", i)}, time.Hour)
		if err != nil {
			b.Fatal(err)
		}
		os.WriteFile(filepath.Join(dir, fmt.Sprintf("%d.crt", i)), c, 0o600)
		os.WriteFile(filepath.Join(dir, fmt.Sprintf("%d.key", i)), k, 0o600)
	}
	cs, err := NewCertificates(CertificateOptions{Dirs: []string{dir}})
	if err != nil {
		b.Fatal(err)
	}
	b.Run("choose", func(b *testing.B) {
		b.ReportAllocs()
		for range b.N {
			if len(cs.shelf.Load().covering("mail1234.example")) != 1 {
				b.Fatal("not found")
			}
		}
	})
	b.Run("look for changes", func(b *testing.B) {
		for range b.N {
			if err := cs.Reload(); err != nil {
				b.Fatal(err)
			}
		}
	})
}
