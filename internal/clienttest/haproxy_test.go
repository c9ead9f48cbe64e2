package clienttest

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bascule/internal/testkit/programs"
	"bascule/internal/testkit/selfsigned"
)

// haproxyConfig has two frontends, one that ends TLS. A PROXY header of ours gives the clients addresses that the machine does not have;
// HAProxy passes them on in headers of its own. It opens Unix sockets, since it cannot say which free port it took.
const haproxyConfig = `
global
    maxconn 50
defaults
    mode tcp
    timeout connect 10s
    timeout client 1m
    timeout server 1m
frontend clear
    bind unix@%[1]s/clear accept-proxy
    default_backend clear
frontend tls
    bind unix@%[1]s/tls accept-proxy ssl crt %[1]s/both.pem
    default_backend tls
backend clear
    server one %[2]s send-proxy-v2
backend tls
    server one %[2]s send-proxy-v2-ssl
`

// Through a real HAProxy: the client's own address is what counts, and TLS that ends there is TLS.
func TestHAProxy(t *testing.T) {
	programs.Client(t, "haproxy")
	for _, p := range []struct{ kind, refused, login string }{
		{"imap", "a NO [PRIVACYREQUIRED]", "a LOGIN both@example.org demo"},
		{"pop3", "-ERR", "AUTH PLAIN AGJvdGhAZXhhbXBsZS5vcmcAZGVtbw=="},
	} {
		t.Run(p.kind, func(t *testing.T) {
			s := start(t, "haproxy")
			dir := t.TempDir()
			cert, key, err := selfsigned.PEM()
			if err != nil {
				t.Fatal(err)
			}
			write(t, filepath.Join(dir, "both.pem"), string(cert)+string(key), 0o600)
			write(t, filepath.Join(dir, "cfg"), fmt.Sprintf(haproxyConfig, dir, s.Target().Addrs[p.kind+"_proxied"]), 0o600)
			cmd := exec.Command("haproxy", "-db", "-f", filepath.Join(dir, "cfg"))
			var out strings.Builder
			cmd.Stdout, cmd.Stderr = &out, &out
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			defer func() {
				cmd.Process.Kill()
				cmd.Wait()
				if t.Failed() {
					t.Log(out.String())
				}
			}()

			talk := func(socket, from string, secure bool) string {
				c := dialWhenThere(t, filepath.Join(dir, socket))
				defer c.Close()
				fmt.Fprintf(c, "PROXY TCP4 %s 198.51.100.2 4711 993\r\n", from)
				if secure {
					c = tls.Client(c, &tls.Config{InsecureSkipVerify: true})
				}
				in := bufio.NewReader(c)
				if _, err := in.ReadString('\n'); err != nil {
					t.Fatal(err)
				}
				fmt.Fprintf(c, "%s\r\n", p.login)
				answer, err := in.ReadString('\n')
				if err != nil {
					t.Fatal(err)
				}
				sessions, err := s.Act(t.Context(), []string{"clients"}, "")
				if err != nil {
					t.Fatal(err)
				}
				return answer + sessions
			}
			if got := talk("clear", "192.0.2.7", false); !strings.HasPrefix(got, p.refused) {
				t.Errorf("a password in clear text from elsewhere: %q", got)
			}
			got := talk("tls", "192.0.2.8", true)
			if want := fmt.Sprintf("both@example.org %s 192.0.2.8 tls\n", p.kind); !strings.HasSuffix(got, want) {
				t.Errorf("TLS that ends at the proxy: %q, want %q at the end", got, want)
			}
		})
	}
}

// dialWhenThere connects to a socket that a program is about to open.
func dialWhenThere(t *testing.T, path string) net.Conn {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		c, err := net.Dial("unix", path)
		if err == nil {
			c.SetDeadline(end.Add(time.Minute))
			return c
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
	}
}
