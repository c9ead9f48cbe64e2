package maildir

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"bascule/internal/metrics"
	"bascule/internal/notify"
	"bascule/locking"
	"bascule/maildir/disk"
)

// Options of Open. DataDir, Locks and Bus are needed; the rest has defaults.
type Options struct {
	DataDir  string          // <data>, made by Create
	IndexDir string          // where the index databases go; "" is beside each Maildir
	Locks    locking.Manager // the POP3 lock
	Bus      notify.Bus      // tells of changes, between sessions and processes
	FS       disk.FS         // disk.OS unless a test injects faults
	Watcher  *disk.Watcher   // notices foreign changes; nil: only looked for when a client asks
	Log      *slog.Logger
	Hostname string // in file names
	Metrics  metrics.Store
	Describe bool // tell Message-ID and subject of what is removed (Removed)
	Now      func() time.Time

	// MinFree is how many bytes of the file systems new mail leaves free, but at most a hundredth of them (default 0: it may fill them).
	MinFree int64
	// FreeSpace is disk.FreeSpace unless a test has it otherwise.
	FreeSpace func(path string) (free, total int64, err error)

	// Dropped is told how many octets of memory the store has let go of, about, which the next collection of garbage would give back. May be nil.
	Dropped func(octets int64)
	// KeepOpen is how many accounts that nobody uses stay open (default 256): a POP3
	// client that polls finds its index open.
	KeepOpen int
	// FullScan is after how long a folder's names are all read again at opening even
	// though its times tell of no change (default 1 h; see scan.go).
	FullScan time.Duration
	// Sharing is told, within the change, with whom an account shares mailboxes: identifiers of ACL. If exact is false it may
	// share with others besides. An error undoes a change that gives rights. May be nil.
	Sharing func(ctx context.Context, address string, with []string, exact bool) error
	// KeepExpunged bounds the expunge history of a mailbox, in messages (default 10,000).
	KeepExpunged int
}

// Store is all accounts of one data directory, for this process. Its methods may be
// called from any goroutine.
type Store struct {
	opts  Options
	namer *disk.Namer

	mu       sync.Mutex // protects the fields below
	accounts map[string]*Account
	idle     []*Account // unused but open, oldest first
	closed   bool
	drops    map[*Maildrop]time.Time // open, since when

	fieldMemory fieldMemory
	fill        fillQueue
	ctx         context.Context // ends when the store is closed
	cancel      context.CancelFunc

	bgMu   sync.Mutex // protects ending; it may be taken after any other lock
	ending bool
	bg     sync.WaitGroup

	lookAgain time.Duration // lookAgain, save in tests

	// keepAll, in tests, keeps every snapshot, however small it is and whatever has changed.
	keepAll bool

	// onCommit, in tests, is called after each commit, before its file operations.
	onCommit func()
}

// Create makes dataDir a store: it makes the directory and the marker that Open looks
// for. Doing it again changes nothing.
func Create(dataDir string) error {
	if err := disk.MkdirAll(disk.OS, filepath.Join(dataDir, "mail")); err != nil {
		return fmt.Errorf("maildir: create store: %w", err)
	}
	if err := disk.WriteMarker(disk.OS, dataDir); err != nil {
		return fmt.Errorf("maildir: create store: %w", err)
	}
	return nil
}

// Open begins the use of a store. It fails with ErrNoMarker where Create was never
// called: an unmounted disk must not become empty mailboxes.
func Open(opts Options) (*Store, error) {
	if opts.FS == nil {
		opts.FS = disk.OS
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Dropped == nil {
		opts.Dropped = func(int64) {}
	}
	if opts.FreeSpace == nil {
		opts.FreeSpace = disk.FreeSpace
	}
	if opts.KeepOpen == 0 {
		opts.KeepOpen = 256
	}
	if opts.FullScan == 0 {
		opts.FullScan = time.Hour
	}
	if opts.KeepExpunged == 0 {
		opts.KeepExpunged = 10_000
	}
	s := &Store{opts: opts, namer: disk.NewNamer(opts.Hostname), accounts: map[string]*Account{}, drops: map[*Maildrop]time.Time{}}
	if err := s.checkMarker(); err != nil {
		return nil, err
	}
	s.fill.delay, s.lookAgain = fillDelay, lookAgain
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.background(s.restQuiet)
	return s, nil
}

func (s *Store) checkMarker() error {
	if err := disk.HasMarker(s.opts.FS, s.opts.DataDir); errors.Is(err, disk.ErrNoMarker) {
		return fmt.Errorf("%w: %s has no store marker; is its disk mounted?", ErrNoMarker, s.opts.DataDir)
	} else if err != nil {
		return fmt.Errorf("maildir: open store: %w", err)
	}
	return nil
}

// Locks is the manager of the POP3 lock.
func (s *Store) Locks() locking.Manager { return s.opts.Locks }

// Account opens an account's mail, making it at first use. p is what applies to it
// from now on, for all who have it open. Close gives it back.
func (s *Store) Account(ctx context.Context, address string, p Policy) (*Account, error) {
	a, err := s.account(ctx, address, p)
	if errors.Is(err, ErrReplaced) {
		a, err = s.account(ctx, address, p)
	}
	return a, err
}

func (s *Store) account(ctx context.Context, address string, p Policy) (*Account, error) {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil, ErrClosed
	}
	a := s.accounts[address]
	if old := a; old != nil && old.replaced.Load() {
		a = nil // whoever has it still finds it ended
		if s.forgetIdle(old) {
			defer old.shut()
		}
	}
	if a == nil {
		a = newAccount(s, address)
		s.accounts[address] = a
	}
	a.refs++
	unused := s.forgetIdle(a)
	s.mu.Unlock()

	a.SetPolicy(p)
	err := a.open(ctx)
	if err == nil && unused {
		err = a.glance(ctx, func() error { return nil }) // is it still there?
	}
	if err != nil {
		a.Close()
		return nil, err
	}
	return a, nil
}

// release takes one reference back; the account stays open for a while.
func (s *Store) release(a *Account) {
	s.mu.Lock()
	var old *Account
	if a.refs--; a.refs == 0 && a.replaced.Load() {
		old = a
		if s.accounts[a.address] == a {
			delete(s.accounts, a.address)
		}
	} else if a.refs == 0 {
		s.idle = append(s.idle, a)
		if len(s.idle) > s.opts.KeepOpen || s.closed {
			old = s.idle[0]
			s.idle = s.idle[1:]
			delete(s.accounts, old.address)
		}
	}
	s.mu.Unlock()
	if old != nil {
		old.shut()
	}
}

// forgetIdle takes a out of the list of unused accounts; was tells whether it was in it. s.mu is held.
func (s *Store) forgetIdle(a *Account) (was bool) {
	for i, x := range s.idle {
		if x == a {
			s.idle = append(s.idle[:i], s.idle[i+1:]...)
			return true
		}
	}
	return false
}

// Remove deletes an account's mail and index for good. The account must not be in use
// by this process (an error says so); other processes notice at their next access.
func (s *Store) Remove(address string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a := s.accounts[address]; a != nil {
		if a.refs > 0 {
			return fmt.Errorf("maildir: remove %s: the account is in use", address)
		}
		s.forgetIdle(a)
		delete(s.accounts, address)
		a.shut()
	}
	if err := s.checkMarker(); err != nil {
		return err
	}
	for _, dir := range []string{disk.AccountDir(s.opts.DataDir, address), s.indexDir(address)} {
		if err := os.RemoveAll(dir); err != nil {
			return fmt.Errorf("maildir: remove %s: %w", address, err)
		}
	}
	return nil
}

// indexDir is the directory of an account's index and write lock.
func (s *Store) indexDir(address string) string {
	if s.opts.IndexDir == "" {
		return disk.AccountDir(s.opts.DataDir, address)
	}
	return disk.AccountDir(s.opts.IndexDir, address)
}

// Close closes every account. Sessions must have ended.
func (s *Store) Close() error {
	s.fill.close()
	s.cancel()
	s.mu.Lock()
	s.closed = true
	all := make([]*Account, 0, len(s.accounts))
	for _, a := range s.accounts {
		all = append(all, a)
	}
	s.accounts, s.idle = map[string]*Account{}, nil
	s.mu.Unlock()
	for _, a := range all {
		a.shut()
	}
	s.bgMu.Lock()
	s.ending = true
	s.bgMu.Unlock()
	s.bg.Wait() // they find everything closed
	s.fieldMemory.close()
	return nil
}

// background runs fn in a goroutine that Close waits for; false if it is too late.
func (s *Store) background(fn func()) bool {
	s.bgMu.Lock()
	defer s.bgMu.Unlock()
	if s.ending {
		return false
	}
	s.bg.Go(fn)
	return true
}

// Opened tells how many accounts are open and how many of them unused.
func (s *Store) Opened() (open, idle int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.accounts), len(s.idle)
}

// Maildrops tells how many POP3 sessions of this process have their mailbox for themselves, and since when the first of them has it.
func (s *Store) Maildrops() (n int, since time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, at := range s.drops {
		if since.IsZero() || at.Before(since) {
			since = at
		}
	}
	return len(s.drops), since
}
