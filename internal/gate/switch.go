package gate

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"bascule/internal/accounts"
)

// Switched says what a switch did in this process.
type Switched struct {
	Change  accounts.Change
	Evicted int // sessions that were told to end
}

// ErrNoRules says that this gate has nothing to write rules to.
var ErrNoRules = errors.New("gate: the directory's rules cannot be changed")

// Switch changes the protocol setting of an account or a domain and evicts who may
// not stay: IMAP sessions at once, POP3 sessions after Options.Grace, or at once
// with now. Other processes have to be asked to EvictNow; unasked they find out at
// their next tick. It may be repeated.
func (g *Gate) Switch(ctx context.Context, who string, s accounts.Scope, p accounts.Protocols, now bool) (Switched, error) {
	if g.opts.Rules == nil {
		return Switched{}, ErrNoRules
	}
	change, err := g.opts.Rules.SetProtocols(ctx, who, s, p)
	if err != nil {
		return Switched{}, fmt.Errorf("gate: switch %s: %w", s, err)
	}
	n, err := g.EvictNow(ctx, s, now)
	if err != nil {
		return Switched{Change: change}, err
	}
	return Switched{Change: change, Evicted: n}, nil
}

// EvictNow reads the rules of all accounts of the scope that have sessions (the
// zero scope: of all) and tells those to end that may not stay. Accounts that stay
// get the store's policy as it is now. It says how many were told.
func (g *Gate) EvictNow(ctx context.Context, scope accounts.Scope, now bool) (int, error) {
	// Registered sessions first, rules second; admit does it the other way round.
	byAccount := map[accounts.Address][]*Session{}
	for _, s := range g.matching(Filter{Scope: scope}) {
		byAccount[s.Address] = append(byAccount[s.Address], s)
	}
	told := 0
	var failed error
	for a, sessions := range byAccount {
		e, err := g.opts.Directory.Lookup(ctx, a)
		gone := errors.Is(err, accounts.ErrNotFound)
		if err != nil && !gone {
			failed = fmt.Errorf("gate: evict: %w", err)
			continue
		}
		// The newest first: one that waits for the mailbox of another must not get it
		// in between.
		slices.SortFunc(sessions, func(x, y *Session) int { return y.Since.Compare(x.Since) })
		for _, s := range sessions {
			if g.judge(s, e, gone, now) {
				told++
			}
		}
	}
	// Visitors are nobody's sessions and are not counted: they stay logged in to their own mail.
	if err := g.endVisits(ctx, scope); err != nil && failed == nil {
		failed = fmt.Errorf("gate: evict: %w", err)
	}
	return told, failed
}

// judge applies the rule to one session; it is true if that has to end.
func (g *Gate) judge(s *Session, e accounts.Effective, gone, now bool) bool {
	if gone {
		return s.evict(Eviction{Reason: Deleted, Text: "This account does not exist any more", Now: true})
	}
	eviction, ok := verdict(e, s.Protocol)
	if ok {
		s.mu.Lock()
		live := s.state == inside
		s.mu.Unlock()
		if live {
			s.Account.SetPolicy(g.opts.Policy(e))
		}
		return false
	}
	if s.Protocol == IMAP || now {
		eviction.Now = true
	}
	if !eviction.Now {
		eviction.Deadline = g.opts.Clock.Now().Add(g.opts.Grace)
	}
	return s.evict(eviction)
}
