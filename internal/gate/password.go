package gate

import (
	"context"
	"errors"
	"slices"
	"strings"

	"bascule/internal/accounts"
)

// Mechanisms are the SASL mechanisms the client may use now, best first. None at
// all in clear text, unless it comes from loopback or that is configured: a
// client that sees PLAIN sends the password at once, before it can be told.
func (g *Gate) Mechanisms(c *Client) []string {
	if !g.opts.AllowClear && !c.secure() {
		return nil
	}
	list := slices.Clone(g.opts.Mechanisms)
	if _, ok := channelBinding(c); !ok {
		list = slices.DeleteFunc(list, func(m string) bool { return m == scramPlus })
	}
	if len(g.identities(c)) > 0 {
		list = slices.Insert(list, 0, external)
	}
	return list
}

// Password is the login with USER and PASS, LOGIN, and the mechanisms that send the
// password itself. The error is a *Refusal. It may take as long as the throttle
// says, or until ctx is over.
func (g *Gate) Password(ctx context.Context, c *Client, user, password string) (*Session, error) {
	return g.password(ctx, c, user, password, "PLAIN", "PLAIN")
}

// password checks that mechanism need is on offer and logs in as by mechanism.
func (g *Gate) password(ctx context.Context, c *Client, user, password, need, mechanism string) (*Session, error) {
	a, known := g.address(user)
	if !slices.Contains(g.Mechanisms(c), need) {
		return nil, g.refused(c, a, mechanism, refuse(Privacy, "Passwords are not taken in clear text here; use TLS"))
	}
	p := proof{address: a, mechanism: mechanism}
	err := g.prove(ctx, c, &p, known, password)
	if err != nil {
		return nil, g.refused(c, a, mechanism, err)
	}
	return g.admit(ctx, c, p)
}

// Address makes an address of a user name as clients write it, with the default domain where it has none.
func (g *Gate) Address(user string) (accounts.Address, bool) { return g.address(user) }

// address makes an address of what a client calls itself. If it is none, it still
// gets a name, so that what follows is the same for all names.
func (g *Gate) address(user string) (a accounts.Address, ok bool) {
	user = strings.TrimSpace(user)
	if g.opts.DefaultDomain != "" && !strings.Contains(user, "@") {
		user += "@" + g.opts.DefaultDomain
	}
	a, err := accounts.ParseAddress(user)
	if err != nil {
		return accounts.Address(oneLine(strings.ToLower(user), 254)), false
	}
	return a, true
}

// prove checks the password and fills in p.version.
func (g *Gate) prove(ctx context.Context, c *Client, p *proof, known bool, password string) error {
	var e accounts.Effective
	if known {
		var err error
		e, err = g.opts.Directory.Lookup(ctx, p.address)
		if err != nil && !errors.Is(err, accounts.ErrNotFound) {
			return err
		}
		known = err == nil
	}
	p.version = e.PasswordVersion
	key := g.passes.mac(p.address, password)
	if known && g.passes.knows(p.address, p.version, key, g.opts.Clock.Now()) {
		g.remembered.Add(1)
		return nil
	}
	ok, err := g.verify(ctx, c, p.address, password)
	if err != nil {
		return err
	}
	now := g.opts.Clock.Now()
	if !ok || !known {
		g.throttle.failed(c.Remote.Addr(), p.address, key, now)
		return authFailed()
	}
	g.throttle.succeeded(c.Remote.Addr(), p.address, now)
	g.passes.remember(p.address, p.version, key, now)
	return nil
}

// verify waits for the throttle and for a free core, and hashes.
func (g *Gate) verify(ctx context.Context, c *Client, a accounts.Address, password string) (bool, error) {
	release, err := g.patience(ctx, c, a)
	if err != nil {
		return false, err
	}
	defer release()
	g.hashed.Add(1)
	return g.opts.Directory.Verify(ctx, a, password)
}

// PasswordChecks counts passwords that were remembered and those that had to be hashed.
func (g *Gate) PasswordChecks() (remembered, hashed uint64) {
	return g.remembered.Load(), g.hashed.Load()
}

// patience waits as long as the throttle says, and then for one of the hashers.
func (g *Gate) patience(ctx context.Context, c *Client, a accounts.Address) (release func(), err error) {
	waited := false
	for {
		delay, ok := g.throttle.reserve(c.Remote.Addr(), a, g.opts.Clock.Now())
		if !ok {
			return nil, &Refusal{Code: Unavailable, Text: "Too many failed logins, try again later", Throttled: true}
		}
		if delay > 0 && !waited {
			waited = true
			if err := g.pause(ctx, delay); err != nil {
				return nil, err
			}
			// The delay is paid; what others did meanwhile is theirs to pay.
			delay = 0
		}
		select {
		case g.hashers <- struct{}{}:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		release = func() { <-g.hashers }
		// Of many attempts that came at once, all found the way free. Those that
		// queued for a core while the first ones failed pay now.
		if waited || g.throttle.free(c.Remote.Addr(), a, g.opts.Clock.Now()) {
			return release, nil
		}
		release()
	}
}
