package gate

import (
	"errors"
	"log/slog"
	"slices"
	"strings"
	"time"

	"bascule/internal/accounts"
)

// Bounds of traces: each is for looking at one customer's trouble, and must not be forgotten.
const (
	MaxTraces   = 100
	MaxTraceFor = 24 * time.Hour
)

// ErrTraces is the error of Trace when too many accounts are traced.
var ErrTraces = errors.New("gate: too many accounts are traced")

// Traced is an account whose sessions are traced.
type Traced struct {
	Address  accounts.Address
	Until    time.Time
	Sessions int // open now
}

// Trace logs, until then, what goes over the wire in this account's sessions: those that are open from their next command on, and new ones from
// their login on. Passwords and mail are masked. A time that has passed ends it. It returns the number of open sessions.
func (g *Gate) Trace(a accounts.Address, until time.Time) (int, error) {
	now := g.opts.Clock.Now()
	on := until.After(now)
	if most := now.Add(MaxTraceFor); until.After(most) {
		until = most
	}
	g.mu.Lock()
	_, had := g.traced[a]
	if on && !had && len(g.traced) >= MaxTraces {
		g.mu.Unlock()
		return 0, ErrTraces
	}
	if on {
		g.traced[a] = until
	} else {
		delete(g.traced, a)
	}
	g.mu.Unlock()
	if on != had {
		g.opts.Log.Warn("wire trace", "account", string(a), "on", on, "until", until)
	}
	n := 0
	for _, s := range g.matching(Filter{Scope: accounts.AccountScope(a)}) {
		s.trace(on)
		n++
	}
	return n, nil
}

// Traces lists the accounts that are traced.
func (g *Gate) Traces() []Traced {
	g.mu.Lock()
	defer g.mu.Unlock()
	var list []Traced
	for a, until := range g.traced {
		t := Traced{Address: a, Until: until}
		for _, s := range g.sessions {
			if s.Address == a {
				t.Sessions++
			}
		}
		list = append(list, t)
	}
	slices.SortFunc(list, func(a, b Traced) int { return strings.Compare(string(a.Address), string(b.Address)) })
	return list
}

// endTraces ends those whose time is over; called by the tick.
func (g *Gate) endTraces(now time.Time) {
	for _, t := range g.Traces() {
		if !now.Before(t.Until) {
			g.Trace(t.Address, time.Time{}) // ending one cannot fail
		}
	}
}

// isTraced tells whether a new session is to be traced.
func (g *Gate) isTraced(a accounts.Address) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	_, on := g.traced[a]
	return on
}

// trace switches the trace of a session's connection. The lines are warnings, so that they are seen whatever the log's level: somebody asked for them.
func (s *Session) trace(on bool) {
	if s.Client.Trace == nil {
		return
	}
	if !on {
		s.Client.Trace(nil)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == ended {
		return // the connection may be another account's by now
	}
	log := s.gate.opts.Log.With("conn", s.Client.ConnID, "account", string(s.Address), "session", s.ID)
	s.Client.Trace(func(from string, line []byte) {
		log.Warn("wire", slog.String("from", from), slog.String("line", string(line)))
	})
}
