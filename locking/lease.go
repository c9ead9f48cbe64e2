package locking

// leaseState is where a lease stands in its life.
type leaseState uint8

const (
	waiting leaseState = iota
	held
	ended // released, or given up while waiting
)

// queueLease is a Queue's lease, and a waiter before it becomes one.
type queueLease struct {
	Signals
	shard *shard
	key   Key
	ready chan struct{} // closed when granted or refused; nil if never waited

	// The fields below need the shard's lock. Once held, holder is not
	// changed any more and may be read without.
	holder     Holder
	state      leaseState
	line       *line
	prev, next *queueLease
}

func (l *queueLease) Key() Key       { return l.key }
func (l *queueLease) Mode() Mode     { return l.holder.Mode }
func (l *queueLease) Holder() Holder { return l.holder }

func (l *queueLease) Release() {
	sh := l.shard
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if l.state != held {
		return
	}
	l.state = ended
	n := l.line
	l.line = nil
	n.holders.remove(l)
	n.advanceLocked()
	sh.dropLocked(n)
}
