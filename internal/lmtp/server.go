package lmtp

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/emersion/go-smtp"

	"bascule/internal/deliver"
)

// Options are what a Server needs; Deliverer has no default.
type Options struct {
	Deliverer *deliver.Deliverer
	Log       *slog.Logger // nil: slog.Default

	Host          string        // our name in the greeting and in Received fields; empty: "localhost"
	MaxSize       int64         // of one message, announced by SIZE; 0: 64 MiB
	MaxRecipients int           // of one message; 0: 1000
	Timeout       time.Duration // silence that ends a connection; 0: 5 minutes (RFC 5321 §4.5.3.2)
	SoftQuota     bool          // 452 instead of 552 when a mailbox is full
	// Observe is told what became of a message for one recipient: delivered, broken (it did not come whole), or a deliver.Class. took is 0
	// when the recipient was refused before the message. For metrics. May be nil.
	Observe  func(result string, took time.Duration)
	SpoolDir string // where large messages for several recipients wait; empty: os.TempDir
}

// Server speaks LMTP on any number of listeners.
type Server struct {
	opt  Options
	smtp *smtp.Server
	// work counts messages that are being taken: go-smtp does not wait for those that come by BDAT.
	work     sync.WaitGroup
	draining atomic.Bool

	in, out, accepted, panics atomic.Int64

	// mu protects the fields below.
	mu    sync.Mutex
	wires map[*wire]struct{}
}

// New makes a server. It opens nothing.
func New(opt Options) *Server {
	if opt.Log == nil {
		opt.Log = slog.Default()
	}
	if opt.Host == "" {
		opt.Host = "localhost"
	}
	if opt.MaxSize == 0 {
		opt.MaxSize = 64 << 20
	}
	if opt.MaxRecipients == 0 {
		opt.MaxRecipients = 1000
	}
	if opt.Observe == nil {
		opt.Observe = func(string, time.Duration) {}
	}
	if opt.Timeout == 0 {
		opt.Timeout = 5 * time.Minute
	}
	s := &Server{opt: opt, wires: map[*wire]struct{}{}}
	s.smtp = smtp.NewServer(smtp.BackendFunc(s.newSession))
	s.smtp.LMTP = true
	s.smtp.Domain = opt.Host
	s.smtp.MaxMessageBytes = opt.MaxSize
	s.smtp.MaxRecipients = opt.MaxRecipients
	// wire.go bounds lines: go-smtp would count those of the message too, and refuse mail with long ones.
	s.smtp.MaxLineLength = 0
	s.smtp.WriteTimeout = time.Minute
	s.smtp.EnableSMTPUTF8 = true
	s.smtp.ErrorLog = errorLog{opt.Log, s}
	return s
}

// Serve accepts on l until Shutdown. It may be called for several listeners at once.
func (s *Server) Serve(l net.Listener) error {
	if err := s.smtp.Serve(listener{l, s}); err != nil && !errors.Is(err, smtp.ErrServerClosed) {
		return fmt.Errorf("lmtp: serve: %w", err)
	}
	return nil
}

// Shutdown stops accepting, lets messages that are being received end, answers 421 to all else, and returns when all connections are
// closed. When ctx ends first, they are cut.
func (s *Server) Shutdown(ctx context.Context) error {
	s.draining.Store(true)
	s.mu.Lock()
	for w := range s.wires {
		w.nudge()
	}
	s.mu.Unlock()
	err := s.smtp.Shutdown(ctx)
	if err == nil || errors.Is(err, smtp.ErrServerClosed) {
		s.work.Wait()
		return nil
	}
	s.mu.Lock()
	for w := range s.wires {
		w.Conn.Close()
	}
	s.mu.Unlock()
	return ctx.Err()
}

// Stats counts since the server was made.
type Stats struct {
	In, Out  int64 // octets
	Accepted int64 // connections
	Open     int   // of these
	Panics   int64
}

// Stats tells what the server has done so far.
func (s *Server) Stats() Stats {
	s.mu.Lock()
	open := len(s.wires)
	s.mu.Unlock()
	return Stats{s.in.Load(), s.out.Load(), s.accepted.Load(), open, s.panics.Load()}
}

// listener wraps what it accepts.
type listener struct {
	net.Listener
	s *Server
}

func (l listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return l.s.newWire(c), nil
}

// errorLog passes go-smtp's complaints on.
type errorLog struct {
	log *slog.Logger
	s   *Server
}

func (e errorLog) Printf(format string, v ...any) {
	if strings.HasPrefix(format, "panic") { // go-smtp recovers them itself
		e.s.panics.Add(1)
	}
	e.log.Warn("lmtp: " + fmt.Sprintf(format, v...))
}
func (e errorLog) Println(v ...any) { e.log.Warn("lmtp: " + fmt.Sprint(v...)) }
