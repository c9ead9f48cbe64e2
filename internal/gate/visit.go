package gate

import (
	"context"
	"errors"
	"sync"

	"bascule/internal/accounts"
	"bascule/maildir"
)

// ErrNoVisit says that a session may not look at an account's mail: nothing of it is shared with its user, or the account is
// unknown, suspended, or off. Which of these is nobody's business.
var ErrNoVisit = errors.New("gate: the account shares nothing with the user")

// Visit is another account's mail, open in a session. The protocol setting of its owner says how he reads his mail, not how others
// do who were given rights: an owner who uses POP3, or an address nobody logs in to, can share. An account that is suspended or has the
// setting "none" is closed, for visitors too.
type Visit struct {
	Owner   accounts.Address
	Account *maildir.Account
	// Settings are the owner's, as they were when the visit began.
	Settings accounts.Effective
	Shared   bool // the account is nobody's own (accounts.Effective)

	session *Session
	open    func(accounts.Effective) bool // the owner's settings allow the visit
	ended   func()                        // tells the session; may be nil

	mu   sync.Mutex // protects the fields below
	over bool
	shut bool
}

// Visit opens the mail of another account in which the session's user may have rights; what they are is the store's to say. ended is
// called, from any goroutine, when the account is closed to visitors: the session must give the visit back. Errors: ErrNoVisit.
func (s *Session) Visit(ctx context.Context, owner accounts.Address, ended func()) (*Visit, error) {
	g := s.gate
	if g.opts.Shares == nil {
		return nil, ErrNoVisit
	}
	if does, err := g.opts.Shares.SharesWith(ctx, owner, s.Address); err != nil || !does {
		if err == nil {
			err = ErrNoVisit
		}
		return nil, err
	}
	return s.visit(ctx, &Visit{Owner: owner, session: s, open: visitable, ended: ended})
}

// Borrow opens the mail of another account for one command that the owner has authorized, without anything being shared with the
// session's user: what it may see is the caller's to check (RFC 4467). It counts as the owner's own use of IMAP, so it is refused where he
// could not log in. Errors: ErrNoVisit.
func (s *Session) Borrow(ctx context.Context, owner accounts.Address) (*Visit, error) {
	return s.visit(ctx, &Visit{Owner: owner, session: s, open: mayUseIMAP})
}

func mayUseIMAP(e accounts.Effective) bool {
	_, ok := verdict(e, IMAP)
	return ok
}

// visit begins a visit. As in admit: first it can be found by an eviction, then the rule is read.
func (s *Session) visit(ctx context.Context, v *Visit) (*Visit, error) {
	g := s.gate
	g.mu.Lock()
	g.visits[v] = struct{}{}
	g.mu.Unlock()
	err := v.enter(ctx)
	if err == nil && v.Over() {
		err = ErrNoVisit
	}
	if err != nil {
		v.Close()
		return nil, err
	}
	return v, nil
}

func (v *Visit) enter(ctx context.Context) error {
	g := v.session.gate
	e, err := g.opts.Directory.Lookup(ctx, v.Owner)
	if errors.Is(err, accounts.ErrNotFound) || err == nil && !v.open(e) {
		return ErrNoVisit
	}
	if err != nil {
		return err
	}
	acct, err := g.opts.Store.Account(ctx, string(v.Owner), g.opts.Policy(e))
	v.mu.Lock()
	v.Settings, v.Shared, v.Account = e, e.Shared, acct
	v.mu.Unlock()
	return err
}

// visitable says whether an account's mail is open to those whom it was shared with.
func visitable(e accounts.Effective) bool {
	return e.Status == accounts.Active && e.Protocols != accounts.None
}

// Over says that the account was closed to visitors.
func (v *Visit) Over() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.over
}

// Close gives the account back. It may be called twice.
func (v *Visit) Close() {
	v.mu.Lock()
	first := !v.shut
	v.shut = true
	v.mu.Unlock()
	if !first {
		return
	}
	g := v.session.gate
	g.mu.Lock()
	delete(g.visits, v)
	g.mu.Unlock()
	if v.Account != nil {
		v.Account.Close()
	}
}

// end closes the account to this visitor. It is false if that is nothing new.
func (v *Visit) end() bool {
	v.mu.Lock()
	news := !v.over && !v.shut
	v.over = true
	v.mu.Unlock()
	if news && v.ended != nil {
		v.ended()
	}
	return news
}

// Owners lists the accounts that share mailboxes with the session's user, by address.
func (s *Session) Owners(ctx context.Context) ([]accounts.Address, error) {
	if s.gate.opts.Shares == nil {
		return nil, nil
	}
	return s.gate.opts.Shares.Owners(ctx, s.Address)
}

// Note records in the audit what the session's user did to the rights in the owner's mailboxes.
func (s *Session) Note(ctx context.Context, e accounts.AuditEntry) error {
	if s.gate.opts.Shares == nil {
		return nil
	}
	e.Who = s.who()
	return s.gate.opts.Shares.Note(ctx, e)
}

// endVisits ends the visits to accounts of the scope that are closed, and makes the store's rules for the others those of now.
func (g *Gate) endVisits(ctx context.Context, scope accounts.Scope) error {
	byOwner := map[accounts.Address][]*Visit{}
	g.mu.Lock()
	for v := range g.visits {
		if (scope == accounts.Scope{}) || scope.Contains(v.Owner) {
			byOwner[v.Owner] = append(byOwner[v.Owner], v)
		}
	}
	g.mu.Unlock()
	var failed error
	for owner, visits := range byOwner {
		e, err := g.opts.Directory.Lookup(ctx, owner)
		gone := errors.Is(err, accounts.ErrNotFound)
		if err != nil && !gone {
			failed = err
			continue
		}
		for _, v := range visits {
			if gone || !v.open(e) {
				v.end()
			} else {
				v.setPolicy(g.opts.Policy(e))
			}
		}
	}
	return failed
}

// setPolicy makes p apply to the account while the visit has it open.
func (v *Visit) setPolicy(p maildir.Policy) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if !v.shut && v.Account != nil {
		v.Account.SetPolicy(p)
	}
}
