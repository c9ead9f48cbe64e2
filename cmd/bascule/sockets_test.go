package main

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// passing makes a command that starts the program as systemd does: with open sockets and their names.
func passing(t *testing.T, names []string, sockets []*os.File, args ...string) *exec.Cmd {
	t.Helper()
	inner := program(context.Background(), args...)
	// LISTEN_PID is the number of the process that is started, which only that process knows.
	cmd := exec.Command("sh", append([]string{"-c", `LISTEN_PID=$$ exec "$@"`, "sh"}, inner.Args...)...)
	cmd.Env = append(inner.Env, "LISTEN_FDS="+string(rune('0'+len(sockets))), "LISTEN_FDNAMES="+strings.Join(names, ":"))
	cmd.ExtraFiles = sockets
	return cmd
}

// TestPassedSockets: what systemd passes takes the place of the configured addresses, stays open for the next start, and a name that nothing
// is served for is refused.
func TestPassedSockets(t *testing.T) {
	s := newStore(t, "tls: {self_signed: true}\n")
	s.account("anna@example.org", "both")
	var files []*os.File
	at := map[string]string{}
	names := []string{"pop3", "imaps", "lmtp"}
	for _, name := range names {
		network, address := "tcp", "127.0.0.1:0"
		if name == "lmtp" {
			network, address = "unix", filepath.Join(s.dir, "lmtp.sock")
		}
		l, err := net.Listen(network, address)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		f, err := l.(interface{ File() (*os.File, error) }).File()
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		files = append(files, f)
		at[name] = l.Addr().String()
	}
	notify, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(s.dir, "notify"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer notify.Close()

	for range 2 {
		cmd := passing(t, names, files, "--config", s.config, "serve")
		cmd.Env = append(cmd.Env, "NOTIFY_SOCKET="+filepath.Join(s.dir, "notify"))
		p := s.launch(cmd)
		for name, address := range at {
			if p.at[name] != address {
				t.Errorf("%s is served at %q, not at the socket %q", name, p.at[name], address)
			}
		}
		if p.at["imap"] == "" {
			t.Error("a listener without a socket is not served at its configured address")
		}
		p.pop3("anna@example.org")
		s.ok("healthcheck", "--only", "pop3,imap,lmtp")
		state := make([]byte, 100)
		n, err := notify.Read(state)
		if err != nil || string(state[:n]) != "READY=1" {
			t.Errorf("systemd was told %q, %v", state[:n], err)
		}
		p.cmd.Process.Signal(os.Interrupt)
		if code := p.end(); code != 0 {
			t.Errorf("exit %d", code)
		}
		if n, err = notify.Read(state); err != nil || string(state[:n]) != "STOPPING=1" {
			t.Errorf("systemd was told %q, %v", state[:n], err)
		}
		if _, err := os.Stat(at["lmtp"]); err != nil {
			t.Errorf("a socket that belongs to systemd: %v", err)
		}
	}

	for _, bad := range []string{"imap4", "imap"} {
		cmd := passing(t, []string{bad}, files[:1], "--config", s.config, "serve", "--only", "pop3")
		out, err := cmd.CombinedOutput()
		if err == nil || !strings.Contains(string(out), "sockets were passed for "+bad) {
			t.Errorf("a socket named %s: %v\n%s", bad, err, out)
		}
	}
	plain := newStore(t, "")
	out, err := passing(t, []string{"imaps"}, files[:1], "--config", plain.config, "serve").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "imaps needs a certificate") {
		t.Errorf("imaps without a certificate: %v\n%s", err, out)
	}
}
