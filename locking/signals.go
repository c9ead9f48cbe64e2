package locking

import "sync"

// Signals are the two channels of a lease, for managers to embed in theirs.
// Most leases end before anybody asks for a channel, so they are made on
// demand; what happened before is not forgotten. The zero value is ready.
type Signals struct {
	// mu protects the fields below.
	mu          sync.Mutex
	asked, lost chan struct{} // nil until wanted
	isAsked     bool          // and the channel is not there yet
	isLost      bool
}

// Asked is the channel for Lease.Asked.
func (s *Signals) Asked() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.asked == nil {
		s.asked = make(chan struct{}, 1)
		if s.isAsked {
			s.asked <- struct{}{}
		}
	}
	return s.asked
}

// Lost is the channel for Lease.Lost.
func (s *Signals) Lost() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lost == nil {
		s.lost = make(chan struct{})
		if s.isLost {
			close(s.lost)
		}
	}
	return s.lost
}

// Ask makes Asked receive. It never blocks; requests not yet received merge.
func (s *Signals) Ask() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.asked == nil {
		s.isAsked = true
		return
	}
	select {
	case s.asked <- struct{}{}:
	default:
	}
}

// Lose closes Lost. A second call does nothing.
func (s *Signals) Lose() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.isLost && s.lost != nil {
		close(s.lost)
	}
	s.isLost = true
}
