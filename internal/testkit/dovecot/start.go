package dovecot

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"bascule/internal/testkit/dialogue"
	"bascule/internal/testkit/selfsigned"
)

const (
	program  = "/usr/sbin/dovecot"
	password = "demo"
)

// Start runs a Dovecot until the test ends. extra are accounts beside pop@, imap@ and both@example.org.
func Start(t testing.TB, extra ...string) *dialogue.Target {
	t.Helper()
	if os.Getenv("BASCULE_TEST_DOVECOT") == "" {
		t.Skip("BASCULE_TEST_DOVECOT is not set")
	}
	if _, err := os.Stat(program); err != nil {
		t.Skipf("no Dovecot here: %v", err)
	}
	// Unix sockets in it need a short path, and Dovecot's users must get in.
	dir, err := os.MkdirTemp("", "dc")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	accounts := append([]string{"pop@example.org", "imap@example.org", "both@example.org"}, extra...)
	ports, err := freePorts("imap", "imaps", "pop3", "pop3s", "lmtp")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "mail"), 0o777); err != nil {
		t.Fatal(err)
	}
	m := &mailer{dir: dir}
	for _, a := range accounts {
		if err := m.makeMaildir(a); err != nil {
			t.Fatal(err)
		}
	}
	if err := selfsigned.Write(filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")); err != nil {
		t.Fatal(err)
	}
	conf, err := writeConfig(dir, ports, accounts, password)
	if err != nil {
		t.Fatal(err)
	}
	run(t, dir, conf, ports["imap"])
	addrs := map[string]string{}
	for kind, port := range ports {
		addrs[kind] = net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	}
	return &dialogue.Target{Name: "dovecot", Addrs: addrs, TLS: &tls.Config{InsecureSkipVerify: true}, Password: password, Act: m.act}
}

// run starts the program and waits until it answers.
func run(t testing.TB, dir, conf string, port int) {
	cmd := exec.Command(program, "-F", "-c", conf)
	out, err := os.Create(filepath.Join(dir, "out"))
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	exited := make(chan error, 1)
	go func() { exited <- cmd.Wait() }()
	t.Cleanup(func() {
		cmd.Process.Signal(os.Interrupt)
		select {
		case <-exited:
		case <-time.After(10 * time.Second):
			cmd.Process.Kill()
			<-exited
		}
		out.Close()
		if t.Failed() {
			for _, name := range []string{"out", "log"} {
				text, _ := os.ReadFile(filepath.Join(dir, name))
				t.Logf("dovecot %s:\n%s", name, text)
			}
		}
	})
	for end := time.Now().Add(20 * time.Second); ; {
		c, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err == nil {
			c.Close()
			return
		}
		select {
		case err := <-exited:
			exited <- err
			t.Fatalf("dovecot ended: %v", err)
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(end) {
			t.Fatal("dovecot does not answer")
		}
	}
}

// freePorts asks the kernel for ports that are free now.
func freePorts(kinds ...string) (map[string]int, error) {
	ports := map[string]int{}
	for _, k := range kinds {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close() // all of them are held until the last is known
		ports[k] = l.Addr().(*net.TCPAddr).Port
	}
	return ports, nil
}

// mailer carries out the actions that need no server: dropping files.
type mailer struct {
	dir string
	n   atomic.Int64
}

func (m *mailer) maildir(account string) string {
	return filepath.Join(m.dir, "mail", account, "Maildir")
}

func (m *mailer) makeMaildir(account string) error {
	for _, sub := range []string{"cur", "new", "tmp"} {
		if err := os.MkdirAll(filepath.Join(m.maildir(account), sub), 0o700); err != nil {
			return err
		}
	}
	return m.give(filepath.Join(m.dir, "mail", account))
}

// give makes a path and all below it the mail user's.
func (m *mailer) give(path string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	nobody, err := user.Lookup("nobody")
	if err != nil {
		return err
	}
	uid, _ := strconv.Atoi(nobody.Uid)
	gid, _ := strconv.Atoi(nobody.Gid)
	return filepath.Walk(path, func(p string, _ os.FileInfo, err error) error {
		if err != nil {
			return err
		}
		return os.Chown(p, uid, gid)
	})
}

// act knows "mail ADDRESS" (a message into INBOX) and "drop ADDRESS PATH" (a file into the Maildir).
func (m *mailer) act(_ context.Context, words []string, stdin string) (string, error) {
	switch {
	case words[0] == "mail" && len(words) == 2:
		name := fmt.Sprintf("new/%d.M%dP%d.test", time.Now().Unix(), m.n.Add(1), os.Getpid())
		return "", m.drop(words[1], name, strings.ReplaceAll(stdin, "\n", "\r\n"))
	case words[0] == "drop" && len(words) == 3:
		return "", m.drop(words[1], words[2], stdin)
	}
	return "", errors.New("dovecot cannot " + strings.Join(words, " "))
}

func (m *mailer) drop(account, name, data string) error {
	path := filepath.Join(m.maildir(account), filepath.FromSlash(name))
	tmp := filepath.Join(m.maildir(account), "tmp", filepath.Base(name))
	if err := os.WriteFile(tmp, []byte(data), 0o600); err != nil {
		return err
	}
	if err := m.give(tmp); err != nil {
		return err
	}
	return os.Rename(tmp, path)
}
