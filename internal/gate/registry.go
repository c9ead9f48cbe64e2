package gate

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"bascule/internal/accounts"
)

// SessionInfo is a session as an operator sees it.
type SessionInfo struct {
	ID         string
	Address    accounts.Address
	Protocol   Protocol
	Since      time.Time
	Active     time.Time // last sign of life
	Remote     netip.AddrPort
	Local      netip.AddrPort
	TLS        bool
	ConnID     string
	ClientName string
	Mailbox    string
	Evicting   Reason // why it is about to end, or empty
}

// Filter chooses sessions; every field that is set must match.
type Filter struct {
	ID       string
	Scope    accounts.Scope
	Protocol Protocol
	Remote   netip.Addr
}

func (f Filter) match(s *Session) bool {
	return (f.ID == "" || f.ID == s.ID) &&
		(f.Scope == accounts.Scope{} || f.Scope.Contains(s.Address)) &&
		(f.Protocol == "" || f.Protocol == s.Protocol) &&
		(!f.Remote.IsValid() || f.Remote.Unmap() == s.Client.Remote.Addr().Unmap())
}

// Sessions lists who is inside, the oldest first.
func (g *Gate) Sessions(f Filter) []SessionInfo {
	var list []SessionInfo
	for _, s := range g.matching(f) {
		s.mu.Lock()
		if s.state == inside {
			info := SessionInfo{
				ID: s.ID, Address: s.Address, Protocol: s.Protocol, Since: s.Since, Active: time.Unix(0, s.active.Load()),
				Remote: s.Client.Remote, Local: s.Client.Local, TLS: s.Client.encrypted(), ConnID: s.Client.ConnID,
				ClientName: s.clientName, Mailbox: s.mailbox,
			}
			if s.eviction != nil {
				info.Evicting = s.eviction.Reason
			}
			list = append(list, info)
		}
		s.mu.Unlock()
	}
	slices.SortFunc(list, func(a, b SessionInfo) int {
		if c := a.Since.Compare(b.Since); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	return list
}

// Count is the number of sessions, for a gauge.
func (g *Gate) Count() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.sessions)
}

// CountOf is the number of sessions of one protocol.
func (g *Gate) CountOf(p Protocol) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	n := 0
	for _, s := range g.sessions {
		if s.Protocol == p {
			n++
		}
	}
	return n
}

// Kick ends sessions at once and says how many. Their clients may come back.
func (g *Gate) Kick(f Filter, text string) int {
	n := 0
	for _, s := range g.matching(f) {
		if s.evict(Eviction{Reason: Kicked, Text: oneLine(text, 400), Now: true}) {
			n++
		}
	}
	return n
}

func (g *Gate) matching(f Filter) []*Session {
	g.mu.Lock()
	defer g.mu.Unlock()
	var list []*Session
	for _, s := range g.sessions {
		if f.match(s) {
			list = append(list, s)
		}
	}
	return list
}

// register puts an entering session on the list, if the limit allows.
func (g *Gate) register(s *Session, limited bool) *Refusal {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return refuse(Unavailable, "The server is stopping, try again later")
	}
	if limited && g.perPlace[s.place] >= g.opts.MaxPerAddress {
		return refuse(Limit, "Too many connections of this account from your address")
	}
	g.perPlace[s.place]++
	g.sessions[s.ID] = s
	return nil
}

func (g *Gate) forget(s *Session) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.sessions[s.ID] != s {
		return
	}
	delete(g.sessions, s.ID)
	if g.perPlace[s.place]--; g.perPlace[s.place] == 0 {
		delete(g.perPlace, s.place)
	}
}
