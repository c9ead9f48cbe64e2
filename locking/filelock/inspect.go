package filelock

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"bascule/locking"
)

// askForRefusal bounds how long a refusal is held up to find out who was in
// the way.
const askForRefusal = 200 * time.Millisecond

// ask puts a question to all other processes.
func (m *Manager) ask(ctx context.Context, q question) ([]answer, error) {
	b, err := json.Marshal(q)
	if err != nil {
		return nil, err
	}
	replies, err := m.post.AskAll(ctx, b)
	errs := []error{err}
	var as []answer
	for name, r := range replies {
		a, err := parseAnswer(r)
		if err != nil {
			errs = append(errs, fmt.Errorf("filelock: answer of %s: %w", name, err))
			continue
		}
		as = append(as, a)
	}
	return as, errors.Join(errs...)
}

// listHere lists this process's leases and waiters.
func (m *Manager) listHere() []keyStatus {
	byKey := make(map[locking.Key]*keyStatus)
	var order []locking.Key
	get := func(k locking.Key) *keyStatus {
		s := byKey[k]
		if s == nil {
			s = &keyStatus{Key: []byte(k)}
			byKey[k] = s
			order = append(order, k)
		}
		return s
	}
	for i := range m.shards {
		sh := &m.shards[i]
		sh.mu.Lock()
		for k, s := range sh.seats {
			if s.first != nil || len(s.pending) > 0 {
				st := get(k)
				st.Holders, st.Waiters = s.holders(-1), s.waiters()
			}
		}
		sh.mu.Unlock()
	}
	// What the in-process queue calls holders is seated, pending, or about to
	// be one of these.
	queued, _ := m.queue.List(context.Background())
	for _, q := range queued {
		if len(q.Waiters) > 0 {
			st := get(q.Key)
			st.Waiters = append(st.Waiters, q.Waiters...)
		}
	}
	list := make([]keyStatus, 0, len(order))
	for _, k := range order {
		list = append(list, *byKey[k])
	}
	return list
}

// List: see locking.Manager.
func (m *Manager) List(ctx context.Context) ([]locking.Status, error) {
	answers, err := m.ask(ctx, question{Do: "list"})
	byKey := make(map[locking.Key]*locking.Status)
	add := func(keys []keyStatus) {
		for _, k := range keys {
			s := byKey[locking.Key(k.Key)]
			if s == nil {
				s = &locking.Status{Key: locking.Key(k.Key)}
				byKey[s.Key] = s
			}
			s.Holders = append(s.Holders, k.Holders...)
			s.Waiters = append(s.Waiters, k.Waiters...)
		}
	}
	add(m.listHere())
	for _, a := range answers {
		add(a.Keys)
	}
	if err != nil {
		// Some process hangs. What it holds alone stands in its side files.
		for _, r := range m.readRecords() {
			if s := byKey[locking.Key(r.Key)]; s == nil || len(s.Holders) == 0 {
				add([]keyStatus{{Key: r.Key, Holders: []locking.Holder{r.Holder}}})
			}
		}
	}
	all := make([]locking.Status, 0, len(byKey))
	for _, s := range byKey {
		slices.SortStableFunc(s.Holders, bySince)
		slices.SortStableFunc(s.Waiters, bySince)
		all = append(all, *s)
	}
	slices.SortFunc(all, func(a, b locking.Status) int { return cmp.Compare(a.Key, b.Key) })
	return all, err
}

func bySince(a, b locking.Holder) int { return a.Since.Compare(b.Since) }

// holdersHere lists who is seated in this process.
func (m *Manager) holdersHere(key locking.Key) []locking.Holder {
	sh := m.shardOf(key)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if s := sh.seats[key]; s != nil {
		return s.holders(locking.MaxBusyHolders)
	}
	return nil
}

// holders lists who holds a key, for a refusal. Those that hold it together
// with others have written nothing down, nor has who has just come; they are
// asked for if there is time.
func (m *Manager) holders(key locking.Key, ask bool) []locking.Holder {
	h, held := m.Held(key)
	if held && !h.Since.IsZero() {
		return []locking.Holder{h}
	}
	hs := m.holdersHere(key)
	if ask {
		ctx, cancel := context.WithTimeout(context.Background(), askForRefusal)
		defer cancel()
		answers, err := m.ask(ctx, question{Do: "holders", Key: []byte(key)})
		if err != nil {
			m.log.Debug("not every process said whether it holds a lock", "error", err)
		}
		for _, a := range answers {
			for _, k := range a.Keys {
				hs = append(hs, k.Holders...)
			}
		}
	}
	if held && len(hs) == 0 {
		return []locking.Holder{h} // all that is known: somebody
	}
	slices.SortStableFunc(hs, bySince)
	return hs[:min(len(hs), locking.MaxBusyHolders)]
}

// Held: see locking.Manager. It costs one system call if nobody holds the key
// exclusively.
func (m *Manager) Held(key locking.Key) (locking.Holder, bool) {
	if !m.begin() {
		return locking.Holder{}, false
	}
	defer m.end()
	p := placeOf(key)
	sh := &m.shards[p.file()]
	sh.mu.Lock()
	if s := sh.seats[key]; s != nil && s.first != nil {
		h := s.first.holder
		sh.mu.Unlock()
		if h.Mode != locking.Exclusive {
			return locking.Holder{}, false
		}
		return h, true
	}
	f, err := sh.openLocked()
	sh.mu.Unlock()
	if err != nil {
		m.log.Warn("looking at a lock failed", "error", err)
		return locking.Holder{}, false
	}
	taken, err := f.against(locking.Shared, p.lock(), 1)
	if err != nil || !taken {
		return locking.Holder{}, false
	}
	unknown := locking.Holder{Mode: locking.Exclusive}
	if written, err := f.against(locking.Shared, p.record(), 1); err != nil || !written {
		return unknown, true
	}
	r, ok := m.readRecord(p.sideFile())
	if !ok {
		return unknown, true
	}
	return r.Holder, true
}

// Nudge: see locking.Manager.
func (m *Manager) Nudge(_ context.Context, key locking.Key) error {
	if !m.begin() {
		return locking.ErrClosed
	}
	defer m.end()
	if !m.nudgeHere(key) {
		m.tell(newsNudge, key)
	}
	return nil
}

// nudgeHere asks the holder of an exclusive lease, if it is in this process.
func (m *Manager) nudgeHere(key locking.Key) bool {
	sh := m.shardOf(key)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	s := sh.seats[key]
	if s == nil || s.first == nil || s.first.holder.Mode != locking.Exclusive {
		return false
	}
	s.first.Ask()
	return true
}

// Break: see locking.Manager.
func (m *Manager) Break(ctx context.Context, key locking.Key) error {
	if !m.begin() {
		return locking.ErrClosed
	}
	defer m.end()
	told := m.breakHere(key)
	answers, err := m.ask(ctx, question{Do: "break", Key: []byte(key)})
	for _, a := range answers {
		told += a.Count
	}
	if err != nil {
		return fmt.Errorf("filelock: break: %w", err)
	}
	if told == 0 {
		return locking.ErrNotHeld
	}
	return nil
}

// breakHere tells the holders in this process and counts them.
func (m *Manager) breakHere(key locking.Key) int {
	sh := m.shardOf(key)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	n := 0
	if s := sh.seats[key]; s != nil {
		for l := s.first; l != nil; l = l.next {
			l.Lose()
			n++
		}
	}
	return n
}
