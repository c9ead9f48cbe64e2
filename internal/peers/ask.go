package peers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

const (
	// maxQuestion and maxAnswer are the longest question and answer in bytes.
	maxQuestion = 64 << 10
	maxAnswer   = 64 << 20

	// askTimeout is how long one question may take at most.
	askTimeout = 2 * time.Second

	// maxAnswering bounds the questions answered at the same time.
	maxAnswering = 16
)

// answerer is the listening side.
type answerer struct {
	answer func([]byte) []byte
	log    *slog.Logger
	path   string
	ln     *net.UnixListener
	slots  chan struct{}
	wg     sync.WaitGroup

	// mu protects the fields below.
	mu     sync.Mutex
	closed bool
	conns  map[net.Conn]struct{}
}

func (h *home) listen(name string, answer func([]byte) []byte, log *slog.Logger) (*answerer, error) {
	hidden := "." + name + askSuffix
	ln, err := net.ListenUnix("unix", &net.UnixAddr{Name: h.address(hidden), Net: "unix"})
	if err != nil {
		return nil, err
	}
	ln.SetUnlinkOnClose(false) // its name is about to change
	if err := h.publish(hidden, name+askSuffix); err != nil {
		ln.Close()
		return nil, err
	}
	a := &answerer{
		answer: answer, log: log, path: h.path(name + askSuffix), ln: ln,
		slots: make(chan struct{}, maxAnswering), conns: make(map[net.Conn]struct{}),
	}
	a.wg.Add(1)
	go a.accept()
	return a, nil
}

func (a *answerer) accept() {
	defer a.wg.Done()
	for {
		c, err := a.ln.AcceptUnix()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			// No descriptors left, most likely: give way before trying again.
			a.log.Warn("accepting a peer's question failed", "error", err)
			time.Sleep(50 * time.Millisecond)
			continue
		}
		a.slots <- struct{}{}
		a.mu.Lock()
		if a.closed {
			a.mu.Unlock()
			c.Close()
			return
		}
		a.conns[c] = struct{}{}
		a.wg.Add(1)
		a.mu.Unlock()
		go a.serve(c)
	}
}

func (a *answerer) serve(c *net.UnixConn) {
	defer func() {
		c.Close()
		a.mu.Lock()
		delete(a.conns, c)
		a.mu.Unlock()
		<-a.slots
		a.wg.Done()
	}()
	c.SetDeadline(time.Now().Add(askTimeout))
	q, err := io.ReadAll(io.LimitReader(c, maxQuestion+1))
	if err != nil || len(q) > maxQuestion {
		return
	}
	c.Write(a.answer(q))
}

// close ends the open conversations and waits for their goroutines.
func (a *answerer) close() {
	os.Remove(a.path)
	a.mu.Lock()
	a.closed = true
	for c := range a.conns {
		c.Close()
	}
	a.mu.Unlock()
	a.ln.Close()
	a.wg.Wait()
}

// AskAll puts a question to every other process at the same time and returns
// their answers by name. It waits until all have answered or failed, until ctx
// ends, and at most two seconds. The error names the living processes that did
// not answer; the answers of the others are good nevertheless. Processes found
// dead are no error.
func (p *Post) AskAll(ctx context.Context, question []byte) (map[string][]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	var (
		mu      sync.Mutex
		wg      sync.WaitGroup
		answers = make(map[string][]byte)
		errs    []error
	)
	for _, name := range p.Peers() {
		wg.Add(1)
		go func() {
			defer wg.Done()
			answer, err := p.ask1(ctx, name, question)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				answers[name] = answer
			case errors.Is(err, errGone):
			default:
				errs = append(errs, fmt.Errorf("peers: ask %s: %w", name, err))
			}
		}()
	}
	wg.Wait()
	return answers, errors.Join(errs...)
}

// errGone says that there is nobody to answer.
var errGone = errors.New("nobody answers here")

func (p *Post) ask1(ctx context.Context, name string, question []byte) ([]byte, error) {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil, ErrClosed
	}
	address := p.home.address(name + askSuffix)
	p.mu.Unlock()

	var d net.Dialer
	c, err := d.DialContext(ctx, "unix", address)
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		p.mu.Lock()
		if to := p.roster.peers[name]; to != nil && !p.closed {
			p.roster.bury(p.home, to)
		}
		p.mu.Unlock()
		return nil, errGone
	case errors.Is(err, os.ErrNotExist):
		// It has just left, or it answers no questions.
		return nil, errGone
	}
	if err != nil {
		return nil, err
	}
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { c.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if _, err := c.Write(question); err != nil {
		return nil, err
	}
	if err := c.(*net.UnixConn).CloseWrite(); err != nil {
		return nil, err
	}
	answer, err := io.ReadAll(io.LimitReader(c, maxAnswer+1))
	switch {
	case err != nil:
		return nil, err
	case len(answer) > maxAnswer:
		return nil, errors.New("the answer is too long")
	case len(answer) == 0:
		// It closed without a word: it is ending, or refused the question.
		return nil, errors.New("no answer")
	}
	return answer, nil
}
