package instance

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

const program = "/usr/sbin/dovecot"

// ErrAbsent: Dovecot is not installed, or of another version than the configuration is for.
var ErrAbsent = errors.New("no Dovecot 2.3 here")

// Version is what the installed program calls itself.
func Version() (string, error) {
	out, err := exec.Command(program, "--version").Output()
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrAbsent, err)
	}
	if !strings.HasPrefix(string(out), "2.3.") {
		return "", fmt.Errorf("%w but %s", ErrAbsent, out)
	}
	return strings.TrimSpace(string(out)), nil
}

// Instance is a running Dovecot.
type Instance struct {
	Dir    string
	Addrs  map[string]string // of imap, imaps, pop3, pop3s, lmtp
	cmd    *exec.Cmd
	exited chan error
}

// Start writes the configuration, starts the program and waits until it answers. What is in the directory already stays: an instance can
// be started again where an earlier one was stopped, on other ports.
func Start(ctx context.Context, c Config) (*Instance, error) {
	ports, err := FreePorts("imap", "imaps", "pop3", "pop3s", "lmtp")
	if err != nil {
		return nil, err
	}
	conf, err := c.write(ports)
	if err != nil {
		return nil, err
	}
	out, err := os.Create(filepath.Join(c.Dir, "out"))
	if err != nil {
		return nil, err
	}
	defer out.Close()
	i := &Instance{Dir: c.Dir, Addrs: map[string]string{}, cmd: exec.Command(program, "-F", "-c", conf), exited: make(chan error, 1)}
	for kind, port := range ports {
		i.Addrs[kind] = net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	}
	i.cmd.Stdout, i.cmd.Stderr = out, out
	if err := i.cmd.Start(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrAbsent, err)
	}
	go func() { i.exited <- i.cmd.Wait() }()
	if err := i.answering(ctx); err != nil {
		i.Stop()
		return nil, fmt.Errorf("dovecot: start: %w\n%s", err, i.Log())
	}
	return i, nil
}

func (i *Instance) answering(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	for {
		c, err := net.Dial("tcp", i.Addrs["imap"])
		if err == nil {
			return c.Close()
		}
		select {
		case err := <-i.exited:
			i.exited <- err
			return fmt.Errorf("it ended: %w", err)
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Stop ends the program and all of its processes.
func (i *Instance) Stop() {
	i.cmd.Process.Signal(os.Interrupt)
	select {
	case <-i.exited:
	case <-time.After(10 * time.Second):
		i.cmd.Process.Kill()
		<-i.exited
	}
	i.exited <- nil
}

// PID is that of the master process, whose children all others are.
func (i *Instance) PID() int { return i.cmd.Process.Pid }

// Log is what it has written.
func (i *Instance) Log() string {
	var all strings.Builder
	for _, name := range []string{"out", "log"} {
		text, _ := os.ReadFile(filepath.Join(i.Dir, name))
		fmt.Fprintf(&all, "dovecot %s:\n%s", name, text)
	}
	return all.String()
}

// FreePorts gives ports that are free now and that the kernel gives to nobody: until the program listens there, a connection or a listener
// of another test could take a port from the kernel's range, which begins at 32768.
func FreePorts(kinds ...string) (map[string]int, error) {
	ports := map[string]int{}
	for _, k := range kinds {
		l, err := listenBelow(32768)
		if err != nil {
			return nil, err
		}
		defer l.Close() // all of them are held until the last is known
		ports[k] = l.Addr().(*net.TCPAddr).Port
	}
	return ports, nil
}

// listenBelow listens on a random port from 16384 up to limit.
func listenBelow(limit int) (l net.Listener, err error) {
	for range 100 {
		port := 16384 + rand.IntN(limit-16384)
		if l, err = net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port))); err == nil {
			return l, nil
		}
	}
	return nil, err
}
