package locking

import (
	"cmp"
	"context"
	"hash/maphash"
	"slices"
	"sync"
	"time"
)

const (
	// shardCount spreads the keys so that commands of different accounts
	// rarely meet at one mutex.
	shardCount = 64
	// maxUnused is how many lines a shard keeps for the next keys.
	maxUnused = 16
)

// Queue is the manager for one process. It has a type of its own for backends
// that let their callers queue here before they compete with other processes.
type Queue struct {
	seed   maphash.Seed
	shards [shardCount]shard
}

type shard struct {
	// mu protects the fields below, and the lines and leases in them.
	mu      sync.Mutex
	closed  bool
	lines   map[Key]*line
	unused  *line
	nUnused int

	_ [24]byte // two shards never share a cache line
}

// NewQueue returns an empty Queue.
func NewQueue() *Queue {
	q := &Queue{seed: maphash.MakeSeed()}
	for i := range q.shards {
		q.shards[i].lines = make(map[Key]*line)
	}
	return q
}

func (q *Queue) shard(key Key) *shard {
	return &q.shards[maphash.String(q.seed, string(key))%shardCount]
}

// lineLocked finds the line of a key, or begins one.
func (sh *shard) lineLocked(key Key) *line {
	if n := sh.lines[key]; n != nil {
		return n
	}
	n := sh.unused
	if n == nil {
		n = new(line)
	} else {
		sh.unused = n.next
		sh.nUnused--
		n.next = nil
	}
	n.key = key
	sh.lines[key] = n
	return n
}

// dropLocked forgets a line if nobody is left in it.
func (sh *shard) dropLocked(n *line) {
	if n.holders.first != nil || n.waiters.first != nil {
		return
	}
	delete(sh.lines, n.key)
	n.key = ""
	if sh.nUnused < maxUnused {
		n.next = sh.unused
		sh.unused = n
		sh.nUnused++
	}
}

// begin grants the lease if it is free, or puts it in line if wait is set.
func (q *Queue) begin(key Key, mode Mode, who Holder, wait bool) (*queueLease, error) {
	who.Mode = mode
	l := &queueLease{shard: q.shard(key), key: key, holder: who}
	now := time.Now()

	sh := l.shard
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if sh.closed {
		return nil, ErrClosed
	}
	n := sh.lineLocked(key)
	if n.waiters.first == nil && n.fitsLocked(mode) {
		l.line = n
		n.grantLocked(l, now)
		return l, nil
	}
	if !wait {
		return nil, n.busyLocked(mode, nil)
	}
	l.line = n
	l.holder.Since = now
	l.ready = make(chan struct{})
	n.waiters.push(l)
	return l, nil
}

func (n *line) busyLocked(mode Mode, cause error) error {
	return &BusyError{Key: n.key, Mode: mode, Holders: n.holders.who(MaxBusyHolders), Cause: cause}
}

// Acquire: see Manager.
func (q *Queue) Acquire(ctx context.Context, key Key, mode Mode, who Holder) (Lease, error) {
	l, err := q.begin(key, mode, who, true)
	if err != nil {
		return nil, err
	}
	if l.ready == nil {
		return l, nil
	}
	select {
	case <-l.ready:
		return l.granted()
	case <-ctx.Done():
	}
	return l.giveUp(ctx.Err())
}

// granted is called when ready is closed: by a grant, or by Close.
func (l *queueLease) granted() (Lease, error) {
	l.shard.mu.Lock()
	defer l.shard.mu.Unlock()
	if l.state != held {
		return nil, ErrClosed
	}
	return l, nil
}

// giveUp leaves the line. If the grant was quicker, the lease is kept: its
// owner is here to release it.
func (l *queueLease) giveUp(cause error) (Lease, error) {
	sh := l.shard
	sh.mu.Lock()
	defer sh.mu.Unlock()
	switch l.state {
	case held:
		return l, nil
	case ended:
		return nil, ErrClosed
	}
	n := l.line
	err := n.busyLocked(l.holder.Mode, cause)
	l.state, l.line = ended, nil
	n.waiters.remove(l)
	n.advanceLocked() // those behind may fit, now that this one is gone
	sh.dropLocked(n)
	return nil, err
}

// TryAcquire: see Manager.
func (q *Queue) TryAcquire(key Key, mode Mode, who Holder) (Lease, error) {
	l, err := q.begin(key, mode, who, false)
	if err != nil {
		return nil, err
	}
	return l, nil
}

// Status tells what happens at one key.
func (q *Queue) Status(key Key) Status {
	sh := q.shard(key)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if n := sh.lines[key]; n != nil {
		return n.statusLocked()
	}
	return Status{Key: key}
}

func (n *line) statusLocked() Status {
	return Status{Key: n.key, Holders: n.holders.who(-1), Waiters: n.waiters.who(-1)}
}

// List: see Manager.
func (q *Queue) List(context.Context) ([]Status, error) {
	var all []Status
	for i := range q.shards {
		sh := &q.shards[i]
		sh.mu.Lock()
		for _, n := range sh.lines {
			all = append(all, n.statusLocked())
		}
		sh.mu.Unlock()
	}
	slices.SortFunc(all, func(a, b Status) int { return cmp.Compare(a.Key, b.Key) })
	return all, nil
}

// Nudge: see Manager.
func (q *Queue) Nudge(_ context.Context, key Key) error {
	sh := q.shard(key)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if n := sh.lines[key]; n != nil {
		if l := n.holders.first; l != nil && l.holder.Mode == Exclusive {
			l.Ask()
		}
	}
	return nil
}

// Break: see Manager.
func (q *Queue) Break(_ context.Context, key Key) error {
	sh := q.shard(key)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	n := sh.lines[key]
	if n == nil || n.holders.first == nil {
		return ErrNotHeld
	}
	for l := n.holders.first; l != nil; l = l.next {
		l.Lose()
	}
	return nil
}

// Held: see Manager.
func (q *Queue) Held(key Key) (Holder, bool) {
	sh := q.shard(key)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if n := sh.lines[key]; n != nil {
		if l := n.holders.first; l != nil && l.holder.Mode == Exclusive {
			return l.holder, true
		}
	}
	return Holder{}, false
}

// Close: see Manager.
func (q *Queue) Close() error {
	for i := range q.shards {
		q.shards[i].close()
	}
	return nil
}

func (sh *shard) close() {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if sh.closed {
		return
	}
	sh.closed = true
	for _, n := range sh.lines {
		for l := n.waiters.first; l != nil; l = n.waiters.first {
			n.waiters.remove(l)
			l.state, l.line = ended, nil
			close(l.ready)
		}
		for l := n.holders.first; l != nil; l = l.next {
			l.Lose()
		}
		sh.dropLocked(n)
	}
}
