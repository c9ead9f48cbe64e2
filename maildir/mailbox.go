package maildir

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"
	"weak"

	"bascule/internal/notify"
	"bascule/maildir/index"
)

// Mailbox is an open mailbox, one per process, shared by all its sessions. Its methods
// may be called from any goroutine.
type Mailbox struct {
	a *Account
	f *folder

	id       string
	folderID int64 // its row's, which never changes
	topic    notify.Topic
	current  atomic.Pointer[Snapshot]
	where    atomic.Pointer[whereabouts]
	gone     atomic.Bool
	delta    atomic.Pointer[knownDelta]             // the last one that Diff found
	free     atomic.Pointer[weak.Pointer[Snapshot]] // the last one of which QuietAbout said that it can be told

	refs int // a.mu

	fields *fieldTable // see fields.go

	watching
}

// whereabouts is what a rename changes, and the key of URLs.
type whereabouts struct {
	name, dir, urlKey string
}

func whereaboutsOf(row *index.Folder) *whereabouts {
	return &whereabouts{row.Name, row.Dir, row.URLKey}
}

// idleMailboxes is how many mailboxes that no session has open stay loaded per account.
const idleMailboxes = 4

// Mailbox opens a mailbox by its canonical name and looks for foreign changes. Close
// gives it back.
func (a *Account) Mailbox(ctx context.Context, name string) (*Mailbox, error) {
	m, err := a.Attach(ctx, name)
	if err != nil {
		return nil, err
	}
	if _, err := m.Look(ctx); err != nil {
		m.Close()
		return nil, err
	}
	return m, nil
}

// Look is Refresh for the beginning of a session. A folder whose directory is gone is
// ErrNoMailbox.
func (m *Mailbox) Look(ctx context.Context) (*Snapshot, error) {
	s, err := m.refresh(ctx, opening)
	if m.gone.Load() && !errors.Is(err, ErrReplaced) {
		err = fmt.Errorf("%w: %s", ErrNoMailbox, m.Name()) // its directory was not there any more
	}
	return s, err
}

// Attach is Mailbox for who calls Look himself before he believes the snapshot: it does not look
// at the directories.
func (a *Account) Attach(ctx context.Context, name string) (m *Mailbox, err error) {
	err = a.glance(ctx, func() error {
		if f := a.byName[name]; f != nil && f.box != nil {
			m = f.box
			m.refs++
			a.keepLoaded(m)
		}
		return nil
	})
	if m != nil || err != nil {
		return m, err
	}
	lacking := false
	err = a.readFolder(ctx, name, func(tx index.Tx, f *folder) error {
		if f.box == nil {
			s, err := f.load(tx)
			if err != nil {
				return err
			}
			if !f.mirror.known {
				records, whole, err := f.lacking(tx)
				lacking = err != nil || whole || len(records) > 0
			}
			f.box = &Mailbox{a: a, f: f, id: f.row.ObjectID, folderID: f.row.ID, topic: f.topic(), fields: newFieldTable(&a.store.fieldMemory)}
			f.box.current.Store(s)
			f.box.where.Store(whereaboutsOf(&f.row))
			f.keep()
		}
		m = f.box
		m.refs++
		a.keepLoaded(m)
		return nil
	})
	if err == nil && lacking {
		err = a.completeMirror(m.f)
		if err != nil {
			m.Close()
		}
	}
	return m, err
}

// completeMirror brings the list of UIDs in step with the index, where a crash kept
// somebody from doing so.
func (a *Account) completeMirror(f *folder) error {
	return a.write(context.Background(), func(w *writing) error {
		if f.gone {
			return nil
		}
		if err := f.completeMirror(w.Tx); err != nil {
			f.mirrorFailed(err)
		}
		return nil
	})
}

// keepLoaded takes m out of the list of those that may be unloaded. a.mu is held.
func (a *Account) keepLoaded(m *Mailbox) {
	a.idle = slices.DeleteFunc(a.idle, func(x *Mailbox) bool { return x == m })
}

// Close gives the mailbox back. It stays loaded while it is among the last that were
// used.
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
	a.idle = append(a.idle, m)
	if len(a.idle) > idleMailboxes {
		old := a.idle[0]
		a.idle = slices.Delete(a.idle, 0, 1)
		old.unwatch()
		old.f.keep()
		old.f.box, old.f.eyes = nil, nil
	}
}

// usable fails for a mailbox that was deleted, or given back and unloaded: its snapshot
// is not kept in step any more. a.mu is held.
func (m *Mailbox) usable() error {
	if m.gone.Load() {
		return ErrGone
	}
	if m.f.box != m {
		return ErrClosed
	}
	return nil
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
func (m *Mailbox) Refresh(ctx context.Context) (*Snapshot, error) { return m.refresh(ctx, asked) }

// occasion is why somebody looks for changes.
type occasion int

const (
	asked   occasion = iota // by a client
	opening                 // a session begins, which may make a full scan due
	nudged                  // something happened: what is only on its way may be waited for
)

// refresh looks for changes.
func (m *Mailbox) refresh(ctx context.Context, why occasion) (*Snapshot, error) {
	readNew, readCur := false, false
	err := m.a.glance(ctx, func() (err error) {
		if err := m.usable(); err != nil {
			return err
		}
		readNew, readCur, err = m.f.stale()
		if isMissing(err) {
			readNew, err = true, nil // the scan drops the folder
		}
		if why == opening && m.a.store.opts.Now().Sub(time.Unix(m.f.row.Scanned, 0)) > m.a.store.opts.FullScan {
			readCur = true
		}
		if why == nudged && m.onItsWay(readCur, m.f.seenCur) {
			readCur = false
			m.lookSoon()
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
		if err := m.usable(); err != nil {
			return err
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

// moved takes over a new name. a.mu is held.
func (m *Mailbox) moved(row *index.Folder) {
	if w := whereaboutsOf(row); *m.where.Load() != *w {
		m.where.Store(w)
	}
}
