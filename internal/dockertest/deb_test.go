package dockertest

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"bascule/internal/testkit/programs"
	"bascule/internal/testkit/strict"
)

// TestDebianPackage installs the package (BASCULE_DEB) on a Debian machine with systemd: the service runs confined, on sockets that systemd opened and
// that outlive its restarts, and purging the package leaves the mail.
func TestDebianPackage(t *testing.T) {
	programs.Docker(t)
	deb := os.Getenv("BASCULE_DEB")
	if deb == "" {
		t.Fatal("BASCULE_DEB does not name the package (.ci/docker-test makes it)")
	}
	m := &machine{t: t, id: docker(t, "run", "-d", "--cap-add", "SYS_ADMIN", "--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined",
		"--cgroupns", "private", "--tmpfs", "/run", "--tmpfs", "/run/lock", "--tmpfs", "/tmp:exec", "bascule-systemd:"+tag())}
	t.Cleanup(func() { docker(t, "rm", "-fv", m.id) })
	m.until("systemctl is-system-running", "running", "degraded")
	docker(t, "cp", deb, m.id+":/root/bascule.deb")
	m.do("", "dpkg", "-i", "/root/bascule.deb")
	m.until("systemctl is-active bascule.service", "active")
	for _, file := range []string{"man1/bascule-switch.1.gz", "completions/bascule", "vendor-completions/_bascule", "vendor_completions.d/bascule.fish"} {
		if !strings.Contains(m.do("", "dpkg", "-L", "bascule"), file) {
			t.Errorf("the package has no %s", file)
		}
	}
	m.do("", "bash", "-c", ". /usr/share/bash-completion/bash_completion && . /usr/share/bash-completion/completions/bascule && complete -p bascule")
	const user = "anna@example.org"
	m.bascule(password+"\n", "account", "add", user)
	m.bascule(message(user, "one"), "deliver", user)
	out := m.bascule("", "healthcheck", "--only", "pop3,imap,lmtp")
	for _, want := range []string{"imaps [::]:993", "pop3s [::]:995", "imap [::]:143", "pop3 [::]:110", "lmtp /run/bascule-lmtp/socket"} {
		if !strings.Contains(out, want) {
			t.Errorf("%s is not served: %s", want, out)
		}
	}
	status := m.do("", "sh", "-c", "cat /proc/$(systemctl show -P MainPID bascule.service)/status")
	for _, want := range []string{"CapEff:\t0000000000000000", "CapBnd:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2"} {
		if !strings.Contains(status, want) {
			t.Errorf("the service is not confined: no %q in\n%s", want, status)
		}
	}

	// A client that connects while the service restarts waits and is served.
	address := "tls://" + docker(t, "inspect", "-f", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", m.id) + ":993"
	var wg sync.WaitGroup
	wg.Go(func() {
		for range 5 {
			c, err := strict.LoginIMAP(address, user, fmt.Sprintf("%q", password))
			if err != nil && strings.Contains(err.Error(), "refused") {
				t.Errorf("during a restart: %v", err)
			}
			if err == nil {
				c.Close()
			}
		}
	})
	m.do("", "systemctl", "restart", "bascule.service")
	wg.Wait()
	m.do("", "systemctl", "reload", "bascule.service")
	c, err := strict.LoginIMAP(address, user, fmt.Sprintf("%q", password))
	must(t, err)
	must(t, c.Select("INBOX"))
	if n := len(c.View.Messages); n != 1 {
		t.Errorf("%d messages", n)
	}
	c.Close()
	m.bascule("", "mailbox", "check", "--all")
	m.do("", "dpkg", "--purge", "bascule")
	m.do("", "test", "-f", "/var/lib/bascule/bascule-store")
	m.do("", "sh", "-c", "! test -e /etc/bascule/bascule.yaml && ! test -e /usr/bin/bascule")
}

// machine is a container that runs systemd.
type machine struct {
	t  *testing.T
	id string
}

func (m *machine) do(stdin string, args ...string) string {
	m.t.Helper()
	out, err := output(exec.Command("docker", append([]string{"exec", "-i", m.id}, args...)...), stdin)
	if err != nil {
		log, _ := output(exec.Command("docker", "exec", m.id, "journalctl", "--no-pager", "-n", "40"), "")
		m.t.Fatalf("%v: %v\n%s\n%s", args, err, out, log)
	}
	return out
}

// bascule runs the program as its user.
func (m *machine) bascule(stdin string, args ...string) string {
	m.t.Helper()
	return m.do(stdin, append([]string{"setpriv", "--reuid", "bascule", "--regid", "bascule", "--clear-groups", "bascule", "--config", "/etc/bascule/bascule.yaml"}, args...)...)
}

// until runs a command until it says one of the words.
func (m *machine) until(command string, words ...string) {
	m.t.Helper()
	var out string
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
		out, _ = output(exec.Command("docker", append([]string{"exec", m.id}, strings.Fields(command)...)...), "")
		for _, w := range words {
			if strings.TrimSpace(out) == w {
				return
			}
		}
	}
	log, _ := output(exec.Command("docker", "exec", m.id, "journalctl", "--no-pager", "-n", "40"), "")
	m.t.Fatalf("%s says %q\n%s", command, out, log)
}
