package acme

import (
	"encoding/json"
	"os"
	"path/filepath"
	"time"
)

// failure is the state of a name whose last attempts failed. It is kept in a file, so that several processes, and one that is restarted again
// and again, do not use up what the authority allows.
type failure struct {
	Count int       `json:"count"`
	Until time.Time `json:"until"` // no attempt before
	Error string    `json:"error"`
}

func (m *Manager) failureFile(name string) string { return filepath.Join(m.o.Dir, name+".failed") }

// failure is zero when all is well.
func (m *Manager) failure(name string) (f failure) {
	data, err := os.ReadFile(m.failureFile(name))
	if err != nil || json.Unmarshal(data, &f) != nil {
		return failure{}
	}
	return f
}

// failed notes a failure and says when the name is due again.
func (m *Manager) failed(name string, err error) time.Time {
	f := m.failure(name)
	wait := min(m.o.Retry<<min(f.Count, 16), maxRetry)
	f = failure{f.Count + 1, time.Now().Add(wait), err.Error()}
	data, _ := json.Marshal(f)
	if err := publish(m.failureFile(name), data); err != nil {
		m.o.Log.Error("the failure cannot be noted", "name", name, "err", err)
	}
	return f.Until
}

func (m *Manager) succeeded(name string) { os.Remove(m.failureFile(name)) }

// Failing is the number of names whose last attempt failed, in whichever process.
func (m *Manager) Failing() int {
	n := 0
	for _, name := range m.o.Names {
		if m.failure(name).Count > 0 {
			n++
		}
	}
	return n
}
