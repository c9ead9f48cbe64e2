package gate

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"bascule/internal/accounts"
	"bascule/maildir"
)

// proof is a password that was right: whose, and which one.
type proof struct {
	address   accounts.Address
	version   int64 // accounts.Effective.PasswordVersion
	mechanism string
}

// admit decides about somebody whose password was right. The order is what keeps
// the switch tight: first the session can be found by an eviction, then the rule
// is read. If the switch writes its rule before we read it, we see it; if after,
// its eviction comes after our registration and finds us.
func (g *Gate) admit(ctx context.Context, c *Client, p proof) (*Session, error) {
	now := g.opts.Clock.Now()
	s := &Session{
		ID: rand.Text()[:12], Address: p.address, Protocol: c.Protocol, Since: now, Client: c,
		gate: g, place: place{p.address, c.Remote.Addr().Unmap()}, evicted: make(chan struct{}),
	}
	s.active.Store(now.UnixNano())
	if r := g.register(s, !g.throttle.isTrusted(c.Remote.Addr())); r != nil {
		return nil, g.refused(c, p.address, p.mechanism, r)
	}
	if err := g.decide(ctx, s, p); err != nil {
		s.End()
		return nil, g.refused(c, p.address, p.mechanism, err)
	}
	if g.isTraced(s.Address) {
		s.trace(true)
	}
	g.opts.Directory.Record(s.login(""))
	g.opts.Observe(c.Protocol, "ok")
	var more []any
	if c.Via.IsValid() {
		more = append(more, "via", c.Via.Addr().Unmap().String())
	}
	g.opts.Log.Info("login", append([]any{"conn", c.ConnID, "protocol", string(c.Protocol), "remote", c.Remote.Addr().Unmap().String(),
		"account", string(s.Address), "session", s.ID, "mechanism", p.mechanism, "tls", c.encrypted()}, more...)...)
	g.noteTLS(s)
	return s, nil
}

// decide reads the rule and opens the mail.
func (g *Gate) decide(ctx context.Context, s *Session, p proof) error {
	e, err := g.opts.Directory.Lookup(ctx, s.Address)
	switch {
	case errors.Is(err, accounts.ErrNotFound):
		return authFailed() // deleted since the password was checked
	case err != nil:
		return err
	case e.PasswordVersion != p.version:
		return authFailed() // the proof is of a former password
	}
	s.Settings = e
	if eviction, ok := verdict(e, s.Protocol); !ok {
		return refuse(SysPerm, eviction.Text)
	}
	if s.Protocol == POP3 && !g.delays.take(s.Address, s.Since) {
		return refuse(LoginDelay, fmt.Sprintf("Too many logins; wait %d seconds between them", int(g.opts.LoginDelay.Seconds())))
	}
	if s.Account, err = g.opts.Store.Account(ctx, string(s.Address), g.opts.Policy(e)); err != nil {
		return err
	}
	if !s.enter() {
		eviction, _ := s.Eviction()
		return refuse(SysPerm, eviction.Text)
	}
	return nil
}

// verdict says whether an account may use a protocol, and how to tell it if not.
func verdict(e accounts.Effective, p Protocol) (Eviction, bool) {
	switch {
	case e.Status == accounts.Suspended:
		return Eviction{Reason: Suspended, Text: suspendedText(e.StatusReason), Now: true}, false
	case e.Protocols.Allows(string(p)):
		return Eviction{}, true
	case e.RefusalText != "":
		return Eviction{Reason: Withdrawn, Text: e.RefusalText}, false
	}
	return Eviction{Reason: Withdrawn, Text: offText(p, e.Protocols)}, false
}

func suspendedText(reason string) string {
	if reason == "" {
		return "This account is suspended"
	}
	return "This account is suspended: " + reason
}

// offText says that a protocol is off, and which one the account uses instead.
func offText(p Protocol, rule accounts.Protocols) string {
	switch {
	case p == POP3 && rule == accounts.IMAP:
		return p.name() + " is off for this account; it uses IMAP"
	case p == IMAP && rule == accounts.POP3:
		return p.name() + " is off for this account; it uses POP3"
	}
	return p.name() + " is off for this account"
}

// refused logs and counts a refusal, and hides from the client what is not its
// business. The line of a wrong password is stable, for programs that read logs.
func (g *Gate) refused(c *Client, a accounts.Address, mechanism string, err error) error {
	var r *Refusal
	cause := err
	switch {
	case errors.As(err, &r):
	case errors.Is(err, maildir.ErrDiskFull):
		r = refuse(SysTemp, "The server's disk is full; please tell its administrators")
	default:
		r = broken()
	}
	reason := r.Code.String()
	if r.Throttled {
		reason = "throttled"
	}
	g.opts.Observe(c.Protocol, reason)
	log := g.opts.Log.With("conn", c.ConnID, "protocol", string(c.Protocol), "remote", c.Remote.Addr().Unmap().String(),
		"account", string(a), "mechanism", mechanism)
	switch {
	case r.Code == Auth, r.Throttled:
		log.Warn("login failed", "reason", reason)
	case r.Code == SysTemp && !errors.Is(cause, context.Canceled):
		log.Error("login not possible", "err", cause)
	default:
		log.Info("login refused", "code", r.Code.String(), "text", r.Text)
	}
	return r
}
