package dockertest

import (
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"bascule/internal/testkit/programs"
)

// largest is how big the image may grow, octets.
const largest = 40 << 20

// TestImage: one file that can run, no shell, no root, and nothing that anybody could log in with.
func TestImage(t *testing.T) {
	programs.Docker(t)
	image := "bascule:" + tag()
	size, err := strconv.Atoi(docker(t, "image", "inspect", "-f", "{{.Size}}", image))
	must(t, err)
	t.Logf("image size: %.1f MB", float64(size)/1e6)
	if size > largest {
		t.Errorf("the image has %d octets", size)
	}
	config := docker(t, "image", "inspect", "-f", "{{.Config.User}} {{json .Config.Volumes}} {{json .Config.ExposedPorts}} {{json .Config.Healthcheck.Test}}", image)
	for _, want := range []string{"65532:65532", `{"/var/lib/bascule":{}}`, "1110/tcp", "1143/tcp", "1993/tcp", "1995/tcp", "1024/tcp", "8080/tcp", "healthcheck"} {
		if !strings.Contains(config, want) {
			t.Errorf("%s is not in the image's configuration: %s", want, config)
		}
	}
	container := docker(t, "create", image)
	defer docker(t, "rm", "-v", container)
	list, err := output(shell("docker export "+container+" | tar -t"), "")
	must(t, err)
	for _, name := range strings.Fields(list) {
		switch {
		case strings.HasSuffix(name, "/"), name == "usr/bin/bascule", name == "etc/bascule/bascule.yaml", name == "etc/ssl/certs/ca-certificates.crt":
		case strings.HasPrefix(name, "dev/"), name == ".dockerenv", name == "etc/hostname", name == "etc/hosts", name == "etc/resolv.conf", name == "etc/mtab":
			// Docker's own
		default:
			t.Errorf("the image has a file %s", name)
		}
	}
}

// moment is when a log with Docker's times last told of something.
func moment(t *testing.T, log, what string) time.Time {
	t.Helper()
	all := regexp.MustCompile(`(?m)^(\S+) .*msg=`+what).FindAllStringSubmatch(log, -1)
	if len(all) == 0 {
		t.Fatalf("the log does not tell of %q:\n%s", what, log)
	}
	at, err := time.Parse(time.RFC3339Nano, all[len(all)-1][1])
	must(t, err)
	return at
}

// TestStart: "up" gives three containers that serve with a certificate of their own, the same in all, on a store without accounts.
func TestStart(t *testing.T) {
	s := deployed(t, "curl")
	for _, service := range []string{"pop3", "imap", "lmtp"} {
		began, err := time.Parse(time.RFC3339Nano, docker(t, "inspect", "-f", "{{.State.StartedAt}}", s.container(t, service)))
		must(t, err)
		ready := moment(t, docker(t, "logs", "-t", s.container(t, service)), "ready")
		t.Logf("%s: %v from its start to ready", service, ready.Sub(began).Round(time.Millisecond))
		if took := ready.Sub(began); took > 30*time.Second {
			t.Errorf("%s took %v", service, took)
		}
	}
	if out := s.compose(t, "", "exec", "-T", "imap", "bascule", "account", "list", "--json"); strings.Count(out, "@") != len(s.added) {
		t.Errorf("accounts that nobody added: %s", out)
	}
	s.account(t, "start@example.org")
	s.deliver(t, "start@example.org", "hello")
	const want = "Subject: hello"
	for _, address := range []string{
		"pop3s://127.0.0.1:" + strconv.Itoa(s.ports["pop3s"]) + "/1", "imaps://127.0.0.1:" + strconv.Itoa(s.ports["imaps"]) + "/INBOX;UID=1",
		"pop3://127.0.0.1:" + strconv.Itoa(s.ports["pop3"]) + "/1", "imap://127.0.0.1:" + strconv.Itoa(s.ports["imap"]) + "/INBOX;UID=1",
	} {
		args := []string{address}
		if !strings.Contains(address, "s://") {
			args = append(args, "--ssl-reqd")
		}
		if got := curl(t, "start@example.org", args...); !strings.Contains(got, want) {
			t.Errorf("%s: %q", address, got)
		}
	}
	if a, b := certificate(t, s.at("imaps")), certificate(t, s.at("pop3s")); a != b {
		t.Error("the containers show different certificates")
	}
	// In the clear nobody is asked for a password.
	out, err := output(shell("curl -sS --max-time 20 -u start@example.org:x pop3://127.0.0.1:"+strconv.Itoa(s.ports["pop3"])+"/"), "")
	if err == nil {
		t.Errorf("a password was taken without TLS: %s", out)
	}
}
