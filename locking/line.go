package locking

import "time"

// line is one key: who holds it, and who waits. A line that is empty is not
// kept. All of it needs the shard's lock.
type line struct {
	key     Key
	holders chain // all Shared, or one Exclusive
	waiters chain // in order of arrival
	next    *line // on the shard's list of unused lines
}

// fitsLocked reports whether a lease of this mode can be held beside what is
// held now.
func (n *line) fitsLocked(mode Mode) bool {
	first := n.holders.first
	return first == nil || mode == Shared && first.holder.Mode == Shared
}

// grantLocked makes a lease held.
func (n *line) grantLocked(l *queueLease, now time.Time) {
	l.holder.Since = now
	l.state = held
	n.holders.push(l)
}

// advanceLocked grants leases to those in front, as far as they fit. It is
// called whenever a holder or a waiter has left.
func (n *line) advanceLocked() {
	for {
		l := n.waiters.first
		if l == nil || !n.fitsLocked(l.holder.Mode) {
			return
		}
		n.waiters.remove(l)
		n.grantLocked(l, time.Now())
		close(l.ready)
	}
}

// chain is a list of leases that a lease can leave from the middle. A lease
// is in one chain at most.
type chain struct {
	first, last *queueLease
}

func (c *chain) push(l *queueLease) {
	l.prev, l.next = c.last, nil
	if c.last != nil {
		c.last.next = l
	} else {
		c.first = l
	}
	c.last = l
}

func (c *chain) remove(l *queueLease) {
	if l.prev != nil {
		l.prev.next = l.next
	} else {
		c.first = l.next
	}
	if l.next != nil {
		l.next.prev = l.prev
	} else {
		c.last = l.prev
	}
	l.prev, l.next = nil, nil
}

// who copies at most limit holders; limit < 0 means all.
func (c *chain) who(limit int) []Holder {
	var hs []Holder
	for l := c.first; l != nil && len(hs) != limit; l = l.next {
		hs = append(hs, l.holder)
	}
	return hs
}
