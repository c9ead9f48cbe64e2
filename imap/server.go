package imap

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"bascule/internal/accounts"
	"bascule/internal/gate"
	"bascule/internal/netserve"
)

// Options are what a Server is made of. Only Gate has no default.
type Options struct {
	Gate *gate.Gate
	Log  *slog.Logger // nil: slog.Default

	Name    string // in the greeting and in ID; "Bascule"
	Version string // in ID only, to clients that have logged in
	// Hostname is a name by which clients know this server, in URLs; "" for none.
	Hostname string
	// SubmitUsers are the accounts of message submission servers, for which URLs with submit+ are (RFC 4467 §4).
	SubmitUsers []accounts.Address

	AppendLimit  int64 // octets of one message (RFC 7889); 0: 64 MiB
	LiteralMinus bool  // offer LITERAL- instead of LITERAL+ (RFC 7888)

	// AdminContact is a URI by which the server's administrators are reached, for clients to show; "" for none.
	AdminContact string

	Hide []HideRule // capabilities that some clients are not shown

	LoginTimeout time.Duration // from the greeting to the login; 0: 60 s
	IdleTimeout  time.Duration // silence after login before the autologout; 0: 30 min, the least that RFC 9051 §5.4 allows
	KeepAlive    time.Duration // between "* OK Still here" lines in IDLE; 0: 10 min; negative: never
	MaxBad       int           // commands in a row that make no sense before the connection ends; 0: 20
	// NotifyMailboxes is how many mailboxes a client may watch with NOTIFY; 0: 2,000. Each look at the account compares them all.
	NotifyMailboxes int
	EvictGrace      time.Duration // how long an evicted session's running command may take; 0: 2 s

	// Observe is told of every command when it ends; result is ok, no, bad, io, server or panic. For metrics. May be nil.
	Observe func(verb, result string, took time.Duration)
}

// Server serves IMAP on connections that others accept; see netserve.Server.
type Server struct {
	opt      Options
	log      *slog.Logger
	sessions atomic.Int64
	helpers  helpers // of searches
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
	setDefault(&opt.NotifyMailboxes, 2000)
	if opt.Observe == nil {
		opt.Observe = func(string, string, time.Duration) {}
	}
	return &Server{opt: opt, log: opt.Log, helpers: newHelpers()}
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
	c := newConn(ctx, s, nc)
	c.serve(func() bool { c.greet(); return true })
}

// serve does first, and then what the client says, until the connection ends or rests.
func (c *conn) serve(first func() bool) {
	rests := false
	defer func() {
		if !rests {
			c.close()
			c.srv.sessions.Add(-1)
		}
	}()
	for more := first(); more; more = c.next() {
		if c.idling != nil {
			rests = true
			return
		}
	}
}
