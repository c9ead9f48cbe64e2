package maildir

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"bascule/internal/notify"
	"bascule/maildir/disk"
	"bascule/maildir/index"
)

// Mailbox is an open mailbox, one per process, shared by all its sessions. Its methods
// may be called from any goroutine.
type Mailbox struct {
	a *Account
	f *folder

	id         string
	topic      notify.Topic
	current    atomic.Pointer[Snapshot]
	where      atomic.Pointer[whereabouts]
	gone       atomic.Bool
	publishing atomic.Bool // our own nudge is on its way to us

	refs int // a.mu

	watchMu   sync.Mutex // protects the fields below
	wakers    map[int]func()
	nextWaker int
	cancel    []func() // of the bus and of the directories

	// lookMu protects the fields below. It is not watchMu, because the bus calls look
	// with its own lock held.
	lookMu  sync.Mutex
	looking bool // a goroutine looks for changes
	again   bool // and shall look once more
}

// whereabouts is what a rename changes.
type whereabouts struct {
	name, dir string
}

// idleMailboxes is how many mailboxes that no session has open stay loaded per account.
const idleMailboxes = 4

// Mailbox opens a mailbox by its canonical name and looks for foreign changes. Close
// gives it back.
func (a *Account) Mailbox(ctx context.Context, name string) (*Mailbox, error) {
	m, err := a.attach(ctx, name)
	if err != nil {
		return nil, err
	}
	if _, err := m.refresh(ctx, true); err != nil {
		m.Close()
		return nil, err
	}
	return m, nil
}

// attach opens a mailbox without looking at its directories.
func (a *Account) attach(ctx context.Context, name string) (m *Mailbox, err error) {
	err = a.read(ctx, func(tx index.Tx) error {
		f := a.byName[name]
		if f == nil {
			return ErrNoMailbox
		}
		if f.box == nil {
			s, err := f.loadAll(tx)
			if err != nil {
				return err
			}
			if !f.mirror.known {
				if err := f.completeMirror(tx); err != nil {
					f.mirrorFailed(err)
				}
			}
			f.box = &Mailbox{a: a, f: f, id: f.row.ObjectID, topic: f.topic()}
			f.box.current.Store(s)
			f.box.where.Store(&whereabouts{f.row.Name, f.row.Dir})
		}
		f.box.refs++
		m = f.box
		return nil
	})
	return m, err
}

// Close gives the mailbox back.
func (m *Mailbox) Close() {
	a := m.a
	a.mu.Lock()
	defer a.mu.Unlock()
	if m.refs--; m.refs > 0 {
		return
	}
	if m.gone.Load() {
		m.unwatch()
		return
	}
	loaded := 0
	for _, f := range a.byID {
		if f.box != nil && f.box.refs == 0 {
			loaded++
		}
	}
	if loaded > idleMailboxes {
		m.unwatch()
		m.f.box = nil
	}
}

// Account is whose mailbox it is.
func (m *Mailbox) Account() *Account { return m.a }

// Name is the mailbox's present canonical name; a rename changes it.
func (m *Mailbox) Name() string { return m.where.Load().name }

// ID is its MAILBOXID (RFC 8474), which a rename does not change.
func (m *Mailbox) ID() string { return m.id }

// Deleted says that the mailbox was deleted while it was open.
func (m *Mailbox) Deleted() bool { return m.gone.Load() }

// Snapshot is the newest state that this process knows; it costs an atomic load.
func (m *Mailbox) Snapshot() *Snapshot { return m.current.Load() }

// Refresh also looks for what other processes and foreign programs have changed. It is
// cheap if nothing was: one small query and two stats.
func (m *Mailbox) Refresh(ctx context.Context) (*Snapshot, error) { return m.refresh(ctx, false) }

// refresh looks for changes; opening says that a session begins, which may make a full
// scan due.
func (m *Mailbox) refresh(ctx context.Context, opening bool) (*Snapshot, error) {
	readNew, readCur := false, false
	err := m.a.read(ctx, func(index.Tx) (err error) {
		if m.gone.Load() {
			return ErrGone
		}
		readNew, readCur, err = m.f.stale()
		if isMissing(err) {
			readNew, err = true, nil // the scan drops the folder
		}
		if opening && m.a.store.opts.Now().Sub(time.Unix(m.f.row.Scanned, 0)) > m.a.store.opts.FullScan {
			readCur = true
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if readNew || readCur {
		if err := m.scan(ctx, readCur); err != nil {
			return nil, err
		}
	}
	return m.current.Load(), nil
}

func (m *Mailbox) scan(ctx context.Context, readCur bool) error {
	return m.a.write(ctx, func(w *writing) error {
		if m.gone.Load() {
			return ErrGone
		}
		return w.scan(m.f, readCur)
	})
}

// Rescan reads every name in the mailbox's directories, whatever their times tell.
func (m *Mailbox) Rescan(ctx context.Context) error {
	if err := m.scan(ctx, true); err != nil {
		return err
	}
	m.a.mu.Lock()
	again := m.f.scanSoon
	m.a.mu.Unlock()
	if again {
		return m.scan(ctx, true)
	}
	return nil
}

// Watch calls wake whenever the mailbox may have changed: "look again". wake is called
// from any goroutine, with locks held: it must not block and not call the mailbox.
// While somebody watches, other processes' and foreign programs' changes are looked
// for at once.
func (m *Mailbox) Watch(wake func()) (cancel func()) {
	m.watchMu.Lock()
	defer m.watchMu.Unlock()
	if m.wakers == nil {
		m.wakers = map[int]func(){}
	}
	id := m.nextWaker
	m.nextWaker++
	m.wakers[id] = wake
	if len(m.wakers) == 1 {
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

// listen subscribes to the bus and the directories. m.watchMu is held.
func (m *Mailbox) listen() {
	opts := &m.a.store.opts
	m.cancel = append(m.cancel, opts.Bus.Subscribe(m.topic, func() {
		if !m.publishing.Load() {
			m.look()
		}
	}))
	if opts.Watcher == nil {
		return
	}
	for _, sub := range []disk.Sub{disk.New, disk.Cur} {
		m.cancel = append(m.cancel, opts.Watcher.Add(m.a.dir.Path(m.where.Load().dir, sub), m.look))
	}
}

func (m *Mailbox) deafen() {
	for _, c := range m.cancel {
		c()
	}
	m.cancel = nil
}

// unwatch ends all watching, when the mailbox is unloaded.
func (m *Mailbox) unwatch() {
	m.watchMu.Lock()
	defer m.watchMu.Unlock()
	clear(m.wakers)
	m.deafen()
}

func (m *Mailbox) watchers() map[int]func() {
	m.watchMu.Lock()
	defer m.watchMu.Unlock()
	return m.wakers
}

// wake tells every session of this process to look again.
func (m *Mailbox) wake() {
	m.watchMu.Lock()
	defer m.watchMu.Unlock()
	for _, w := range m.wakers {
		w()
	}
}

// look refreshes in the background; calls that come meanwhile merge into one more look.
func (m *Mailbox) look() {
	m.lookMu.Lock()
	defer m.lookMu.Unlock()
	if m.looking {
		m.again = true
		return
	}
	m.looking = true
	go m.lookUntilQuiet()
}

func (m *Mailbox) lookUntilQuiet() {
	for {
		before := m.current.Load()
		if _, err := m.Refresh(context.Background()); err != nil && !errors.Is(err, ErrGone) && !errors.Is(err, ErrClosed) {
			m.a.log.Error("mailbox could not be looked at", "folder", m.Name(), "err", err)
		}
		if before != m.current.Load() {
			m.wake()
		}
		m.lookMu.Lock()
		if !m.again {
			m.looking = false
			m.lookMu.Unlock()
			return
		}
		m.again = false
		m.lookMu.Unlock()
	}
}

// moved takes over a new name. a.mu is held.
func (m *Mailbox) moved(row *index.Folder) {
	if w := m.where.Load(); w.name != row.Name || w.dir != row.Dir {
		m.where.Store(&whereabouts{row.Name, row.Dir})
	}
}
