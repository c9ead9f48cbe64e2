package filelock

import (
	"encoding/json"
	"errors"

	"bascule/locking"
)

// News are messages that may get lost: a kind byte and the key.
const (
	newsFree  = 'f' // a lock was released, or a waiter left the line
	newsNudge = 'n' // somebody would like an exclusive lease to end
)

// tell sends news to the other processes. For a key that is too long they are
// told that they missed something, which makes every waiter look.
func (m *Manager) tell(kind byte, key locking.Key) {
	b := make([]byte, 0, 1+len(key))
	m.post.Send(append(append(b, kind), key...))
}

// hear acts on news of another process.
func (m *Manager) hear(msg []byte) {
	if len(msg) == 0 {
		return
	}
	key := locking.Key(msg[1:])
	switch msg[0] {
	case newsFree:
		sh := m.shardOf(key)
		sh.mu.Lock()
		if s := sh.seats[key]; s != nil {
			s.wakeFirst()
		}
		sh.mu.Unlock()
	case newsNudge:
		m.nudgeHere(key)
	}
}

// wakeAll makes every waiter look: news were lost.
func (m *Manager) wakeAll() {
	for i := range m.shards {
		sh := &m.shards[i]
		sh.mu.Lock()
		for _, s := range sh.seats {
			s.wakeFirst()
		}
		sh.mu.Unlock()
	}
}

func (m *Manager) shardOf(key locking.Key) *shard {
	p := placeOf(key)
	return &m.shards[p.file()]
}

// question is what one process asks the others, as JSON. Keys are bytes,
// because JSON would change those that are not text.
type question struct {
	Do  string `json:"do"`            // "list", "holders" or "break"
	Key []byte `json:"key,omitempty"` // not for "list"
}

type answer struct {
	Keys  []keyStatus `json:"keys,omitempty"`  // to "list" and "holders"
	Count int         `json:"count,omitempty"` // to "break": leases told
	Error string      `json:"error,omitempty"`
}

type keyStatus struct {
	Key     []byte           `json:"key"`
	Holders []locking.Holder `json:"holders,omitempty"`
	Waiters []locking.Holder `json:"waiters,omitempty"`
}

// answer answers another process.
func (m *Manager) answer(b []byte) []byte {
	var q question
	var a answer
	if err := json.Unmarshal(b, &q); err != nil {
		a.Error = "malformed question"
	} else {
		switch q.Do {
		case "list":
			a.Keys = m.listHere()
		case "holders":
			if hs := m.holdersHere(locking.Key(q.Key)); len(hs) > 0 {
				a.Keys = []keyStatus{{Key: q.Key, Holders: hs}}
			}
		case "break":
			a.Count = m.breakHere(locking.Key(q.Key))
		default:
			a.Error = "unknown question"
		}
	}
	out, err := json.Marshal(a)
	if err != nil {
		return []byte(`{"error":"the answer cannot be written"}`)
	}
	return out
}

// parseAnswer reads what another process answered.
func parseAnswer(b []byte) (answer, error) {
	var a answer
	if err := json.Unmarshal(b, &a); err != nil {
		return answer{}, err
	}
	if a.Error != "" {
		return answer{}, errors.New(a.Error)
	}
	return a, nil
}
