package gate

import (
	"context"
	"errors"
	"fmt"

	"bascule/internal/accounts"
	"bascule/maildir"
)

// ErrNotAdmin says that a session's user is no administrator of an account, or of the server. Whether there is such an account it does not say.
var ErrNotAdmin = errors.New("gate: the user is no administrator of this")

// administers fails unless the session's user is an administrator of an account now.
func (s *Session) administers(ctx context.Context, a accounts.Address) error {
	e, err := s.gate.opts.Directory.Lookup(ctx, s.Address)
	if err == nil && !e.Administers(a) {
		err = ErrNotAdmin
	}
	return err
}

// Administer opens the mail of an account that the session's user is an administrator of, whatever its status. The caller closes it.
// Errors: ErrNotAdmin, accounts.ErrNotFound.
func (s *Session) Administer(ctx context.Context, a accounts.Address) (*maildir.Account, error) {
	if err := s.administers(ctx, a); err != nil {
		return nil, err
	}
	e, err := s.gate.opts.Directory.Lookup(ctx, a)
	if err != nil {
		return nil, err
	}
	return s.gate.opts.Store.Account(ctx, string(a), s.gate.opts.Policy(e))
}

// SetQuota gives an account limits of its own, 0 for none, in octets and messages, and lets them act on open sessions; other processes
// find out at their next tick. The audit names the session's user. Errors: ErrNotAdmin, accounts.ErrNotFound, accounts.ErrForeign.
func (s *Session) SetQuota(ctx context.Context, a accounts.Address, bytes, messages int64) error {
	g := s.gate
	if err := s.administers(ctx, a); err != nil {
		return err
	}
	if g.opts.Rules == nil {
		return ErrNoRules
	}
	if err := g.opts.Rules.SetQuota(ctx, s.who(), a, bytes, messages); err != nil {
		return fmt.Errorf("gate: set quota of %s: %w", a, err)
	}
	_, err := g.EvictNow(ctx, accounts.AccountScope(a), false)
	return err
}

// Annotations lists the server's annotations that changed after a change; see accounts.Annotations.
func (s *Session) Annotations(ctx context.Context, since int64) ([]accounts.Annotation, error) {
	if s.gate.opts.Annotations == nil {
		return nil, nil
	}
	return s.gate.opts.Annotations.Annotations(ctx, since)
}

// Annotate changes the server's annotations, for who is an administrator of all accounts; see accounts.Annotations. Errors: ErrNotAdmin,
// accounts.ErrTooManyAnnotations.
func (s *Session) Annotate(ctx context.Context, set []accounts.Annotation) (int64, error) {
	e, err := s.gate.opts.Directory.Lookup(ctx, s.Address)
	switch {
	case err != nil:
		return 0, err
	case e.Admin != accounts.AdminServer:
		return 0, ErrNotAdmin
	case s.gate.opts.Annotations == nil:
		return 0, ErrNoRules
	}
	change, err := s.gate.opts.Annotations.Annotate(ctx, s.who(), set)
	if err == nil && change != 0 {
		s.Account.NudgeServerEntries()
	}
	return change, err
}

// who names the session's user in the audit.
func (s *Session) who() string { return string(s.Protocol) + ":" + string(s.Address) }
