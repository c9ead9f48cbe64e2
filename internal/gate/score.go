package gate

import (
	"math"
	"time"
)

// score counts failures and forgets them: half of them after each half-life.
type score struct {
	points float64
	at     time.Time
	next   time.Time // when the next attempt in the queue may be served
}

func (s *score) now(now time.Time, halfLife time.Duration) float64 {
	if dt := now.Sub(s.at); dt > 0 {
		s.points *= math.Exp2(-float64(dt) / float64(halfLife))
		s.at = now
	}
	return s.points
}

// scores is a bounded table of them.
type scores[K comparable] struct {
	most  int
	table map[K]*score
}

func (t *scores[K]) points(k K, now time.Time, halfLife time.Duration) float64 {
	s := t.table[k]
	if s == nil {
		return 0
	}
	p := s.now(now, halfLife)
	if p < 0.1 && !s.next.After(now) {
		delete(t.table, k)
		return 0
	}
	return p
}

// add adds a failure. If the table is full, the least of a few others goes: a
// stranger with many addresses can push out harmless entries, not the worst.
func (t *scores[K]) add(k K, now time.Time, halfLife time.Duration) {
	s := t.table[k]
	if s == nil {
		if len(t.table) >= t.most {
			t.drop(now, halfLife)
		}
		s = &score{at: now}
		t.table[k] = s
	}
	s.points = s.now(now, halfLife) + 1
}

func (t *scores[K]) drop(now time.Time, halfLife time.Duration) {
	var least K
	lowest, seen := math.Inf(1), 0
	for k, s := range t.table {
		if p := s.now(now, halfLife); p < lowest {
			least, lowest = k, p
		}
		if seen++; seen == 16 {
			break
		}
	}
	delete(t.table, least)
}
