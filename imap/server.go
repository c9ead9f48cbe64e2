package imap

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"bascule/internal/gate"
	"bascule/internal/netserve"
)

// Options are what a Server is made of. Only Gate has no default.
type Options struct {
	Gate *gate.Gate
	Log  *slog.Logger // nil: slog.Default

	Name    string // in the greeting and in ID; "Bascule"
	Version string // in ID only, to clients that have logged in

	AppendLimit  int64 // octets of one message (RFC 7889); 0: 64 MiB
	LiteralMinus bool  // offer LITERAL- instead of LITERAL+ (RFC 7888)

	LoginTimeout time.Duration // from the greeting to the login; 0: 60 s
	IdleTimeout  time.Duration // silence after login before the autologout; 0: 30 min, the least that RFC 9051 §5.4 allows
	KeepAlive    time.Duration // between "* OK Still here" lines in IDLE; 0: 10 min; negative: never
	MaxBad       int           // commands in a row that make no sense before the connection ends; 0: 20
	EvictGrace   time.Duration // how long an evicted session's running command may take; 0: 2 s

	// Observe is told of every command when it ends; result is ok, no, bad or bye. For metrics. May be nil.
	Observe func(verb, result string, took time.Duration)
}

// Server serves IMAP on connections that others accept; see netserve.Server.
type Server struct {
	opt      Options
	log      *slog.Logger
	sessions atomic.Int64
}

// New makes a server.
func New(opt Options) *Server {
	if opt.Log == nil {
		opt.Log = slog.Default()
	}
	if opt.Name == "" {
		opt.Name = "Bascule"
	}
	setDefault(&opt.AppendLimit, 64<<20)
	setDefault(&opt.LoginTimeout, time.Minute)
	setDefault(&opt.IdleTimeout, 30*time.Minute)
	setDefault(&opt.KeepAlive, 10*time.Minute)
	setDefault(&opt.MaxBad, 20)
	setDefault(&opt.EvictGrace, 2*time.Second)
	return &Server{opt: opt, log: opt.Log}
}

func setDefault[T int | int64 | time.Duration](v *T, d T) {
	if *v == 0 {
		*v = d
	}
}

// Sessions is the number of open connections.
func (s *Server) Sessions() int64 { return s.sessions.Load() }

// Handle serves one connection until it ends. ctx ends when the server drains: the client
// then gets its BYE after the running command. It is a netserve.Handler.
func (s *Server) Handle(ctx context.Context, nc *netserve.Conn) {
	s.sessions.Add(1)
	defer s.sessions.Add(-1)
	c := newConn(ctx, s, nc)
	defer c.close()
	c.greet()
	for c.next() {
	}
}
