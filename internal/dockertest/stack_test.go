package dockertest

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"bascule/internal/testkit/programs"
)

// patience bounds every wait for a container.
const patience = 2 * time.Minute

const password = "a long enough secret"

// stack is one deployment by the Compose files.
type stack struct {
	project string
	env     []string
	ports   map[string]int // by service port, as in "imaps"
	added   []string       // accounts that the tests made
}

// shared is the deployment that most tests use; nil until one needs it.
var (
	shared *stack
	once   sync.Once
)

func TestMain(m *testing.M) {
	code := m.Run()
	if shared != nil {
		if out, err := shared.try("", "exec", "-T", "imap", "bascule", "mailbox", "check", "--all"); err != nil {
			fmt.Printf("mailbox check: %v\n%s", err, out)
			code = 1
		}
		if code != 0 {
			out, _ := shared.try("", "logs", "--no-color", "--tail", "60")
			fmt.Println(out)
		}
		if out, err := shared.try("", "down", "--volumes", "--timeout", "5"); err != nil {
			fmt.Printf("down: %v\n%s", err, out)
			code = 1
		}
	}
	os.Exit(code)
}

// tag names the images under test.
func tag() string {
	if t := os.Getenv("BASCULE_TAG"); t != "" {
		return t
	}
	return "local"
}

// deployed gives the shared deployment, started.
func deployed(t *testing.T, needs ...string) *stack {
	t.Helper()
	programs.Docker(t, needs...)
	once.Do(func() {
		s := &stack{project: fmt.Sprintf("bascule-test-%d", os.Getpid()), ports: map[string]int{}}
		s.env = append(os.Environ(), "BASCULE_TAG="+tag(), "BASCULE_BIND=127.0.0.1", "MAIL_DOMAINS=example.org", "BASCULE_TLS_DIR="+t.TempDir())
		for _, name := range []string{"pop3", "pop3s", "imap", "imaps", "smtp"} {
			s.ports[name] = free(t)
			s.env = append(s.env, fmt.Sprintf("BASCULE_PORT_%s=%d", strings.ToUpper(name), s.ports[name]))
		}
		began := time.Now()
		s.compose(t, "", "up", "-d", "--no-build", "pop3", "imap", "lmtp")
		shared = s
		for _, service := range []string{"pop3", "imap", "lmtp"} {
			s.healthy(t, service)
		}
		t.Logf("from nothing to three containers that answer: %v", time.Since(began).Round(10*time.Millisecond))
	})
	if shared == nil {
		t.Fatal("the deployment did not start")
	}
	return shared
}

// free is a port that nobody uses at the moment. Containers keep it over restarts, unlike one of Docker's choice.
func free(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// composeProgram is Compose v2 where the engine has it, else v1.
var composeProgram = sync.OnceValue(func() []string {
	if exec.Command("docker", "compose", "version").Run() == nil {
		return []string{"docker", "compose"}
	}
	return []string{"docker-compose"}
})

func (s *stack) try(stdin string, args ...string) (string, error) {
	command := append(composeProgram(), "-p", s.project, "-f", "../../docker-compose.yml", "-f", "../../docker-compose.postfix.yml")
	cmd := exec.Command(command[0], append(command[1:], args...)...)
	cmd.Env = s.env
	return output(cmd, stdin)
}

func output(cmd *exec.Cmd, stdin string) (string, error) {
	var out bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &out, &out
	err := cmd.Run()
	return out.String(), err
}

// compose runs a Compose command that must succeed.
func (s *stack) compose(t *testing.T, stdin string, args ...string) string {
	t.Helper()
	out, err := s.try(stdin, args...)
	if err != nil {
		t.Fatalf("compose %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

// docker runs a command of the engine that must succeed.
func docker(t *testing.T, args ...string) string {
	t.Helper()
	out, err := output(exec.Command("docker", args...), "")
	if err != nil {
		t.Fatalf("docker %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(out)
}

// container is the service's container.
func (s *stack) container(t *testing.T, service string) string {
	t.Helper()
	out := docker(t, "ps", "-aq", "--filter", "label=com.docker.compose.project="+s.project, "--filter", "label=com.docker.compose.service="+service)
	if out == "" || strings.Contains(out, "\n") {
		t.Fatalf("containers of %s: %q", service, out)
	}
	return out
}

// healthy waits until the image's own health check is content.
func (s *stack) healthy(t *testing.T, service string) {
	t.Helper()
	wellAsItSays(t, s.container(t, service), "--only", service)
}

func wellAsItSays(t *testing.T, container string, args ...string) {
	t.Helper()
	var out string
	var err error
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		command := append([]string{"exec", container, "bascule", "healthcheck"}, args...)
		if out, err = output(exec.Command("docker", command...), ""); err == nil {
			return
		}
	}
	logs, _ := output(exec.Command("docker", "logs", "--tail", "30", container), "")
	t.Fatalf("the container does not get well: %v\n%s\n%s", err, out, logs)
}

// account adds an account as the manual says.
func (s *stack) account(t *testing.T, address string) {
	t.Helper()
	s.compose(t, password+"\n", "exec", "-T", "imap", "bascule", "account", "add", address)
	s.added = append(s.added, address)
}

// exitCode is how the service's container ended.
func (s *stack) exitCode(t *testing.T, service string) int {
	t.Helper()
	n, err := strconv.Atoi(docker(t, "inspect", "-f", "{{.State.ExitCode}}", s.container(t, service)))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// code is a command's exit code.
func code(err error) int {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode()
	}
	if err != nil {
		return -1
	}
	return 0
}
