package maildir

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"bascule/maildir/disk"
)

// watching is who wants to hear of a mailbox's changes, and how they are noticed.
type watching struct {
	watchMu   sync.Mutex // protects the fields below; it may be taken after a.mu
	wakers    map[int]waker
	nextWaker int
	bus       func()   // ends the subscription
	dirs      []func() // end the watches of the directories
	dir       string   // the folder that they watch
	// seen: sessions have come since the removals that scans found were last marked as
	// told. It needs no lock.
	seen atomic.Bool

	// lookMu protects the fields below. It is not watchMu, because the bus calls look
	// with its own lock held.
	lookMu  sync.Mutex
	looking bool      // a goroutine looks for changes
	again   bool      // and shall look once more
	soon    bool      // a look will begin shortly
	later   bool      // a look that failed will be repeated
	waiting time.Time // since when changes are taken for commits on their way
}

// patience is how long a change in a directory is left alone before a look: most come
// from a delivery, perhaps in another process, whose commit follows in a moment and
// explains them. Without it every delivery would have the directory read.
const patience = 30 * time.Millisecond

// waker is how one session is told to look again.
type waker struct {
	call   func()
	inTurn bool // by a teller (see Attend), not by who made the change
}

// Watch calls wake whenever the mailbox may have changed: "look again". wake is called
// from any goroutine, with locks held: it must not block and not call the mailbox.
// While somebody watches, other processes' and foreign programs' changes are looked
// for at once.
func (m *Mailbox) Watch(wake func()) (cancel func()) { return m.watch(waker{call: wake}) }

// Attend is Watch for who tells the news itself: tell is called without locks, in a goroutine that
// calls those of other sessions of the mailbox before and after, so it may look at the mailbox but should
// not wait long for anything else. A call that was about to be made may come after cancel, and two at once.
func (m *Mailbox) Attend(tell func()) (cancel func()) { return m.watch(waker{tell, true}) }

func (m *Mailbox) watch(w waker) (cancel func()) {
	m.watchMu.Lock()
	defer m.watchMu.Unlock()
	if m.wakers == nil {
		m.wakers = map[int]waker{}
	}
	id := m.nextWaker
	m.nextWaker++
	m.wakers[id] = w
	m.seen.Store(true)
	if len(m.wakers) == 1 {
		m.bus = m.a.store.opts.Bus.Subscribe(m.topic, m.look)
		m.listen()
	}
	return func() {
		m.watchMu.Lock()
		defer m.watchMu.Unlock()
		delete(m.wakers, id)
		if len(m.wakers) == 0 {
			m.deafen()
		}
	}
}

// listen watches the directories. m.watchMu is held.
func (m *Mailbox) listen() {
	w := m.a.store.opts.Watcher
	m.dir = m.where.Load().dir
	if w == nil {
		return
	}
	for _, sub := range []disk.Sub{disk.New, disk.Cur} {
		m.dirs = append(m.dirs, w.Add(m.a.dir.Path(m.dir, sub), m.lookSoon))
	}
}

func (m *Mailbox) deafen() {
	if m.bus != nil {
		m.bus()
		m.bus = nil
	}
	m.deafenDirs()
}

func (m *Mailbox) deafenDirs() {
	for _, c := range m.dirs {
		c()
	}
	m.dirs = nil
}

// follow watches the directories under their new path after a rename: the kernel's
// watches are bound to the old path's name, which another folder may get.
func (m *Mailbox) follow() {
	m.watchMu.Lock()
	defer m.watchMu.Unlock()
	if len(m.wakers) > 0 && m.dir != m.where.Load().dir {
		m.deafenDirs()
		m.listen()
	}
}

// unwatch ends all watching, when the mailbox is unloaded.
func (m *Mailbox) unwatch() {
	m.watchMu.Lock()
	defer m.watchMu.Unlock()
	clear(m.wakers)
	m.deafen()
}

// bury wakes everybody for the last time, when the mailbox was deleted.
func (m *Mailbox) bury() {
	m.gone.Store(true)
	m.wake()
	m.watchMu.Lock()
	defer m.watchMu.Unlock()
	m.deafen()
}

// watched says whether a session of this process is to be told of changes.
func (m *Mailbox) watched() bool {
	m.watchMu.Lock()
	defer m.watchMu.Unlock()
	return len(m.wakers) > 0
}

// wake tells every session of this process to look again.
func (m *Mailbox) wake() {
	m.watchMu.Lock()
	defer m.watchMu.Unlock()
	var attending []func()
	for _, w := range m.wakers {
		if w.inTurn {
			attending = append(attending, w.call)
		} else {
			w.call()
		}
	}
	m.a.store.tellAll(attending)
}

// tellerShare is how many sessions are worth a teller of their own.
const tellerShare = 32

// tellAll calls every one of tell, in as few goroutines as keep the processors busy: their stacks have grown once, and
// not once for each session. Those of one mailbox wait for nobody else's.
func (s *Store) tellAll(tell []func()) {
	var next atomic.Int64
	teller := func() {
		for i := next.Add(1) - 1; i < int64(len(tell)); i = next.Add(1) - 1 {
			tell[i]()
		}
	}
	for range min(runtime.GOMAXPROCS(0), (len(tell)+tellerShare-1)/tellerShare) {
		s.background(teller) // if that is too late, the sessions end too
	}
}

// maxPatience bounds patience where deliveries follow each other without a pause.
const maxPatience = time.Second

// onItsWay says whether there is a change of cur/, at t, that no row explains yet and
// that is so young that its commit may follow.
func (m *Mailbox) onItsWay(changed bool, t int64) bool {
	m.lookMu.Lock()
	defer m.lookMu.Unlock()
	now := time.Now()
	if !changed || now.Sub(time.Unix(0, t)) > patience || !m.waiting.IsZero() && now.Sub(m.waiting) > maxPatience {
		m.waiting = time.Time{}
		return false
	}
	if m.waiting.IsZero() {
		m.waiting = now
	}
	return true
}

// lookSoon is look after some patience; calls that come meanwhile merge.
func (m *Mailbox) lookSoon() {
	m.lookMu.Lock()
	defer m.lookMu.Unlock()
	if m.soon {
		return
	}
	m.soon = true
	time.AfterFunc(patience, func() {
		m.lookMu.Lock()
		m.soon = false
		m.lookMu.Unlock()
		m.look()
	})
}

// look refreshes in the background; calls that come meanwhile merge into one more look.
func (m *Mailbox) look() {
	m.lookMu.Lock()
	defer m.lookMu.Unlock()
	if m.looking {
		m.again = true
		return
	}
	m.looking = m.a.store.background(m.lookUntilQuiet)
}

func (m *Mailbox) lookUntilQuiet() {
	for {
		before := m.current.Load()
		_, err := m.refresh(context.Background(), nudged)
		failed := err != nil && !errors.Is(err, ErrGone) && !errors.Is(err, ErrClosed)
		if failed {
			m.a.log.Error("mailbox could not be looked at", "folder", m.Name(), "err", err)
		}
		if before != m.current.Load() {
			m.wake()
		}
		if failed && m.watched() {
			m.lookLater()
		}
		m.lookMu.Lock()
		if !m.again || err != nil {
			m.looking, m.again = false, false
			m.lookMu.Unlock()
			return
		}
		m.again = false
		m.lookMu.Unlock()
	}
}

// lookAgain is when a look that failed is repeated: the index may have been closed, and no descriptor free to open it. Sessions in IDLE would
// hear of the news with the next ones only.
const lookAgain = time.Minute

// lookLater is look after that while; calls that come meanwhile merge.
func (m *Mailbox) lookLater() {
	m.lookMu.Lock()
	defer m.lookMu.Unlock()
	if m.later {
		return
	}
	m.later = true
	time.AfterFunc(m.a.store.lookAgain, func() {
		m.lookMu.Lock()
		m.later = false
		m.lookMu.Unlock()
		m.look()
	})
}
