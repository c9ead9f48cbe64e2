package testkit

import (
	"bytes"
	"context"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// others counts the servers of this process: where several tests run at once, goroutines cannot be told apart.
var others atomic.Int64

// end stops the server and checks what must be true after every test.
func (s *Server) end() {
	if err := s.Stop(); err != nil {
		s.t.Error(err)
	}
	s.checkFronts()
	s.checkMail()
	for i := len(s.closers) - 1; i >= 0; i-- {
		if err := s.closers[i](); err != nil {
			s.t.Errorf("testkit: close: %v", err)
		}
	}
	checkGoroutines(s.t, s.before)
	others.Add(-1)
	if s.t.Failed() || testing.Verbose() {
		s.t.Logf("the server's log:\n%s", s.logs.String())
	}
}

func (s *Server) checkFronts() {
	for kind, f := range s.front {
		if n := f.Panics(); n > 0 {
			s.t.Errorf("testkit: %d connections of %s panicked", n, kind)
		}
	}
	if s.Gate != nil {
		if n := s.sessions(); n > 0 {
			s.t.Errorf("testkit: %d sessions are left at the gate", n)
		}
	}
	if s.Locks != nil {
		list, err := s.Locks.List(context.Background())
		if err != nil {
			s.t.Errorf("testkit: list locks: %v", err)
		}
		for _, l := range list {
			if len(l.Holders)+len(l.Waiters) > 0 {
				s.t.Errorf("testkit: a lease is left: %+v", l)
			}
		}
	}
}

// checkMail runs maildir.Check on every account that has mail.
func (s *Server) checkMail() {
	if s.Store == nil {
		return
	}
	for _, address := range s.addresses {
		if _, err := os.Stat(s.maildir(address.String())); err != nil {
			continue // never opened
		}
		ctx := context.Background()
		account, err := s.Account(ctx, address.String())
		if err != nil {
			s.t.Errorf("testkit: check %s: %v", address, err)
			continue
		}
		problems, err := account.Check(ctx)
		if err != nil {
			s.t.Errorf("testkit: check %s: %v", address, err)
		}
		for _, p := range problems {
			s.t.Errorf("testkit: %s: %v", address, p)
		}
		account.Close()
	}
}

// goroutines counts the running ones by the function that started them.
func goroutines() map[string]int {
	buf := make([]byte, 1<<20)
	n := runtime.Stack(buf, true)
	count := map[string]int{}
	for _, g := range strings.Split(string(buf[:n]), "\n\n") {
		if _, by, ok := strings.Cut(g, "created by "); ok {
			by, _, _ = strings.Cut(by, " in goroutine")
			count[by]++
		}
	}
	return count
}

// checkGoroutines waits for the goroutines of this module to end. A server that runs beside this one has the same kinds of goroutines, so
// only the last of several servers is looked at; a leak of any of them shows there.
func checkGoroutines(t testing.TB, before map[string]int) {
	var left []string
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		left = left[:0]
		for by, n := range goroutines() {
			if strings.HasPrefix(by, "bascule/") && !strings.Contains(by, "testkit") && n > before[by] {
				left = append(left, by)
			}
		}
		if len(left) == 0 || others.Load() > 1 {
			return
		}
	}
	t.Errorf("testkit: goroutines are left, started by %s", strings.Join(left, ", "))
}

// logBuffer keeps the server's log until it is known whether somebody wants to read it.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

// maxLog bounds the log that is kept, bytes.
const maxLog = 1 << 20

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.buf.Len() < maxLog {
		l.buf.Write(p)
	}
	return len(p), nil
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}
