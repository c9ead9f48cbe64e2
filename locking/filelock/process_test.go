package filelock

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"bascule/locking"
)

// The tests in this file run real processes: this test binary again, which
// then does what childVar says instead of running tests.
const childVar = "FILELOCK_TEST_CHILD"

func TestMain(m *testing.M) {
	if what := os.Getenv(childVar); what != "" {
		if err := childMain(what, os.Args[1]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// childMain holds or waits for a lease, or counts, in the directory dir.
func childMain(what, dir string) error {
	m, err := New(dir, Options{Process: "child"})
	if err != nil {
		return err
	}
	defer m.Close()
	m.(*Manager).recordDelay = 0
	ctx := context.Background()
	who := locking.Holder{Session: "child", Protocol: "pop3"}
	stdin := bufio.NewReader(os.Stdin)
	switch what {
	case "hold", "hold shared", "yield":
		mode := locking.Exclusive
		if what == "hold shared" {
			mode = locking.Shared
		}
		l, err := m.Acquire(ctx, "k", mode, who)
		if err != nil {
			return err
		}
		fmt.Println("held")
		if what == "yield" {
			<-l.Asked()
			fmt.Println("asked")
			<-l.Lost()
			fmt.Println("lost")
		}
		stdin.ReadString('\n')
		l.Release()
		fmt.Println("released")
		stdin.ReadString('\n')
		return nil
	case "wait":
		fmt.Println("waiting")
		_, err := m.Acquire(ctx, "k", locking.Exclusive, who)
		return err
	case "count":
		return childCount(m, filepath.Join(dir, "counter"))
	}
	return errors.New("unknown child")
}

const countRounds = 150

// childCount counts in a file that it reads and writes without any other
// protection than the lease.
func childCount(m locking.Manager, path string) error {
	for i := range countRounds {
		mode := locking.Exclusive
		if i%3 == 2 {
			mode = locking.Shared
		}
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		l, err := m.Acquire(ctx, "counter", mode, locking.Holder{Session: strconv.Itoa(os.Getpid())})
		cancel()
		if err != nil {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		n, err := strconv.Atoi(string(b))
		if err != nil {
			return fmt.Errorf("somebody writes beside us: %q", b)
		}
		if mode == locking.Exclusive {
			// Truncated for a moment: a reader beside us would fail above.
			if err := os.WriteFile(path, []byte(strconv.Itoa(n+1)), 0o600); err != nil {
				return err
			}
		}
		l.Release()
	}
	return nil
}

type child struct {
	t     *testing.T
	cmd   *exec.Cmd
	in    io.WriteCloser
	lines chan string
}

func start(t *testing.T, what, dir string) *child {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := &child{t: t, cmd: exec.Command(exe, dir), lines: make(chan string, 16)}
	c.cmd.Env = append(os.Environ(), childVar+"="+what)
	c.cmd.Stderr = os.Stderr
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.kill)
	go func() {
		defer close(c.lines)
		for s := bufio.NewScanner(out); s.Scan(); {
			c.lines <- s.Text()
		}
	}()
	return c
}

func (c *child) says(want string) {
	c.t.Helper()
	select {
	case got := <-c.lines:
		if got != want {
			c.t.Fatalf("child says %q, want %q", got, want)
		}
	case <-time.After(20 * time.Second):
		c.t.Fatalf("child does not say %q", want)
	}
}

func (c *child) tell() {
	c.t.Helper()
	if _, err := io.WriteString(c.in, "\n"); err != nil {
		c.t.Fatal(err)
	}
}

// kill ends the child as kill -9 does.
func (c *child) kill() {
	if c.cmd.ProcessState == nil {
		c.cmd.Process.Kill()
		c.cmd.Wait()
	}
}

func TestAnotherProcess(t *testing.T) {
	dir := t.TempDir()
	m := openTest(t, dir)
	ctx := context.Background()
	c := start(t, "yield", dir)
	c.says("held")

	_, err := m.TryAcquire("k", locking.Shared, locking.Holder{})
	var busy *locking.BusyError
	if !errors.As(err, &busy) || len(busy.Holders) != 1 || busy.Holders[0].Session != "child" || busy.Holders[0].Process != "child" {
		t.Fatalf("refusal %v", err)
	}
	if all, err := m.List(ctx); err != nil || len(all) != 1 || all[0].Holders[0].Session != "child" {
		t.Errorf("List = %+v, %v", all, err)
	}
	if err := m.Nudge(ctx, "k"); err != nil {
		t.Fatal(err)
	}
	c.says("asked")
	if err := m.Break(ctx, "k"); err != nil {
		t.Fatal(err)
	}
	c.says("lost")
	got := make(chan error, 1)
	go func() {
		l, err := m.Acquire(ctx, "k", locking.Exclusive, locking.Holder{})
		if err == nil {
			l.Release()
		}
		got <- err
	}()
	c.tell()
	c.says("released")
	if err := <-got; err != nil {
		t.Error(err)
	}
}

// A killed process keeps nobody out, and nothing it wrote is believed.
func TestKilledHolder(t *testing.T) {
	for _, what := range []string{"hold", "hold shared"} {
		t.Run(what, func(t *testing.T) {
			dir := t.TempDir()
			m := openTest(t, dir)
			ctx := context.Background()
			c := start(t, what, dir)
			c.says("held")
			got := make(chan time.Time, 1)
			go func() {
				l, err := m.Acquire(ctx, "k", locking.Exclusive, locking.Holder{Session: "next"})
				if err != nil {
					t.Error(err)
				} else {
					l.Release()
				}
				got <- time.Now()
			}()
			waitForLine(t, m)
			c.kill()
			killed := time.Now()
			select {
			case at := <-got:
				if d := at.Sub(killed); d > 500*time.Millisecond {
					t.Errorf("the next had to wait for %v", d)
				}
			case <-time.After(20 * time.Second):
				t.Fatal("the lock stays with the dead")
			}
		})
	}
}

func TestKilledHolderIsNotBelieved(t *testing.T) {
	dir := t.TempDir()
	m := openTest(t, dir)
	c := start(t, "hold", dir)
	c.says("held")
	if h, ok := m.Held("k"); !ok || h.Session != "child" {
		t.Fatalf("Held = %+v, %v", h, ok)
	}
	c.kill()
	if n := len(files(t, dir, "held")); n != 1 {
		t.Fatalf("%d side files left: the test proves nothing", n)
	}
	if h, ok := m.Held("k"); ok {
		t.Errorf("Held = %+v", h)
	}
	if all, err := m.List(context.Background()); err != nil || len(all) != 0 {
		t.Errorf("List = %+v, %v", all, err)
	}
	// Nor while another one has the lock, before it has written its own.
	f := openTestFile(t, m, "k")
	p := placeOf("k")
	if ok, err := f.try(locking.Exclusive, p.lock(), 1); !ok || err != nil {
		t.Fatal(ok, err)
	}
	if h, ok := m.Held("k"); !ok || h != (locking.Holder{Mode: locking.Exclusive}) {
		t.Errorf("Held = %+v, %v", h, ok)
	}
	f.f.Close()
	l, err := m.TryAcquire("k", locking.Exclusive, locking.Holder{Session: "next"})
	if err != nil {
		t.Fatal(err)
	}
	l.Release()
	if got := files(t, dir, "held"); len(got) != 0 {
		t.Errorf("side files left: %q", got)
	}
	if got, _ := filepath.Glob(filepath.Join(dir, "peers", "*.say")); len(got) != 1 {
		t.Errorf("sockets of the dead are left: %q", got)
	}
}

// openTestFile is the lock file of a key, opened as another process would.
func openTestFile(t *testing.T, m *Manager, key locking.Key) *lockFile {
	t.Helper()
	return mustOpen(t, m.shardOf(key).path)
}

func waitForLine(t *testing.T, m *Manager) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; {
		all, err := m.List(context.Background())
		if err == nil && len(all) == 1 && len(all[0].Waiters) == 1 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("nobody stands in line: %+v, %v", all, err)
		}
		<-time.After(time.Millisecond)
	}
}

// Who is killed in line does not hold up those behind.
func TestKilledWaiter(t *testing.T) {
	dir := t.TempDir()
	m := openTest(t, dir)
	l, err := m.TryAcquire("k", locking.Shared, locking.Holder{})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Release()
	c := start(t, "wait", dir)
	c.says("waiting")
	waitForLine(t, m)
	if _, err := m.TryAcquire("k", locking.Shared, locking.Holder{}); !errors.Is(err, locking.ErrBusy) {
		t.Fatalf("a reader overtook the writer in line: %v", err)
	}
	c.kill()
	if r, err := m.TryAcquire("k", locking.Shared, locking.Holder{}); err != nil {
		t.Errorf("the dead still stand in line: %v", err)
	} else {
		r.Release()
	}
}

func TestProcessesCount(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "counter")
	if err := os.WriteFile(path, []byte("0"), 0o600); err != nil {
		t.Fatal(err)
	}
	const children = 4
	var cs []*child
	for range children {
		cs = append(cs, start(t, "count", dir))
	}
	for _, c := range cs {
		if err := c.cmd.Wait(); err != nil {
			t.Error(err)
		}
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if want := strconv.Itoa(children * countRounds * 2 / 3); strings.TrimSpace(string(b)) != want {
		t.Errorf("counted %s, want %s", b, want)
	}
}
