package acme

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"bascule/internal/testkit/programs"
	"bascule/internal/testkit/selfsigned"
)

// pebble is Let's Encrypt's small server for tests, with names that all lead to this machine. httpPort and tlsPort are where it validates.
func pebble(t *testing.T, httpPort, tlsPort int) (directory string, client *http.Client) {
	t.Helper()
	programs.Client(t, "pebble", "pebble-challtestsrv")
	dir := t.TempDir()
	if err := selfsigned.Write(filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")); err != nil {
		t.Fatal(err)
	}
	dns, api, manage, control := freePort(t), freePort(t), freePort(t), freePort(t)
	cfg, err := json.Marshal(map[string]any{"pebble": map[string]any{
		"listenAddress": fmt.Sprintf("127.0.0.1:%d", api), "managementListenAddress": fmt.Sprintf("127.0.0.1:%d", manage),
		"certificate": filepath.Join(dir, "cert.pem"), "privateKey": filepath.Join(dir, "key.pem"),
		"httpPort": httpPort, "tlsPort": tlsPort, "ocspResponderURL": "",
	}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "pebble.json"), cfg, 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(name string, args ...string) {
		cmd := exec.Command(name, args...)
		cmd.Env = append(os.Environ(), "PEBBLE_VA_NOSLEEP=1", "PEBBLE_WFE_NONCEREJECT=20", "PEBBLE_AUTHZREUSE=0")
		var out syncBuffer
		cmd.Stdout, cmd.Stderr = &out, &out
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			cmd.Process.Kill()
			cmd.Wait()
			if t.Failed() {
				t.Logf("%s: %s", name, out.String())
			}
		})
	}
	run("pebble-challtestsrv", "-defaultIPv6", "", "-dns01", fmt.Sprintf("127.0.0.1:%d", dns), "-http01", "", "-https01", "", "-tlsalpn01", "",
		"-management", fmt.Sprintf("127.0.0.1:%d", control))
	run("pebble", "-config", filepath.Join(dir, "pebble.json"), "-dnsserver", fmt.Sprintf("127.0.0.1:%d", dns))
	roots := x509.NewCertPool()
	pem, _ := os.ReadFile(filepath.Join(dir, "cert.pem"))
	roots.AppendCertsFromPEM(pem)
	client = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}
	t.Cleanup(client.CloseIdleConnections)
	directory = fmt.Sprintf("https://127.0.0.1:%d/dir", api)
	for end := time.Now().Add(time.Minute); ; {
		r, err := client.Get(directory)
		if err == nil {
			r.Body.Close()
			return directory, client
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Millisecond) // until a program of others listens
	}
}

// freePort is a port that is free now and that the kernel gives to nobody, for its range begins at 32768; pebble cannot tell which one it
// would choose.
func freePort(t *testing.T) int {
	var err error
	for range 100 {
		var l net.Listener
		port := 16384 + rand.IntN(16384)
		if l, err = net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			l.Close()
			return port
		}
	}
	t.Fatal(err)
	return 0
}

type syncBuffer struct {
	mu sync.Mutex
	b  strings.Builder
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}
func (b *syncBuffer) String() string { b.mu.Lock(); defer b.mu.Unlock(); return b.b.String() }

// manager makes one of the processes that share a directory.
func manager(t *testing.T, dir string, o Options) *Manager {
	t.Helper()
	o.Dir, o.Lock = filepath.Join(dir, "acme"), filepath.Join(dir, "lock")
	o.Log = slog.New(slog.NewTextHandler(t.Output(), nil))
	m, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// Against a real ACME server, by both challenges: the process that the authority reaches is not the one that asked.
func TestCertificatesFromAnAuthority(t *testing.T) {
	names := []string{"mail.example.org", "pop.example.net"}
	for _, challenge := range []string{HTTP, TLSALPN} {
		t.Run(challenge, func(t *testing.T) {
			t.Parallel() // they wait for the authority most of the time
			dir := t.TempDir()
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			port := l.Addr().(*net.TCPAddr).Port
			directory, client := pebble(t, port, port)
			o := Options{Names: names, Email: "postmaster@example.org", Directory: directory, Challenge: challenge, HTTP: client}
			asks, answers := manager(t, dir, o), manager(t, dir, o)
			server := answers.NewServer()
			if challenge == TLSALPN {
				l = tls.NewListener(l, &tls.Config{NextProtos: []string{"acme-tls/1"}, GetCertificate: answers.Challenge})
			}
			go server.Serve(l)
			defer server.Close()

			n, err := asks.Renew(t.Context())
			if n != len(names) || err != nil || asks.Failing() != 0 {
				t.Fatalf("%d certificates, %v", n, err)
			}
			for _, name := range names {
				leaf, err := readLeaf(asks.certFile(name))
				if err != nil || leaf.VerifyHostname(name) != nil || time.Until(leaf.NotAfter) < time.Hour {
					t.Errorf("%s: %v %v", name, leaf, err)
				}
				if _, err := tls.LoadX509KeyPair(asks.certFile(name), asks.certFile(name)); err != nil {
					t.Error(err)
				}
				if info, err := os.Stat(asks.certFile(name)); err != nil || info.Mode().Perm() != 0o600 {
					t.Errorf("the key can be read by others: %v %v", info.Mode(), err)
				}
			}
			if left, _ := os.ReadDir(asks.challenges()); len(left) != 0 {
				t.Errorf("answers left behind: %v", left)
			}
			if n, err := answers.Renew(t.Context()); n != 0 || err != nil {
				t.Errorf("asked again for what is there: %d %v", n, err)
			}
			// One name less, one more, with the same account.
			o.Names = []string{names[0], "new.example.org"}
			next := manager(t, dir, o)
			answers.o.Names = o.Names
			if n, err := next.Renew(t.Context()); n != 1 || err != nil {
				t.Errorf("a new name: %d %v", n, err)
			}
			if files, _ := os.ReadDir(next.Certs()); len(files) != 2 {
				t.Errorf("in the directory of certificates: %v", files)
			}
		})
	}
}

// A name that cannot be validated is left alone for a while, by all processes, and keeps no other from its certificate.
func TestANameThatCannotBeValidated(t *testing.T) {
	dir := t.TempDir()
	port := freePort(t) // nobody answers there
	directory, client := pebble(t, port, port)
	o := Options{Names: []string{"mail.example.org"}, Directory: directory, Challenge: HTTP, HTTP: client, Retry: time.Hour}
	m := manager(t, dir, o)
	if n, err := m.Renew(t.Context()); n != 0 || err != nil || m.Failing() != 1 {
		t.Fatalf("%d certificates, %d failing, %v", n, m.Failing(), err)
	}
	other := manager(t, dir, o)
	if due := other.due(); len(due) != 0 {
		t.Errorf("%v is due at once in another process", due)
	}
	f := other.failure("mail.example.org")
	if left := time.Until(f.Until); f.Count != 1 || f.Error == "" || left < 50*time.Minute || left > time.Hour {
		t.Errorf("noted as %+v", f)
	}
	for range 20 {
		other.failed("mail.example.org", context.DeadlineExceeded)
	}
	if left := time.Until(other.failure("mail.example.org").Until); left > maxRetry {
		t.Errorf("after many failures the next attempt is in %v", left)
	}
}

// While one process is at it, another leaves it alone.
func TestOneProcessAtATime(t *testing.T) {
	dir := t.TempDir()
	inside, goOn := make(chan struct{}), make(chan struct{})
	var once sync.Once
	authority := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		once.Do(func() { close(inside) })
		<-goOn
		http.Error(w, "closed today", http.StatusNotFound)
	}))
	defer authority.Close()
	o := Options{Names: []string{"mail.example.org"}, Directory: authority.URL, Challenge: HTTP, HTTP: authority.Client()}
	first, second := manager(t, dir, o), manager(t, dir, o)
	done := make(chan error, 1)
	go func() { _, err := first.Renew(t.Context()); done <- err }()
	<-inside
	if n, err := second.Renew(t.Context()); n != 0 || err != nil || second.Failing() != 0 {
		t.Errorf("the second process: %d %v", n, err)
	}
	close(goOn)
	if err := <-done; err != nil || first.Failing() != 1 {
		t.Errorf("the first: %v", err)
	}
}

// Strangers reach the listener of HTTP-01: nothing but answers of challenges comes out.
func TestOnlyChallengesAreAnswered(t *testing.T) {
	m := manager(t, t.TempDir(), Options{Names: []string{"mail.example.org"}})
	os.WriteFile(filepath.Join(m.challenges(), "tok-en_1"), []byte("tok-en_1.thumb"), 0o600)
	os.WriteFile(filepath.Join(m.o.Dir, "account.pem"), []byte("secret"), 0o600)
	os.WriteFile(filepath.Join(m.challenges(), "mail.example.org.pem"), []byte("secret"), 0o600)
	for request, want := range map[string]string{
		"GET " + wellKnown + "tok-en_1": "tok-en_1.thumb", "GET " + wellKnown + "none": "", "GET " + wellKnown: "", "GET /": "", "POST " + wellKnown + "tok-en_1": "",
		"GET " + wellKnown + "..%2faccount.pem": "", "GET " + wellKnown + "../account.pem": "", "GET " + wellKnown + "mail.example.org.pem": "",
	} {
		method, path, _ := strings.Cut(request, " ")
		w := httptest.NewRecorder()
		m.Handler().ServeHTTP(w, httptest.NewRequest(method, path, nil))
		body, _ := io.ReadAll(w.Body)
		if ok := w.Code == http.StatusOK; ok != (want != "") || ok && string(body) != want {
			t.Errorf("%s: %d %q", request, w.Code, body)
		}
	}
	if _, err := m.Challenge(&tls.ClientHelloInfo{ServerName: "../account"}); err == nil {
		t.Error("a certificate for a stranger's name")
	}
}
