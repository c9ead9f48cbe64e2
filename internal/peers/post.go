package peers

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// MaxMessage is the longest payload of a message in bytes. A longer one is not
// sent; its receivers are told that they missed something.
const MaxMessage = 4096

// ErrClosed is returned by a Post that has left its directory.
var ErrClosed = errors.New("peers: closed")

// Options say what a Post does with what it hears. Receive is required.
type Options struct {
	// Receive gets each message of another process. It is called from one
	// goroutine, must not block, and must not keep msg.
	Receive func(msg []byte)
	// Missed is called, from the same goroutine, when messages of some
	// process were lost on the way here. It must not block. nil: ignored.
	Missed func()
	// Answer answers a question of another process; it may be called from
	// several goroutines. nil: this process answers no questions.
	Answer func(question []byte) []byte
	// Log gets what an operator should know. nil: nothing is logged.
	Log *slog.Logger
}

// Stats counts since Join.
type Stats struct {
	Sent     uint64 // datagrams handed to a receiver
	Received uint64 // datagrams read
	Dropped  uint64 // messages replaced by "you missed something"
	Missed   uint64 // times this process was told that it missed something
}

// Post is one process's place in the directory. Its methods may be called
// from any goroutine.
type Post struct {
	opt  Options
	log  *slog.Logger
	home *home
	name string
	conn *net.UnixConn // receives
	ask  *answerer     // nil if the process answers no questions

	sent, received, dropped, missed atomic.Uint64

	done chan struct{}
	wg   sync.WaitGroup

	// mu protects the fields below; it is held for system calls that do not
	// block only.
	mu       sync.Mutex
	closed   bool
	out      int // descriptor of the unbound socket that sends
	roster   roster
	flushing bool
	frame    []byte
}

// Join makes this process reachable in dir, which is created if missing
// (mode 0700), and greets the processes that are there.
func Join(dir string, opt Options) (*Post, error) {
	p, err := join(dir, opt)
	if err != nil {
		return nil, fmt.Errorf("peers: join %s: %w", dir, err)
	}
	return p, nil
}

func join(dir string, opt Options) (_ *Post, err error) {
	p := &Post{opt: opt, log: opt.Log, out: -1, done: make(chan struct{})}
	if p.log == nil {
		p.log = slog.New(slog.DiscardHandler)
	}
	var id [8]byte
	rand.Read(id[:])
	p.name = hex.EncodeToString(id[:])
	if p.home, err = openHome(dir); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			p.abandon()
		}
	}()
	p.home.sweep()
	if p.out, err = unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0); err != nil {
		return nil, err
	}
	if opt.Answer != nil {
		// First the socket for questions: who finds the other one may ask.
		if p.ask, err = p.home.listen(p.name, opt.Answer, p.log); err != nil {
			return nil, err
		}
	}
	hidden := "." + p.name + saySuffix
	p.conn, err = net.ListenUnixgram("unixgram", &net.UnixAddr{Name: p.home.address(hidden), Net: "unixgram"})
	if err != nil {
		return nil, err
	}
	if err = p.home.publish(hidden, p.name+saySuffix); err != nil {
		return nil, err
	}
	p.wg.Add(1)
	go p.receive()
	p.send(kindHello, nil)
	return p, nil
}

// publish makes a bound socket visible under its final name.
func (h *home) publish(hidden, final string) error {
	if err := os.Chmod(h.path(hidden), 0o660); err != nil {
		os.Remove(h.path(hidden))
		return err
	}
	if err := os.Rename(h.path(hidden), h.path(final)); err != nil {
		os.Remove(h.path(hidden))
		return err
	}
	return nil
}

// abandon gives back what a failed join had got.
func (p *Post) abandon() {
	if p.conn != nil {
		p.conn.Close()
		os.Remove(p.home.path(p.name + saySuffix))
	}
	if p.ask != nil {
		p.ask.close()
	}
	if p.out >= 0 {
		unix.Close(p.out)
	}
	p.home.file.Close()
}

// receive reads until the socket is closed.
func (p *Post) receive() {
	defer p.wg.Done()
	buf := make([]byte, frameHead+MaxMessage+1)
	for {
		n, err := p.conn.Read(buf)
		if err != nil {
			select {
			case <-p.done:
				return
			default:
			}
			if errors.Is(err, net.ErrClosed) {
				return
			}
			p.log.Warn("reading from peers failed", "error", err)
			p.miss()
			continue
		}
		p.received.Add(1)
		p.hear(buf[:n])
	}
}

// hear acts on one datagram. One that this version does not understand may
// have meant anything, so it counts as missed.
func (p *Post) hear(b []byte) {
	if len(b) < frameHead || len(b) > frameHead+MaxMessage || b[0] != frameVersion {
		p.miss()
		return
	}
	switch b[1] {
	case kindMessage:
		p.opt.Receive(b[frameHead:])
	case kindHello:
		p.mu.Lock()
		p.roster.forget()
		p.mu.Unlock()
	default:
		p.miss()
	}
}

func (p *Post) miss() {
	p.missed.Add(1)
	if p.opt.Missed != nil {
		p.opt.Missed()
	}
}

// Name is this process's name in the directory.
func (p *Post) Name() string { return p.name }

// Stats returns the counters.
func (p *Post) Stats() Stats {
	return Stats{Sent: p.sent.Load(), Received: p.received.Load(), Dropped: p.dropped.Load(), Missed: p.missed.Load()}
}

// Close leaves the directory and waits until no callback runs any more; it
// must not be called from one. A second call does nothing.
func (p *Post) Close() error {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil
	}
	p.closed = true
	close(p.done)
	unix.Close(p.out)
	p.mu.Unlock()

	os.Remove(p.home.path(p.name + saySuffix))
	p.conn.Close()
	if p.ask != nil {
		p.ask.close()
	}
	p.wg.Wait()
	return p.home.file.Close()
}
