package acme

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"os"
	"path/filepath"

	protocol "golang.org/x/crypto/acme"
)

// nobody takes what HTTP would log about strangers' connections.
var nobody = log.New(io.Discard, "", 0)

// types are the challenges as the protocol names them.
var types = map[string]string{HTTP: "http-01", TLSALPN: "tls-alpn-01"}

// obtain gets one certificate and puts it into its file.
func (m *Manager) obtain(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	client, err := m.client(ctx)
	if err != nil {
		return fmt.Errorf("acme: account: %w", err)
	}
	order, err := client.AuthorizeOrder(ctx, protocol.DomainIDs(name))
	if err != nil {
		return fmt.Errorf("acme: order: %w", err)
	}
	for _, url := range order.AuthzURLs {
		if err := m.authorize(ctx, client, name, url); err != nil {
			return err
		}
	}
	location := order.URI
	if order, err = client.WaitOrder(ctx, location); err != nil {
		return fmt.Errorf("acme: order: %w", err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	csr, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{DNSNames: []string{name}}, key)
	if err != nil {
		return err
	}
	chain, _, err := client.CreateOrderCert(ctx, order.FinalizeURL, csr, true)
	if err != nil {
		return fmt.Errorf("acme: certificate: %w", err)
	}
	leaf, err := x509.ParseCertificate(chain[0])
	if err != nil {
		return fmt.Errorf("acme: certificate: %w", err)
	}
	if err := leaf.VerifyHostname(name); err != nil || !key.PublicKey.Equal(leaf.PublicKey) {
		return fmt.Errorf("acme: the authority gave a certificate for something else: %w", err)
	}
	data, err := encode(key, chain)
	if err == nil {
		err = publish(m.certFile(name), data)
	}
	if err != nil {
		return fmt.Errorf("acme: certificate: %w", err)
	}
	m.o.Log.Info("certificate obtained", "name", name, "from", leaf.Issuer.String(), "expires", leaf.NotAfter)
	return nil
}

// authorize shows the authority that the name is ours.
func (m *Manager) authorize(ctx context.Context, client *protocol.Client, name, url string) error {
	a, err := client.GetAuthorization(ctx, url)
	if err != nil {
		return fmt.Errorf("acme: authorization: %w", err)
	}
	if a.Status == protocol.StatusValid { // from a short while ago
		return nil
	}
	for _, c := range a.Challenges {
		if c.Type != types[m.o.Challenge] {
			continue
		}
		undo, err := m.answer(client, name, c)
		if err != nil {
			return fmt.Errorf("acme: challenge: %w", err)
		}
		defer undo()
		if _, err := client.Accept(ctx, c); err != nil {
			return fmt.Errorf("acme: challenge: %w", err)
		}
		if _, err := client.WaitAuthorization(ctx, a.URI); err != nil {
			return fmt.Errorf("acme: %s validation: %w", c.Type, err)
		}
		return nil
	}
	return fmt.Errorf("acme: the authority offers no %s challenge", types[m.o.Challenge])
}

// client is logged in to the account, which is made at the first time.
func (m *Manager) client(ctx context.Context) (*protocol.Client, error) {
	key, err := m.accountKey()
	if err != nil {
		return nil, err
	}
	c := &protocol.Client{Key: key, DirectoryURL: m.o.Directory, HTTPClient: m.o.HTTP, UserAgent: "bascule"}
	account := &protocol.Account{}
	if m.o.Email != "" {
		account.Contact = []string{"mailto:" + m.o.Email}
	}
	if _, err = c.Register(ctx, account, protocol.AcceptTOS); errors.Is(err, protocol.ErrAccountAlreadyExists) {
		err = nil
	}
	return c, err
}

// accountKey reads the account's key, or makes one. The lock is held.
func (m *Manager) accountKey() (crypto.Signer, error) {
	file := filepath.Join(m.o.Dir, "account.pem")
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return nil, err
		}
		if data, err = encode(key, nil); err != nil {
			return nil, err
		}
		return key, publish(file, data)
	}
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(data)
	if block == nil {
		return nil, fmt.Errorf("%s holds no key", file)
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("%s holds a key that cannot sign", file)
	}
	return signer, nil
}

// encode writes a key and a chain as PEM.
func encode(key crypto.PrivateKey, chain [][]byte) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	out := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	for _, c := range chain {
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c})...)
	}
	return out, nil
}
