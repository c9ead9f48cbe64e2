package acme

import (
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	protocol "golang.org/x/crypto/acme"
)

// A challenge's answer is put into a file, where any process finds it that the authority happens to reach.

var token = regexp.MustCompile(`^[A-Za-z0-9_-]{1,200}$`) // RFC 8555 §8.3: base64url

const wellKnown = "/.well-known/acme-challenge/"

// answer prepares for the authority's visit; undo takes that back.
func (m *Manager) answer(client *protocol.Client, name string, c *protocol.Challenge) (undo func(), err error) {
	if !token.MatchString(c.Token) {
		return nil, errors.New("the authority's token is not base64url")
	}
	var file string
	var data []byte
	if m.o.Challenge == TLSALPN {
		cert, err := client.TLSALPN01ChallengeCert(c.Token, name)
		if err != nil {
			return nil, err
		}
		file = m.alpnFile(name)
		if data, err = encode(cert.PrivateKey, cert.Certificate); err != nil {
			return nil, err
		}
	} else {
		text, err := client.HTTP01ChallengeResponse(c.Token)
		if err != nil {
			return nil, err
		}
		file, data = filepath.Join(m.challenges(), c.Token), []byte(text)
	}
	return func() { os.Remove(file) }, publish(file, data)
}

func (m *Manager) alpnFile(name string) string { return filepath.Join(m.challenges(), name+".pem") }

// Challenge is the certificate for an authority that validates a name by TLS-ALPN-01.
func (m *Manager) Challenge(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	name := strings.ToLower(hello.ServerName)
	if !slices.Contains(m.o.Names, name) {
		return nil, errors.New("acme: not one of our names")
	}
	file := m.alpnFile(name)
	cert, err := tls.LoadX509KeyPair(file, file)
	return &cert, err
}

// Handler answers HTTP-01 challenges and nothing else.
func (m *Manager) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, ok := strings.CutPrefix(r.URL.Path, wellKnown)
		if !ok || !token.MatchString(name) || r.Method != http.MethodGet && r.Method != http.MethodHead {
			http.NotFound(w, r)
			return
		}
		data, err := os.ReadFile(filepath.Join(m.challenges(), name))
		if err != nil {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/octet-stream")
		w.Write(data)
	})
}

// maxOpen bounds the connections to a server of challenges: an authority needs a handful, and descriptors are mail's too.
const maxOpen = 64

// NewServer is an HTTP server for Handler, with bounds for what strangers may cost: it is open to the world.
func (m *Manager) NewServer() *http.Server {
	var open atomic.Int64
	return &http.Server{Handler: m.Handler(), ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second, IdleTimeout: 10 * time.Second,
		MaxHeaderBytes: 8 << 10, ErrorLog: nobody, ConnState: func(c net.Conn, state http.ConnState) {
			switch state {
			case http.StateNew:
				if open.Add(1) > maxOpen {
					c.Close()
				}
			case http.StateClosed, http.StateHijacked:
				open.Add(-1)
			}
		}}
}
