package dockertest

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"bascule/internal/testkit/programs"
	"bascule/internal/testkit/strict"
)

// TestAnyUser: any uid, a read-only root, no capabilities, one volume. Who has no right to the store is told which, where and to whom.
func TestAnyUser(t *testing.T) {
	programs.Docker(t)
	image, volume := "bascule:"+tag(), fmt.Sprintf("bascule-test-%d-uid", os.Getpid())
	run := []string{"run", "-d", "--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "-v", volume + ":/var/lib/bascule"}
	container := docker(t, append(run, "--user", "12345:12345", "-p", "127.0.0.1::1993", image)...)
	t.Cleanup(func() {
		docker(t, "rm", "-fv", container)
		docker(t, "volume", "rm", volume)
	})
	wellAsItSays(t, container, "--only", "pop3,imap,lmtp")
	cmd := exec.Command("docker", "exec", "-i", container, "bascule", "account", "add", "anna@example.org")
	if out, err := output(cmd, password+"\n"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	i, err := strict.LoginIMAP("tls://"+docker(t, "port", container, "1993"), "anna@example.org", fmt.Sprintf("%q", password))
	must(t, err)
	defer i.Close()
	must(t, i.Select("INBOX"))
	r, err := i.Append("INBOX", "", message("anna@example.org", "one"))
	must(t, err)
	if !r.OK() {
		t.Errorf("APPEND: %+v", r)
	}
	docker(t, "exec", container, "bascule", "mailbox", "check", "--all")
	docker(t, "stop", container)

	fails := func(want []string, args ...string) {
		t.Helper()
		command := append([]string{"run", "--rm", "--read-only", "--cap-drop", "ALL", "-v", volume + ":/var/lib/bascule"}, args...)
		out, err := output(exec.Command("docker", command...), "")
		if err == nil {
			t.Errorf("%v started", args)
		}
		for _, w := range want {
			if !strings.Contains(out, w) {
				t.Errorf("%v does not say %q:\n%s", args, w, out)
			}
		}
	}
	fails([]string{"user 23456, group 23456", "no right to", "/var/lib/bascule/", "belongs to user 12345", "chown"}, "--user", "23456:23456", image)
	fails([]string{"this is root"}, "--user", "0", image)
	fails([]string{"read-only file system"}, "--user", "12345:12345", "-v", volume+":/other:ro", "-e", "BASCULE_DATA_DIR=/other", image, "serve")
	fails([]string{"holds no store"}, "--user", "12345:12345", "--tmpfs", "/empty:mode=1777", "-e", "BASCULE_DATA_DIR=/empty", image, "serve")
	fails([]string{"user 12345, group 12345 has no right to read /run/secret", "mode 0600"}, "--user", "12345:12345", "-e", "BASCULE_HOSTNAME_FILE=/run/secret",
		"-v", secret(t)+":/run/secret:ro", image, "serve")
}

// secret is a file that only root may read.
func secret(t *testing.T) string {
	t.Helper()
	path := t.TempDir() + "/secret"
	must(t, os.WriteFile(path, []byte("mail.example.org\n"), 0o600))
	return path
}
