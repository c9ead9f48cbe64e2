package netserve

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// SelfSigned writes a certificate for the host names and addresses and its key to the two files, for trying things out. Files that
// are there already stay, so a client that was told to trust the certificate can go on doing so. If both names are the same, several
// processes may do it at the same time: one of them makes the file, whole, and all find it.
func SelfSigned(pair KeyPair, hosts []string, valid time.Duration) error {
	if _, err := tls.LoadX509KeyPair(pair.Cert, pair.Key); err == nil {
		return nil
	}
	if _, err := os.Stat(pair.Key); err == nil && pair.Cert != pair.Key {
		return fmt.Errorf("netserve: self-signed certificate: %s is there but does not load with %s", pair.Key, pair.Cert)
	}
	cert, key, err := selfSigned(hosts, valid)
	if err == nil {
		err = os.MkdirAll(filepath.Dir(pair.Key), 0o700)
	}
	switch {
	case err != nil:
	case pair.Cert == pair.Key:
		if err = publishWhole(pair.Key, append(cert, key...)); err == nil {
			_, err = tls.LoadX509KeyPair(pair.Cert, pair.Key) // what was there before may be broken
		}
	default:
		if err = os.WriteFile(pair.Key, key, 0o600); err == nil {
			err = os.WriteFile(pair.Cert, cert, 0o644)
		}
	}
	if err != nil {
		return fmt.Errorf("netserve: self-signed certificate: %w", err)
	}
	return nil
}

// publishWhole gives path these contents, unless somebody else was quicker: no reader ever sees half a file.
func publishWhole(path string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(data)
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		return err
	}
	if err := os.Link(f.Name(), path); !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

// selfSigned makes the pair, as PEM.
func selfSigned(hosts []string, valid time.Duration) (certPEM, keyPEM []byte, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, nil, err
	}
	now := time.Now()
	tmpl := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: hosts[0]},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(valid),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true, IsCA: true, // so that it can stand in a trust store as it is
	}
	for _, h := range hosts {
		if ip := net.ParseIP(h); ip != nil {
			tmpl.IPAddresses = append(tmpl.IPAddresses, ip)
		} else {
			tmpl.DNSNames = append(tmpl.DNSNames, h)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		return nil, nil, err
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}), nil
}
