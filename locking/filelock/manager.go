package filelock

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"bascule/internal/peers"
	"bascule/locking"
)

// Options are what New can be told. The zero value is good.
type Options struct {
	// Process is put into Holder.Process where the caller left that empty.
	Process string
	// Log gets what an operator should know. nil: nothing is logged.
	Log *slog.Logger
}

// errGaveUp says that a lease was not to be had in time.
var errGaveUp = errors.New("filelock: not to be had in time")

// Manager is the locking.Manager over a directory.
type Manager struct {
	dir     string
	process string
	log     *slog.Logger
	queue   *locking.Queue
	post    *peers.Post

	recordDelay time.Duration // how long a lease lasts before it is announced

	shards [lockFiles]shard

	// users counts leases, and calls that are about to get one. Lock files
	// are closed when the manager is closed and nobody is left, whichever
	// comes later.
	users  atomic.Int64
	closed atomic.Bool
	done   chan struct{} // closed by Close
	ending sync.Once
}

// New returns a manager over dir, which is created if missing (mode 0700).
// All processes that are given the same directory exclude each other. It must
// be on a local file system, not shared with other hosts.
func New(dir string, opt Options) (locking.Manager, error) {
	m, err := open(dir, opt)
	if err != nil {
		return nil, fmt.Errorf("filelock: open %s: %w", dir, err)
	}
	return m, nil
}

func open(dir string, opt Options) (*Manager, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	for _, sub := range []string{"locks", "held"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o700); err != nil {
			return nil, err
		}
	}
	m := &Manager{
		dir: dir, process: opt.Process, log: opt.Log,
		queue: locking.NewQueue(), done: make(chan struct{}),
		recordDelay: recordDelay,
	}
	if m.log == nil {
		m.log = slog.New(slog.DiscardHandler)
	}
	for i := range m.shards {
		m.shards[i].path = filepath.Join(dir, "locks", fmt.Sprintf("%02x", i))
		m.shards[i].seats = make(map[locking.Key]*seat)
	}
	// A file system without these locks is better noticed now than at the
	// first login.
	if err := m.probe(); err != nil {
		return nil, err
	}
	m.post, err = peers.Join(filepath.Join(dir, "peers"), peers.Options{
		Receive: m.hear, Missed: m.wakeAll, Answer: m.answer, Log: m.log,
	})
	if err != nil {
		return nil, err
	}
	return m, nil
}

func (m *Manager) probe() error {
	f, err := openLockFile(m.shards[0].path)
	if err != nil {
		return err
	}
	defer f.f.Close()
	_, err = f.against(locking.Exclusive, 0, 1)
	return err
}

// begin and end surround everything that needs the lock files.
func (m *Manager) begin() bool {
	m.users.Add(1)
	if m.closed.Load() {
		m.end()
		return false
	}
	return true
}

func (m *Manager) end() {
	if m.users.Add(-1) == 0 && m.closed.Load() {
		m.closeFiles()
	}
}

func (m *Manager) closeFiles() {
	m.ending.Do(func() {
		for i := range m.shards {
			sh := &m.shards[i]
			sh.mu.Lock()
			if sh.file != nil {
				sh.file.f.Close()
			}
			sh.mu.Unlock()
		}
	})
}

// Acquire: see locking.Manager.
func (m *Manager) Acquire(ctx context.Context, key locking.Key, mode locking.Mode, who locking.Holder) (locking.Lease, error) {
	if !m.begin() {
		return nil, locking.ErrClosed
	}
	inner, err := m.queue.Acquire(ctx, key, mode, m.named(who))
	if err != nil {
		defer m.end()
		return nil, m.refusal(err, key, mode, ctx.Err(), true)
	}
	return m.acquire(ctx, inner, ctx.Err)
}

// TryAcquire: see locking.Manager.
func (m *Manager) TryAcquire(key locking.Key, mode locking.Mode, who locking.Holder) (locking.Lease, error) {
	if !m.begin() {
		return nil, locking.ErrClosed
	}
	inner, err := m.queue.TryAcquire(key, mode, m.named(who))
	if err != nil {
		defer m.end()
		return nil, m.refusal(err, key, mode, nil, false)
	}
	return m.acquire(nil, inner, func() error { return nil })
}

// named fills in the process, and bounds what will be written to a file.
func (m *Manager) named(who locking.Holder) locking.Holder {
	if who.Process == "" {
		who.Process = m.process
	}
	return bounded(who)
}

// acquire goes on from this process's queue to the other processes. A nil ctx
// does not wait.
func (m *Manager) acquire(ctx context.Context, inner locking.Lease, cause func() error) (locking.Lease, error) {
	key, holder := inner.Key(), inner.Holder()
	l := &lease{m: m, inner: inner, holder: holder}
	p := placeOf(key)
	l.shard = &m.shards[p.file()]
	if err := l.settle(ctx, &p); err != nil {
		inner.Release()
		defer m.end()
		return nil, m.refusal(err, key, holder.Mode, cause(), ctx != nil)
	}
	if holder.Mode == locking.Exclusive {
		l.announceLater(m.recordDelay)
	}
	if m.closed.Load() {
		// Close may have looked for leases to end before this one was seated.
		l.Lose()
	}
	return l, nil
}

// refusal turns a failure into the error of the contract. The holders are the
// ones seated in any process, which are not all that the in-process queue
// takes for holders. ask allows for the time to ask other processes.
func (m *Manager) refusal(err error, key locking.Key, mode locking.Mode, cause error, ask bool) error {
	if !errors.Is(err, errGaveUp) && !errors.Is(err, locking.ErrBusy) {
		return err
	}
	return &locking.BusyError{Key: key, Mode: mode, Holders: m.holders(key, ask), Cause: cause}
}

// Close: see locking.Manager.
func (m *Manager) Close() error {
	if m.closed.Swap(true) {
		return nil
	}
	close(m.done)
	err := m.queue.Close()
	for i := range m.shards {
		sh := &m.shards[i]
		sh.mu.Lock()
		for _, s := range sh.seats {
			for l := s.first; l != nil; l = l.next {
				l.Lose()
			}
		}
		sh.mu.Unlock()
	}
	// Not before: whoever waits elsewhere was told of what ended here.
	err = errors.Join(err, m.post.Close())
	if m.users.Load() == 0 {
		m.closeFiles()
	}
	return err
}
