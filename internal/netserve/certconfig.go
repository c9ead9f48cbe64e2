package netserve

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"slices"
)

// configs are the configurations of handshakes. They stay the same when certificates change, so that tickets of earlier sessions go on
// being good.
type configs struct{ usual, old *tls.Config }

// acmeProtocol is the name by which an ACME server's validation is known (RFC 8737 §6.2).
const acmeProtocol = "acme-tls/1"

// oldSuites are for clients of the time before forward secrecy. Nothing with RC4 or 3DES.
var oldSuites = []uint16{tls.TLS_RSA_WITH_AES_128_CBC_SHA, tls.TLS_RSA_WITH_AES_256_CBC_SHA}

// newConfigs makes the configurations; clientCA may be nil.
func (cs *Certificates) newConfigs(clientCA *x509.CertPool) *configs {
	usual := &tls.Config{
		MinVersion:     cs.opts.Min,
		GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) { return cs.shelf.Load().pick(hello) },
	}
	if clientCA != nil {
		// Who has a certificate may show it; one of somebody else's authority, which the client was told that we do not want, ends the
		// handshake.
		usual.ClientAuth, usual.ClientCAs = tls.VerifyClientCertIfGiven, clientCA
	}
	if cs.opts.Challenge != nil {
		// The protocol's name must not be among those of other handshakes: a client that names its own ("imap") would be refused then.
		validation := &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{acmeProtocol}, GetCertificate: cs.opts.Challenge}
		usual.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
			if slices.Contains(hello.SupportedProtos, acmeProtocol) {
				return validation, nil
			}
			return nil, nil
		}
	}
	old := usual.Clone()
	old.MinVersion = tls.VersionTLS10
	for _, s := range tls.CipherSuites() {
		old.CipherSuites = append(old.CipherSuites, s.ID)
	}
	old.CipherSuites = append(old.CipherSuites, oldSuites...)
	return &configs{usual, old}
}

// loadClientCA takes up the authorities of client certificates and makes the configurations; needs mu, except in the constructor.
func (cs *Certificates) loadClientCA() (changed bool, err error) {
	var pool *x509.CertPool
	var sum [sha256.Size]byte
	if file := cs.opts.ClientCA; file != "" {
		data, err := os.ReadFile(file)
		if err != nil {
			return false, fmt.Errorf("netserve: authorities of client certificates: %w", err)
		}
		sum = sha256.Sum256(data)
		if cs.configs.Load() != nil && sum == cs.caSum {
			return false, nil
		}
		if pool = x509.NewCertPool(); !pool.AppendCertsFromPEM(data) {
			return false, fmt.Errorf("netserve: authorities of client certificates: no certificate in %s", file)
		}
	} else if cs.configs.Load() != nil {
		return false, nil
	}
	cs.caSum = sum
	cs.configs.Store(cs.newConfigs(pool))
	return true, nil
}
