package pop3

import (
	"context"
	"log/slog"
	"time"

	"bascule/internal/gate"
	"bascule/internal/netserve"
)

// Options are what a Server needs. Gate has no default; for the others the zero value means what the comment says.
type Options struct {
	Gate *gate.Gate
	Log  *slog.Logger // nil: slog.Default

	Greeting       string        // text after the first +OK; empty: "Bascule is ready"
	Implementation string        // what CAPA calls the program; empty: "Bascule"
	LoginDelay     time.Duration // announced by CAPA; the gate enforces it

	LoginTimeout time.Duration // from the greeting to the login; 0: 1 minute
	IdleTimeout  time.Duration // silence that ends a session; 0: 10 minutes, the least that RFC 1939 §3 allows
	WriteTimeout time.Duration // for each piece of output; 0: 1 minute

	LockWait time.Duration // how long a login waits for the maildrop; 0: 5 s; negative: not at all
	Takeover time.Duration // silence after which a dead-looking session gives way to a new login; 0: 1 minute; negative: never

	ShowDeleted bool // list what an IMAP client flagged \Deleted
	MarkSeen    bool // RETR sets \Seen
	MaxBad      int  // bad commands in a row that end the session; 0: 20

	// Observe is told of every command when it ends; result is ok, no, bad, io, server or panic. For metrics. May be nil.
	Observe func(verb, result string, took time.Duration)
}

// Server serves POP3 connections. It has no state of its own besides its options; sessions meet in the gate and at the lock.
type Server struct{ opt Options }

// New makes a server.
func New(opt Options) *Server {
	if opt.Log == nil {
		opt.Log = slog.Default()
	}
	for _, d := range []struct {
		value  *time.Duration
		normal time.Duration
	}{
		{&opt.LoginTimeout, time.Minute},
		{&opt.IdleTimeout, 10 * time.Minute},
		{&opt.WriteTimeout, time.Minute},
		{&opt.LockWait, 5 * time.Second},
		{&opt.Takeover, time.Minute},
	} {
		if *d.value == 0 {
			*d.value = d.normal
		}
	}
	if opt.Observe == nil {
		opt.Observe = func(string, string, time.Duration) {}
	}
	if opt.MaxBad == 0 {
		opt.MaxBad = 20
	}
	if opt.Greeting == "" {
		opt.Greeting = "Bascule is ready"
	}
	if opt.Implementation == "" {
		opt.Implementation = "Bascule"
	}
	return &Server{opt: opt}
}

// Handle serves one connection to its end. When ctx ends (the server stops), what the client has already sent is still answered, a
// running QUIT is finished, and then the client is told.
func (s *Server) Handle(ctx context.Context, nc *netserve.Conn) {
	c := newConn(s, nc)
	defer c.close()
	stop := context.AfterFunc(ctx, func() {
		c.end(&ending{reason: "server stops", code: "SYS/TEMP", text: "The server is stopping; try again soon", patient: true})
	})
	defer stop()
	c.serve(ctx)
}
