package netserve

import (
	"bytes"
	"crypto"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A directory of certificates is taken by what is in its files, not by their names: every PEM file in it, and in its subdirectories one
// level down, gives its keys and, if it holds certificates, one chain, whose first one is the server's; keys and certificates that fit
// each other are pairs, wherever they lie. So name.crt beside name.key, one name.pem, certbot's live/ and mounted Kubernetes secrets
// (tls.crt, tls.key) are all the same to it. Names that begin with a dot are passed over (Kubernetes keeps its versions there), links are
// followed.

const (
	maxCertFile  = 1 << 20 // octets; larger files are passed over
	maxCertFiles = 200_000 // in one directory of certificates
)

// certDir is such a directory.
type certDir struct {
	path  string
	log   *slog.Logger
	files map[string]*certFile // as they were last read; nil before the first time
	pairs map[string]*tls.Certificate
	err   error // of the pairs
}

// certFile is one file's contents.
type certFile struct {
	sum   [sha256.Size]byte
	chain [][]byte
	leaf  *x509.Certificate // nil without certificates
	keys  []crypto.Signer
	err   error // it looked like a certificate or a key and was none
}

// certificates are the pairs, in the order of their files.
func (d *certDir) certificates() []*tls.Certificate {
	var out []*tls.Certificate
	for _, path := range sorted(d.pairs) {
		out = append(out, d.pairs[path])
	}
	return out
}

func sorted[V any](m map[string]V) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// scan reads what has changed. The error names each certificate that could not be taken up; where there was one before in the same file, it
// stays.
func (d *certDir) scan() (changed bool, err error) {
	next := map[string]*certFile{}
	if err := d.walk(d.path, true, next); err != nil {
		return false, fmt.Errorf("netserve: certificates in %s: %w", d.path, err)
	}
	for path, f := range next {
		changed = changed || d.files[path] != f
	}
	changed = changed || len(next) != len(d.files)
	first := d.files == nil
	if !changed && !first {
		return false, d.err
	}
	d.files = next
	pairs, err := d.match()
	if !first {
		d.tell(pairs)
	}
	d.pairs, d.err = pairs, err
	return true, err
}

// walk reads the files of a directory into next.
func (d *certDir) walk(dir string, deeper bool, next map[string]*certFile) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") {
			continue
		}
		path := filepath.Join(dir, e.Name())
		info, err := os.Stat(path)
		switch {
		case err != nil:
			continue // gone meanwhile, or a link to nowhere
		case info.IsDir() && deeper:
			if err := d.walk(path, false, next); err != nil {
				return err
			}
		case info.Mode().IsRegular() && info.Size() <= maxCertFile:
			if len(next) >= maxCertFiles {
				return fmt.Errorf("more than %d files", maxCertFiles)
			}
			data, err := readFile(path)
			if err != nil {
				next[path] = &certFile{err: err}
				continue
			}
			next[path] = d.read(path, data)
		}
	}
	return nil
}

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxCertFile))
}

// read parses a file, unless it is what it was.
func (d *certDir) read(path string, data []byte) *certFile {
	sum := sha256.Sum256(data)
	if old := d.files[path]; old != nil && old.sum == sum {
		return old
	}
	f := &certFile{sum: sum}
	for bytes.Contains(data, []byte("-----BEGIN")) {
		var block *pem.Block
		if block, data = pem.Decode(data); block == nil {
			f.err = errors.New("broken PEM")
			break
		}
		switch {
		case block.Type == "CERTIFICATE":
			f.chain = append(f.chain, block.Bytes)
		case strings.HasSuffix(block.Type, "PRIVATE KEY"):
			key, err := parseKey(block.Bytes)
			if err != nil {
				f.err = err
				continue
			}
			f.keys = append(f.keys, key)
		}
	}
	if len(f.chain) > 0 {
		leaf, err := x509.ParseCertificate(f.chain[0])
		if err != nil {
			f.err = err
		}
		f.leaf = leaf
	}
	return f
}

func parseKey(der []byte) (crypto.Signer, error) {
	if key, err := x509.ParsePKCS8PrivateKey(der); err == nil {
		if s, ok := key.(crypto.Signer); ok {
			return s, nil
		}
	}
	if key, err := x509.ParseECPrivateKey(der); err == nil {
		return key, nil
	}
	if key, err := x509.ParsePKCS1PrivateKey(der); err == nil {
		return key, nil
	}
	return nil, errors.New("a private key of an unknown kind")
}

// match makes pairs of the files.
func (d *certDir) match() (map[string]*tls.Certificate, error) {
	var errs []error
	keys := map[string]crypto.Signer{} // by public key
	paths := sorted(d.files)
	for _, path := range paths {
		for _, k := range d.files[path].keys {
			if public, err := x509.MarshalPKIXPublicKey(k.Public()); err == nil {
				keys[string(public)] = k
			}
		}
	}
	pairs := map[string]*tls.Certificate{}
	longest := map[string]string{} // by leaf: the file with its longest chain
	for _, path := range paths {
		f := d.files[path]
		old := d.pairs[path]
		if f.leaf == nil {
			if f.err != nil {
				errs = append(errs, fmt.Errorf("netserve: %s: %w", path, f.err))
				keep(pairs, path, old)
			}
			continue
		}
		key, ok := keys[string(f.leaf.RawSubjectPublicKeyInfo)]
		if !ok {
			if !f.leaf.IsCA || old != nil { // certbot's chain.pem is an authority and needs none
				errs = append(errs, fmt.Errorf("netserve: certificate %s: no key in %s fits it", path, d.path))
			}
			keep(pairs, path, old)
			continue
		}
		leaf := string(f.leaf.Raw)
		if other, twice := longest[leaf]; twice {
			if len(d.files[other].chain) >= len(f.chain) {
				continue
			}
			delete(pairs, other)
		}
		longest[leaf] = path
		if old != nil && old.Leaf == f.leaf {
			pairs[path] = old
			continue
		}
		pairs[path] = &tls.Certificate{Certificate: f.chain, PrivateKey: key, Leaf: f.leaf}
	}
	return pairs, errors.Join(errs...)
}

func keep(pairs map[string]*tls.Certificate, path string, old *tls.Certificate) {
	if old != nil {
		pairs[path] = old
	}
}

// tell logs what is different from the pairs in use.
func (d *certDir) tell(pairs map[string]*tls.Certificate) {
	for path, c := range pairs {
		if old := d.pairs[path]; old == nil || old.Leaf != c.Leaf {
			d.log.Info("certificate taken up", "file", path, "names", strings.Join(c.Leaf.DNSNames, " "), "expires", c.Leaf.NotAfter)
		}
	}
	for path := range d.pairs {
		if pairs[path] == nil {
			d.log.Info("certificate gone", "file", path)
		}
	}
}
