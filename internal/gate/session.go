package gate

import (
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"bascule/internal/accounts"
	"bascule/maildir"
)

// Session is somebody inside. The exported fields do not change.
type Session struct {
	ID       string // unique among all processes
	Address  accounts.Address
	Protocol Protocol
	Since    time.Time
	Client   *Client
	Account  *maildir.Account   // open until End
	Settings accounts.Effective // as they were at the login

	gate   *Gate
	place  place
	active atomic.Int64 // unix nanoseconds of the last sign of life

	// mu protects the fields below.
	mu         sync.Mutex
	state      sessionState
	clientName string
	mailbox    string
	eviction   *Eviction
	evicted    chan struct{}
	stopGrace  func() bool
}

type sessionState int

const (
	entering sessionState = iota // the rule is being read; nobody has the session yet
	inside
	ended
)

// place is what the limit of sessions counts by.
type place struct {
	account accounts.Address
	remote  netip.Addr
}

// SetClientName notes how the client calls itself (IMAP ID).
func (s *Session) SetClientName(name string) {
	name = oneLine(name, 128)
	s.mu.Lock()
	s.clientName = name
	s.mu.Unlock()
	if name != "" {
		s.gate.opts.Directory.Record(s.login(name))
	}
}

func (s *Session) login(client string) accounts.Login {
	return accounts.Login{Address: s.Address, Protocol: string(s.Protocol), At: s.Since, Remote: s.Client.Remote.Addr().Unmap().String(), Client: client}
}

// SetMailbox notes which mailbox the session has open, for the list of sessions.
func (s *Session) SetMailbox(name string) {
	s.mu.Lock()
	s.mailbox = name
	s.mu.Unlock()
}

// Active notes that the client did something.
func (s *Session) Active() { s.active.Store(s.gate.opts.Clock.Now().UnixNano()) }

// Evicted is closed when the session has to end at once.
func (s *Session) Evicted() <-chan struct{} { return s.evicted }

// Eviction is the last eviction of the session, with Now or before it, or false.
func (s *Session) Eviction() (Eviction, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.eviction == nil {
		return Eviction{}, false
	}
	return *s.eviction, true
}

// End closes the account and takes the session off the list. It may be called
// twice; Kick is not called after it (one that began before may still run).
func (s *Session) End() {
	s.mu.Lock()
	before := s.state
	s.state = ended
	stop := s.stopGrace
	s.stopGrace = nil
	s.mu.Unlock()
	if before == ended {
		return
	}
	if stop != nil {
		stop()
	}
	s.gate.forget(s)
	if s.Account != nil {
		s.Account.Close()
	}
}

// Turned is End for a session that never began, because another one has the mailbox:
// a lock refusal counts for nothing, so it costs no login of LOGIN-DELAY either.
func (s *Session) Turned() {
	if s.Protocol == POP3 {
		s.gate.delays.giveBack(s.Address)
	}
	s.End()
}

// enter hands the session out. It is false if it was evicted while the rule was
// being read: then the switch came between, and the login has to be refused.
func (s *Session) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.eviction != nil || s.state != entering {
		return false
	}
	s.state = inside
	return true
}

// evict tells the session to end. It is false if that is nothing new.
func (s *Session) evict(e Eviction) bool {
	s.mu.Lock()
	if s.state == ended || s.eviction != nil && (s.eviction.Now || !e.Now) {
		s.mu.Unlock()
		return false
	}
	s.eviction = &e
	if e.Now {
		close(s.evicted)
	} else {
		last := e
		last.Now = true
		s.stopGrace = s.gate.opts.Clock.AfterFunc(s.gate.opts.Grace, func() { s.evict(last) })
	}
	kick := s.state == inside && s.Client.Kick != nil
	s.mu.Unlock()
	if kick {
		s.Client.Kick(e)
	}
	return true
}

// oneLine makes what a client says of itself fit for logs and lists.
func oneLine(s string, most int) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "")
	}
	return s
}
