package peers

import (
	"time"

	"golang.org/x/sys/unix"
)

const (
	frameVersion = 1
	frameHead    = 2 // version and kind

	kindMessage = 'm'
	kindMissed  = 'x'
	kindHello   = 'h'

	// maxWaiting bounds the messages kept for a receiver that is full.
	maxWaiting = 256

	firstRetry = time.Millisecond
	lastRetry  = 250 * time.Millisecond
)

// missedFrame tells a receiver that messages for it were dropped.
var missedFrame = []byte{frameVersion, kindMissed}

// Send gives msg to every other process. It returns at once: it costs one
// system call and one more for each process. Equal messages that a full
// receiver has not taken yet are merged.
func (p *Post) Send(msg []byte) {
	if len(msg) > MaxMessage {
		p.send(kindMissed, nil)
		return
	}
	p.send(kindMessage, msg)
}

func (p *Post) send(kind byte, msg []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return
	}
	if err := p.roster.refresh(p.home, p.name); err != nil {
		p.log.Warn("reading the list of peers failed", "error", err)
	}
	p.frame = append(append(p.frame[:0], frameVersion, kind), msg...)
	for _, to := range p.roster.peers {
		if to.behind() || !p.pushLocked(to, p.frame) {
			p.keepLocked(to, kind, p.frame)
		}
	}
}

// pushLocked hands a frame to a receiver and reports whether that is settled:
// delivered, or the receiver is gone.
func (p *Post) pushLocked(to *peer, frame []byte) bool {
	for {
		err := unix.Sendto(p.out, frame, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, &to.addr)
		switch err {
		case nil:
			p.sent.Add(1)
			return true
		case unix.EINTR:
			continue
		case unix.EAGAIN, unix.ENOBUFS, unix.ENOMEM:
			return false
		case unix.ECONNREFUSED, unix.ENOENT:
			// Nobody listens on this name, and nobody ever will again.
			p.roster.bury(p.home, to)
			return true
		default:
			// The operator's matter (no permission, for example). Dropping
			// the receiver would hide it; counting it shows in the metrics.
			p.log.Warn("sending to a peer failed", "peer", to.name, "error", err)
			p.dropped.Add(1)
			return true
		}
	}
}

// keepLocked keeps a frame for a receiver that is full.
func (p *Post) keepLocked(to *peer, kind byte, frame []byte) {
	switch {
	case kind == kindHello:
		return // it reads the directory again by itself
	case kind == kindMissed || len(to.waiting) >= maxWaiting:
		p.dropped.Add(uint64(len(to.waiting)) + 1)
		to.missed, to.waiting = true, nil
	case to.missed:
		p.dropped.Add(1)
	default:
		if to.waiting == nil {
			to.waiting = make(map[string]struct{})
		}
		to.waiting[string(frame)] = struct{}{}
	}
	if !p.flushing {
		p.flushing = true
		p.wg.Add(1)
		go p.flush()
	}
}

// flush delivers what is kept, until nothing is. A receiver's queue cannot be
// waited for from a socket that serves many, so it looks again and again, ever
// more rarely.
func (p *Post) flush() {
	defer p.wg.Done()
	wait := firstRetry
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for {
		select {
		case <-p.done:
			return
		case <-timer.C:
		}
		moved, left := p.flushOnce()
		if !left {
			return
		}
		if moved {
			wait = firstRetry
		} else {
			wait = min(2*wait, lastRetry)
		}
		timer.Reset(wait)
	}
}

// flushOnce reports whether anything went out and whether anything is left.
// If nothing is left, the flusher has to end.
func (p *Post) flushOnce() (moved, left bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return false, false
	}
	for _, to := range p.roster.peers {
		for frame := range to.waiting {
			if !p.pushLocked(to, []byte(frame)) {
				break
			}
			delete(to.waiting, frame)
			moved = true
		}
		if to.missed && p.pushLocked(to, missedFrame) {
			to.missed = false
			moved = true
		}
		if p.roster.peers[to.name] == to && to.behind() {
			left = true
		}
	}
	p.flushing = left
	return moved, left
}
