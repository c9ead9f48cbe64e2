package gate

import (
	"context"
	"log/slog"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"bascule/internal/accounts"
	"bascule/maildir"
)

// Options of New. Directory and Store are needed, the rest has defaults.
type Options struct {
	Directory accounts.Directory
	// Rules carries out switches; default: the Directory, if it can.
	Rules accounts.Rules
	// Shares says who shares mailboxes with whom; default: the Directory, if it can. Without it nobody does.
	Shares accounts.Shares
	// Annotations are the server's; default: the Directory, if it can. Without it there are none.
	Annotations accounts.Annotations
	Store       *maildir.Store
	// Policy makes the store's rules for an account of its settings; default: its
	// exclusivity and quota, and no waiting.
	Policy func(accounts.Effective) maildir.Policy

	// Mechanisms offered, best first (default all: SCRAM-SHA-256-PLUS,
	// SCRAM-SHA-256, PLAIN, LOGIN). Without PLAIN there are no USER and LOGIN either.
	Mechanisms []string
	// External offers EXTERNAL to clients with a verified certificate and says what of it names the account: IdentityEmail or IdentityCN.
	// Empty: it is not offered.
	External string
	// AllowClear offers them without TLS from everywhere, not from loopback alone.
	AllowClear bool
	// DefaultDomain completes names without "@"; empty: such names are wrong.
	DefaultDomain string
	// Trusted networks (webmail) are neither throttled nor limited: one address
	// stands for many people there.
	Trusted []netip.Prefix

	MaxPerAddress int // sessions of one account from one address (default 50)
	Hashers       int // password hashes at once (default GOMAXPROCS)
	Throttle      Throttle

	// PasswordFor is how long a right password is remembered without being hashed
	// again (default 15 min, negative: not at all), for at most PasswordMax
	// accounts (default 65,536).
	PasswordFor time.Duration
	PasswordMax int

	// LoginDelay is the RFC 2449 §6.5 interval of POP3 logins of one account (0:
	// none), of which LoginBurst (default 10) are free.
	LoginDelay time.Duration
	LoginBurst int

	Grace time.Duration // for POP3 sessions to finish when POP3 is withdrawn (default 30 s)
	Tick  time.Duration // between looks at the rules and the schedule (default 1 s)

	// Deletions is what the log tells of removed messages (default DeletionsIDs).
	Deletions Deletions
	// Deleted is called with the number of messages that a session removed. For metrics. May be nil.
	Deleted func(p Protocol, n int)

	Clock Clock
	Log   *slog.Logger
	// Observe is called with the result of every login: "ok", the Code's name, or "throttled".
	Observe func(p Protocol, result string)
	// ObserveTLS is called with the TLS version of every login that succeeds: "none", "1.0" to "1.3", or "other".
	ObserveTLS func(p Protocol, version string)
}

// Gate is the door of one process. Its methods may be called from any goroutine.
type Gate struct {
	opts     Options
	throttle *throttle
	passes   *passCache
	delays   *loginDelay
	hashers  chan struct{}

	remembered, hashed atomic.Uint64 // password checks

	// mu protects the fields below.
	mu       sync.Mutex
	sessions map[string]*Session
	perPlace map[place]int
	traced   map[accounts.Address]time.Time // until when
	visits   map[*Visit]struct{}
	closed   bool
	stopTick func() bool

	// ticking is held by a running tick and protects the fields below.
	ticking sync.Mutex
	changes int64 // of the directory, when the sessions were last looked at
	failing bool  // the last look failed; it is logged once
}

// New makes a gate and starts its background work.
func New(o Options) *Gate {
	if o.Clock == nil {
		o.Clock = systemClock{}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Rules == nil {
		o.Rules, _ = o.Directory.(accounts.Rules)
	}
	if o.Shares == nil {
		o.Shares, _ = o.Directory.(accounts.Shares)
	}
	if o.Annotations == nil {
		o.Annotations, _ = o.Directory.(accounts.Annotations)
	}
	if o.Policy == nil {
		o.Policy = defaultPolicy
	}
	if o.Mechanisms == nil {
		o.Mechanisms = []string{scramPlus, scramPlain, "PLAIN", "LOGIN"}
	}
	if o.Deleted == nil {
		o.Deleted = func(Protocol, int) {}
	}
	if o.Observe == nil {
		o.Observe = func(Protocol, string) {}
	}
	if o.ObserveTLS == nil {
		o.ObserveTLS = func(Protocol, string) {}
	}
	setDefault(&o.MaxPerAddress, 50)
	setDefault(&o.Hashers, runtime.GOMAXPROCS(0))
	setDefault(&o.PasswordFor, 15*time.Minute)
	setDefault(&o.PasswordMax, 1<<16)
	setDefault(&o.LoginBurst, 10)
	setDefault(&o.Grace, 30*time.Second)
	setDefault(&o.Tick, time.Second)
	o.Throttle = o.Throttle.withDefaults()
	g := &Gate{
		opts:     o,
		throttle: newThrottle(o.Throttle, o.Trusted),
		passes:   newPassCache(o.PasswordFor, o.PasswordMax),
		delays:   newLoginDelay(o.LoginDelay, o.LoginBurst),
		hashers:  make(chan struct{}, o.Hashers),
		sessions: map[string]*Session{},
		perPlace: map[place]int{},
		traced:   map[accounts.Address]time.Time{},
		visits:   map[*Visit]struct{}{},
	}
	if n, err := o.Directory.Changes(context.Background()); err == nil {
		g.changes = n
	}
	g.arm()
	return g
}

func setDefault[T int | time.Duration](v *T, d T) {
	if *v == 0 {
		*v = d
	}
}

func defaultPolicy(e accounts.Effective) maildir.Policy {
	return maildir.Policy{Exclusivity: maildir.Exclusivity(e.Exclusive), TextIndex: maildir.TextIndex(e.SearchIndex), QuotaBytes: e.QuotaBytes, QuotaMessages: e.QuotaMessages}
}

// Close ends the background work and refuses further logins. Open sessions go on;
// the front ends end them.
func (g *Gate) Close() error {
	g.mu.Lock()
	g.closed = true
	stop := g.stopTick
	g.mu.Unlock()
	if stop != nil {
		stop()
	}
	g.ticking.Lock() // a running tick ends first
	defer g.ticking.Unlock()
	return nil
}

// arm sets the timer of the next tick.
func (g *Gate) arm() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.closed {
		g.stopTick = g.opts.Clock.AfterFunc(g.opts.Tick, g.tick)
	}
}

// tick carries out what is scheduled, and looks at the sessions again if any rule
// changed since the last time, in whichever process.
func (g *Gate) tick() {
	defer g.arm()
	g.ticking.Lock()
	defer g.ticking.Unlock()
	g.mu.Lock()
	closed := g.closed
	g.mu.Unlock()
	if closed {
		return
	}
	g.endTraces(g.opts.Clock.Now())
	err := g.look(context.Background())
	if err != nil && !g.failing {
		g.opts.Log.Error("rules of accounts cannot be read, will go on trying", "err", err)
	}
	g.failing = err != nil
}

// look is the work of a tick. g.ticking is held.
func (g *Gate) look(ctx context.Context) error {
	if g.opts.Rules != nil {
		done, err := g.opts.Rules.CarryOut(ctx, g.opts.Clock.Now())
		if err != nil {
			return err
		}
		for _, s := range done {
			g.opts.Log.Info("scheduled switch carried out", "scope", s.Scope.String(), "value", string(s.Value), "who", s.Who, "result", s.Result)
		}
	}
	n, err := g.opts.Directory.Changes(ctx)
	if err != nil || n == g.changes {
		return err
	}
	// The number is kept only when the sessions have been seen to: if that fails,
	// the next tick does it again.
	if _, err := g.EvictNow(ctx, accounts.Scope{}, false); err != nil {
		return err
	}
	g.changes = n
	return nil
}
