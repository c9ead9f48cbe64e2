package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// The tests run the program itself, as an operator does: TestMain is the program when asBascule is set.
const asBascule = "BASCULE_TEST_BE_THE_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asBascule) != "" {
		os.Unsetenv(asBascule)
		main()
	}
	os.Exit(m.Run())
}

// patience bounds every wait; nothing waits that long unless it fails.
const patience = 30 * time.Second

// store is a data directory with its configuration.
type store struct {
	t      *testing.T
	dir    string
	config string
}

// newStore makes a store with listeners at ports of the kernel's choice. extra is laid over the configuration.
func newStore(t *testing.T, extra string) *store {
	t.Helper()
	dir := t.TempDir()
	s := &store{t: t, dir: dir, config: filepath.Join(dir, "bascule.yaml")}
	s.configure(extra)
	s.ok("init")
	return s
}

func (s *store) configure(extra string) {
	s.t.Helper()
	text := "data_dir: data\nlisteners: {pop3: '127.0.0.1:0', imap: '127.0.0.1:0', lmtp: '127.0.0.1:0'}\nlog: {level: debug}\n" + extra
	if err := os.WriteFile(s.config, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// result is what a command said.
type result struct {
	code     int
	out, err string
}

func program(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, os.Args[0], args...)
	// The tests' own settings are no configuration of the program.
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool {
		return strings.HasPrefix(v, "BASCULE_TEST_") || strings.HasPrefix(v, "BASCULE_CRASH_")
	})
	cmd.Env = append(cmd.Env, asBascule+"=1")
	return cmd
}

// run runs a command to its end.
func (s *store) run(stdin string, args ...string) result {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := program(ctx, append([]string{"--config", s.config}, args...)...)
	var out, errs bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		s.t.Fatalf("%v: %v", args, err)
	}
	return result{cmd.ProcessState.ExitCode(), out.String(), errs.String()}
}

// ok runs a command that must succeed.
func (s *store) ok(args ...string) string {
	s.t.Helper()
	r := s.run("", args...)
	if r.code != 0 {
		s.t.Fatalf("%v: exit %d\n%s%s", args, r.code, r.out, r.err)
	}
	return r.out
}

// fails runs a command that must fail with the code and a text; it says one line unless it is a usage error.
func (s *store) fails(code int, text string, args ...string) {
	s.t.Helper()
	r := s.run("", args...)
	if r.code != code || !strings.Contains(r.err, text) {
		s.t.Errorf("%v: exit %d, want %d with %q\n%s%s", args, r.code, code, text, r.out, r.err)
	}
	if n := strings.Count(r.err, "\n"); code == exitFailed && n != 1 {
		s.t.Errorf("%v: says %d lines, want one:\n%s", args, n, r.err)
	}
}

func (s *store) account(address, protocols string) {
	s.t.Helper()
	if r := s.run("secret word\n", "account", "add", address, "--protocols", protocols); r.code != 0 {
		s.t.Fatalf("account add: %s", r.err)
	}
}

// process is a running server.
type process struct {
	t    *testing.T
	cmd  *exec.Cmd
	done chan struct{}
	// mu protects log.
	mu  sync.Mutex
	log strings.Builder
	// grown is signalled when the log grows.
	grown *sync.Cond
	at    map[string]string // listener to address
}

// serve starts a server and waits until it is ready.
func (s *store) serve(args ...string) *process {
	s.t.Helper()
	return s.start(append([]string{"--config", s.config, "serve"}, args...)...)
}

var listening = regexp.MustCompile(`msg=listening listener=(\S+) address=(\S+)`)

func (s *store) start(args ...string) *process {
	s.t.Helper()
	return s.launch(program(context.Background(), args...))
}

// launch starts a server that only needs starting.
func (s *store) launch(cmd *exec.Cmd) *process {
	s.t.Helper()
	p := &process{t: s.t, cmd: cmd, done: make(chan struct{}), at: map[string]string{}}
	p.grown = sync.NewCond(&p.mu)
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	p.cmd.Stdout = p.cmd.Stderr
	if err := p.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	go func() {
		sc := bufio.NewScanner(stderr)
		for sc.Scan() {
			p.mu.Lock()
			p.log.WriteString(sc.Text() + "\n")
			p.grown.Broadcast()
			p.mu.Unlock()
		}
		p.cmd.Wait()
		close(p.done)
		p.grown.Broadcast()
	}()
	s.t.Cleanup(func() {
		p.cmd.Process.Signal(syscall.SIGCONT)
		p.cmd.Process.Kill()
		<-p.done
		if s.t.Failed() {
			s.t.Logf("log of %v:\n%s", cmd.Args, p.log.String())
		}
		if strings.Contains(p.log.String(), "panic") {
			s.t.Errorf("%v panicked", cmd.Args)
		}
	})
	p.wait("ready")
	for _, m := range listening.FindAllStringSubmatch(p.text(), -1) {
		p.at[m[1]] = m[2]
	}
	return p
}

func (p *process) text() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.String()
}

// wait waits until the log contains a text.
func (p *process) wait(text string) {
	p.t.Helper()
	timer := time.AfterFunc(patience, p.grown.Broadcast)
	defer timer.Stop()
	end := time.Now().Add(patience)
	p.mu.Lock()
	defer p.mu.Unlock()
	for !strings.Contains(p.log.String(), text) {
		select {
		case <-p.done:
			p.t.Fatalf("ended before it said %q:\n%s", text, p.log.String())
		default:
		}
		if time.Now().After(end) {
			p.t.Fatalf("never said %q:\n%s", text, p.log.String())
		}
		p.grown.Wait()
	}
}

// end waits for the end and gives the exit code.
func (p *process) end() int {
	p.t.Helper()
	select {
	case <-p.done:
	case <-time.After(patience):
		p.t.Fatal("does not end")
	}
	return p.cmd.ProcessState.ExitCode()
}

// client is a connection to a server, line by line.
type client struct {
	t *testing.T
	net.Conn
	r *bufio.Reader
}

func (p *process) dial(listener string) *client {
	p.t.Helper()
	c, err := net.Dial("tcp", p.at[listener])
	if err != nil {
		p.t.Fatal(err)
	}
	c.SetDeadline(time.Now().Add(patience))
	p.t.Cleanup(func() { c.Close() })
	return &client{p.t, c, bufio.NewReader(c)}
}

func (c *client) line() string {
	c.t.Helper()
	s, err := c.r.ReadString('\n')
	if err != nil {
		c.t.Fatalf("read: %v (%q)", err, s)
	}
	return strings.TrimRight(s, "\r\n")
}

// expect reads until a line that begins with want, and fails on bad ones.
func (c *client) expect(want string) string {
	c.t.Helper()
	for {
		s := c.line()
		if strings.HasPrefix(s, want) {
			return s
		}
		if strings.HasPrefix(s, "-ERR") || strings.HasPrefix(s, "* BYE") || regexp.MustCompile(`^\w+ (NO|BAD)`).MatchString(s) {
			c.t.Fatalf("got %q, want %q", s, want)
		}
	}
}

func (c *client) send(format string, args ...any) {
	c.t.Helper()
	if _, err := fmt.Fprintf(c.Conn, format+"\r\n", args...); err != nil {
		c.t.Fatal(err)
	}
}

func (c *client) eof() {
	c.t.Helper()
	for {
		if _, err := c.r.ReadString('\n'); err == io.EOF {
			return
		} else if err != nil {
			c.t.Fatalf("want the end of the connection, got %v", err)
		}
	}
}

func (p *process) pop3(address string) *client {
	p.t.Helper()
	c := p.dial("pop3")
	c.expect("+OK")
	c.send("USER %s", address)
	c.expect("+OK")
	c.send("PASS secret word")
	c.expect("+OK")
	return c
}

func (p *process) imap(address string) *client {
	p.t.Helper()
	c := p.dial("imap")
	c.expect("* OK")
	c.send(`a LOGIN %s "secret word"`, address)
	c.expect("a OK")
	return c
}
