package testkit

import (
	"context"
	"fmt"
	"strings"

	"bascule/internal/accounts"
	"bascule/internal/gate"
)

// switchTo is the switch as the command line does it: the rule first, then the eviction.
func (s *Server) switchTo(ctx context.Context, words []string, _ string) (string, error) {
	scope, err := accounts.ParseScope(words[0])
	if err != nil {
		return "", err
	}
	protocols, err := accounts.ParseProtocols(words[1])
	if err != nil {
		return "", err
	}
	now := len(words) > 2
	if now && words[2] != "now" {
		return "", fmt.Errorf("testkit: switch: %q is not \"now\"", words[2])
	}
	done, err := s.Gate.Switch(ctx, "test", scope, protocols, now)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("evicted %d\n", done.Evicted), nil
}

// kick ends an account's sessions; nobody inside is an error, so that a script cannot kick too early unnoticed.
func (s *Server) kick(_ context.Context, words []string, _ string) (string, error) {
	scope, err := accounts.ParseScope(words[0])
	if err != nil {
		return "", err
	}
	if s.Gate.Kick(gate.Filter{Scope: scope}, "Ended by the operator") == 0 {
		return "", fmt.Errorf("testkit: %s has no session", words[0])
	}
	return "", nil
}

// listSessions prints one line per session, the oldest first.
func (s *Server) listSessions(context.Context, []string, string) (string, error) {
	var b strings.Builder
	for _, i := range s.Gate.Sessions(gate.Filter{}) {
		fmt.Fprintf(&b, "%s %s\n", i.Address, i.Protocol)
	}
	return b.String(), nil
}

// listClients prints one line per session: account, protocol, the address that counts as its client's, and "tls" if it is encrypted.
func (s *Server) listClients(context.Context, []string, string) (string, error) {
	var b strings.Builder
	for _, i := range s.Gate.Sessions(gate.Filter{}) {
		fmt.Fprintf(&b, "%s %s %s", i.Address, i.Protocol, i.Remote.Addr())
		if i.TLS {
			b.WriteString(" tls")
		}
		b.WriteString("\n")
	}
	return b.String(), nil
}

// sessions is how many are inside.
func (s *Server) sessions() int { return s.Gate.Count() }
