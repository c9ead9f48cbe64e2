package site

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Process is one "bascule serve".
type Process struct {
	name  string
	site  *Site
	cmd   *exec.Cmd
	ended chan struct{} // closed when it was waited for

	mu     sync.Mutex // protects the fields below
	log    bytes.Buffer
	addrs  map[string]string
	ready  bool
	told   chan struct{} // closed and replaced with each line
	killed bool
}

// patience bounds every wait for a process.
const patience = 60 * time.Second

var listening = regexp.MustCompile(`listener"?[=:]"?(\w+)(?: |",")address"?[=:]"?([^"\s]+)`)

// Serve starts a process for some front ends, or all, and waits until it is ready.
func (s *Site) Serve(only ...string) *Process {
	s.t.Helper()
	p, err := s.TryServe(only...)
	if err != nil {
		s.t.Fatal(err)
	}
	return p
}

// TryServe is Serve for any goroutine.
func (s *Site) TryServe(only ...string) (*Process, error) {
	args := []string{"serve"}
	name := "all"
	if len(only) > 0 {
		name = strings.Join(only, ",")
		args = append(args, "--only", name)
	}
	p := &Process{name: fmt.Sprintf("process %d (%s)", len(s.running)+1, name), site: s, cmd: s.command(args...),
		ended: make(chan struct{}), addrs: map[string]string{}, told: make(chan struct{})}
	out, err := p.cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	s.running = append(s.running, p)
	go p.read(out)
	if !p.Until(func(string) bool { return p.ready }) {
		return nil, fmt.Errorf("%s does not get ready:\n%s", p.name, p.Log())
	}
	return p, nil
}

func (p *Process) read(out io.Reader) {
	in := bufio.NewReader(out)
	for {
		line, err := in.ReadString('\n')
		p.mu.Lock()
		p.log.WriteString(line)
		if m := listening.FindStringSubmatch(line); m != nil {
			p.addrs[m[1]] = m[2]
		}
		p.ready = p.ready || strings.Contains(line, "msg=ready") || strings.Contains(line, `"msg":"ready"`)
		close(p.told)
		p.told = make(chan struct{})
		p.mu.Unlock()
		if err != nil {
			break
		}
	}
	p.cmd.Wait() // its verdict is in ProcessState
	close(p.ended)
}

// Until waits until the log, so far, satisfies a condition; false if it never does.
func (p *Process) Until(good func(log string) bool) bool {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for {
		p.mu.Lock()
		ok, more := good(p.log.String()), p.told
		p.mu.Unlock()
		if ok {
			return true
		}
		select {
		case <-more:
		case <-p.ended:
			return false
		case <-timer.C:
			return false
		}
	}
}

// Addr is where it listens; "" if it does not serve the protocol.
func (p *Process) Addr(kind string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.addrs[kind]
}

// Log is what it wrote so far.
func (p *Process) Log() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.String()
}

// Alive says whether it runs.
func (p *Process) Alive() bool {
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

// Kill is kill -9, and returns when the process is gone.
func (p *Process) Kill() {
	p.mu.Lock()
	p.killed = true
	p.mu.Unlock()
	p.cmd.Process.Kill()
	<-p.ended
}

// Terminate sends SIGTERM.
func (p *Process) Terminate() { p.cmd.Process.Signal(syscall.SIGTERM) }

// Hangup sends SIGHUP.
func (p *Process) Hangup() { p.cmd.Process.Signal(syscall.SIGHUP) }

// Wait gives the exit code; -1 for a process that was killed, or that had to be since it did not end.
func (p *Process) Wait() int {
	select {
	case <-p.ended:
	case <-time.After(patience):
		p.cmd.Process.Signal(syscall.SIGQUIT) // the stacks go to the log
		select {
		case <-p.ended:
		case <-time.After(patience):
			p.Kill()
		}
	}
	return p.cmd.ProcessState.ExitCode()
}

// inspect looks for what must never be in a log.
func (p *Process) inspect() {
	log := p.Log()
	for _, bad := range []string{"panic", "DATA RACE", "fatal error", "SERVERBUG", "command failed"} {
		if i := strings.Index(log, bad); i >= 0 {
			p.site.t.Errorf("%s tells of a %s:\n%s", p.name, bad, log[i:min(len(log), i+4000)])
		}
	}
}

// Logged waits until some process of the site has logged what good looks for, and tells whether one did.
func (s *Site) Logged(good func(log string) bool) bool {
	s.t.Helper()
	for _, p := range s.running {
		if good(p.Log()) {
			return true
		}
	}
	// A session's last lines come after its last answer.
	found := make(chan bool, len(s.running))
	for _, p := range s.running {
		go func() { found <- p.Until(good) }()
	}
	for range s.running {
		if <-found {
			return true
		}
	}
	return false
}
