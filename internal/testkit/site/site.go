package site

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Password is that of every account.
const Password = "demo"

// listeners are on ports of the kernel's choice; a process tells them in its log.
const listeners = `
listeners:
  pop3: ['127.0.0.1:0']
  imap: ['127.0.0.1:0']
  lmtp: ['127.0.0.1:0']
  http: ['127.0.0.1:0']
`

// Options shape a site.
type Options struct {
	Users    []string // "ADDRESS" or "ADDRESS SETTING"
	Settings string   // YAML, beside data_dir and listeners; it may begin with further listeners, indented
}

// Site is a store, its configuration, and the processes that serve it.
type Site struct {
	Dir     string // everything of this site
	Data    string // data_dir
	Config  string // the configuration file
	t       testing.TB
	running []*Process
}

// New makes a store with accounts. Any failure ends the test.
func New(t testing.TB, o Options) *Site {
	t.Helper()
	dir, err := os.MkdirTemp(fast(), "bascule-site")
	if err != nil {
		t.Fatal(err)
	}
	s := &Site{Dir: dir, Data: filepath.Join(dir, "data"), Config: filepath.Join(dir, "bascule.yaml"), t: t}
	t.Cleanup(s.end)
	s.Configure(o.Settings)
	s.CLI("init")
	for _, user := range o.Users {
		address, setting, _ := strings.Cut(user, " ")
		if setting == "" {
			setting = "both"
		}
		// A cheap hash: the tests log in thousands of times, and what a good one costs is not their question.
		sum := sha256.Sum256([]byte(Password))
		s.cli("{SHA256}"+base64.StdEncoding.EncodeToString(sum[:])+"\n", "account", "add", "--hash", "--protocols", setting, address)
	}
	return s
}

// fast is a directory in memory, if there is one.
func fast() string {
	const shm = "/dev/shm"
	if f, err := os.CreateTemp(shm, "bascule-probe"); err == nil {
		f.Close()
		os.Remove(f.Name())
		return shm
	}
	return ""
}

// Configure writes the configuration file anew.
func (s *Site) Configure(settings string) {
	s.t.Helper()
	text := "data_dir: " + s.Data + "\n" + listeners + settings
	if err := os.WriteFile(s.Config, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// CLI runs a command that must succeed, and gives what it printed.
func (s *Site) CLI(args ...string) string {
	s.t.Helper()
	return s.cli("", args...)
}

func (s *Site) cli(stdin string, args ...string) string {
	s.t.Helper()
	out, code := s.Run(stdin, args...)
	if code != 0 {
		s.t.Fatalf("bascule %s: exit code %d\n%s", strings.Join(args, " "), code, out)
	}
	return out
}

// Run runs a command and gives what it printed to both outputs, and its exit code. It does not end the test, so any goroutine may call it.
func (s *Site) Run(stdin string, args ...string) (out string, code int) {
	cmd := s.command(args...)
	cmd.Stdin = strings.NewReader(stdin)
	var both bytes.Buffer
	cmd.Stdout, cmd.Stderr = &both, &both
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return err.Error(), -1
	}
	return both.String(), cmd.ProcessState.ExitCode()
}

func (s *Site) command(args ...string) *exec.Cmd {
	cmd := exec.Command(program, append([]string{"--config", s.Config}, args...)...)
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "BASCULE_") { // the tests' own settings
			cmd.Env = append(cmd.Env, v)
		}
	}
	// A program with the race detector sleeps for a second before it exits, unless it is told otherwise; most of these commands take less.
	cmd.Env = append(cmd.Env, "GORACE=halt_on_error=1 atexit_sleep_ms=100")
	return cmd
}

// Check runs "mailbox check --all" and gives the problems, "" for none.
func (s *Site) Check() string {
	out, code := s.Run("", "mailbox", "check", "--all")
	if code == 0 {
		return ""
	}
	return fmt.Sprintf("exit code %d: %s", code, out)
}

// maxShown bounds how much of a process's log a failed test shows, octets.
const maxShown = 4000

func (s *Site) end() {
	for _, p := range s.running {
		if p.Alive() {
			p.Terminate()
			if code := p.Wait(); code != 0 {
				s.t.Errorf("%s ended with exit code %d", p.name, code)
			}
		}
		p.inspect()
		if s.t.Failed() || testing.Verbose() {
			log := p.Log()
			s.t.Logf("log of %s, its end:\n%s", p.name, log[max(0, len(log)-maxShown):])
		}
	}
	if problems := s.Check(); problems != "" {
		s.t.Errorf("mailbox check: %s", problems)
	}
	if s.t.Failed() && os.Getenv("BASCULE_KEEP") != "" {
		s.t.Logf("kept: %s", s.Dir)
		return
	}
	if err := os.RemoveAll(s.Dir); err != nil {
		s.t.Error(err)
	}
}
