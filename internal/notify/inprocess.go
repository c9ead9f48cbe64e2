package notify

import (
	"hash/maphash"
	"sync"
	"sync/atomic"
)

const shardCount = 32

// inProcess is the bus within one process.
type inProcess struct {
	seed             maphash.Seed
	shards           [shardCount]shard
	closed           atomic.Bool
	published, woken atomic.Uint64
}

// shard has the topics of one part of the hash.
type shard struct {
	// mu protects topics and what they hold. It is not held while wake
	// functions run.
	mu     sync.Mutex
	topics map[Topic]*audience
}

// audience is the subscribers of one topic. Publish needs a list that stays as
// it is while it goes through it; that list is made when it is needed, so that
// many subscriptions in a row cost one copy and not one each.
type audience struct {
	subs map[*subscription]struct{}
	list []*subscription // nil if subs has changed since
}

type subscription struct {
	wake func()
	off  atomic.Bool
}

// NewInProcess returns a bus for one process.
func NewInProcess() Bus { return newInProcess() }

func newInProcess() *inProcess {
	b := &inProcess{seed: maphash.MakeSeed()}
	for i := range b.shards {
		b.shards[i].topics = make(map[Topic]*audience)
	}
	return b
}

func (b *inProcess) shard(t Topic) *shard {
	return &b.shards[maphash.String(b.seed, string(t))%shardCount]
}

// Publish: see Bus.
func (b *inProcess) Publish(t Topic) {
	b.published.Add(1)
	b.wake(t)
}

func (b *inProcess) wake(t Topic) {
	sh := b.shard(t)
	sh.mu.Lock()
	var list []*subscription
	if a := sh.topics[t]; a != nil {
		list = a.listLocked()
	}
	sh.mu.Unlock()
	b.call(list)
}

// wakeAll calls every subscriber of every topic.
func (b *inProcess) wakeAll() {
	for i := range b.shards {
		sh := &b.shards[i]
		var all []*subscription
		sh.mu.Lock()
		for _, a := range sh.topics {
			all = append(all, a.listLocked()...)
		}
		sh.mu.Unlock()
		b.call(all)
	}
}

func (b *inProcess) call(list []*subscription) {
	for _, s := range list {
		if !s.off.Load() {
			b.woken.Add(1)
			s.wake()
		}
	}
}

// listLocked returns a list that is never changed.
func (a *audience) listLocked() []*subscription {
	if a.list == nil {
		a.list = make([]*subscription, 0, len(a.subs))
		for s := range a.subs {
			a.list = append(a.list, s)
		}
	}
	return a.list
}

// Subscribe: see Bus.
func (b *inProcess) Subscribe(t Topic, wake func()) (cancel func()) {
	s := &subscription{wake: wake}
	sh := b.shard(t)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if b.closed.Load() {
		return func() {}
	}
	a := sh.topics[t]
	if a == nil {
		a = &audience{subs: make(map[*subscription]struct{}, 1)}
		sh.topics[t] = a
	}
	a.subs[s] = struct{}{}
	a.list = nil
	return func() { sh.cancel(t, s) }
}

func (sh *shard) cancel(t Topic, s *subscription) {
	if s.off.Swap(true) {
		return
	}
	sh.mu.Lock()
	defer sh.mu.Unlock()
	a := sh.topics[t]
	if a == nil {
		return // closed
	}
	delete(a.subs, s)
	a.list = nil
	if len(a.subs) == 0 {
		delete(sh.topics, t)
	}
}

// Close: see Bus.
func (b *inProcess) Close() error {
	b.closed.Store(true)
	for i := range b.shards {
		sh := &b.shards[i]
		sh.mu.Lock()
		for t, a := range sh.topics {
			for s := range a.subs {
				s.off.Store(true)
			}
			delete(sh.topics, t)
		}
		sh.mu.Unlock()
	}
	return nil
}

// Stats: see Counter.
func (b *inProcess) Stats() Stats {
	return Stats{Published: b.published.Load(), Woken: b.woken.Load()}
}
