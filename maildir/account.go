package maildir

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

	"bascule/internal/sqlitex"
	"bascule/maildir/disk"
	"bascule/maildir/index"
)

// Account is the mail of one address, open in this process and shared by all its
// sessions there. Its methods may be called from any goroutine.
//
// Lock order: Account.mu, then the write lock (a file, between processes), then the
// SQLite transaction. None is held while anything waits for a client, and nobody who
// holds one asks for a maildrop lease.
type Account struct {
	store   *Store
	address string
	refs    int // store.mu protects it

	policy atomic.Pointer[Policy]

	opening sync.Mutex // held while open runs
	ready   atomic.Bool
	damaged atomic.Bool // a kept snapshot is; see mend
	// replaced: its files are others' now; see noticed. Set with a.mu held.
	replaced atomic.Bool

	// mu protects the fields below, and everything of folders.
	mu      sync.Mutex
	shutErr error // why it cannot be used any more
	dir     *disk.Maildir
	db      *index.DB
	lock    *writeLock
	version int64 // of the database, as last seen
	byID    map[int64]*folder
	byName  map[string]*folder
	rootAt  int64      // the time of the Maildir as it was when its folders were last looked for
	idle    []*Mailbox // loaded although no session has them, oldest first
	journal journal
	leftovers

	adds  additions // has a lock of its own
	texts texts     // the same

	log *slog.Logger
}

func newAccount(s *Store, address string) *Account {
	a := &Account{store: s, address: address, log: s.opts.Log.With("account", address)}
	a.policy.Store(&Policy{TextIndex: TextIndexOff})
	return a
}

// Address is the account's address, as given to Store.Account.
func (a *Account) Address() string { return a.address }

// SetPolicy makes p apply from now on.
func (a *Account) SetPolicy(p Policy) {
	if p.Exclusivity == "" {
		p.Exclusivity = ExclusiveMailbox
	}
	if p.TextIndex == "" {
		p.TextIndex = TextIndexOff
	}
	a.policy.Store(&p)
}

// Policy is what applies now.
func (a *Account) Policy() Policy { return *a.policy.Load() }

// Close gives the account back; it is for each Store.Account once.
func (a *Account) Close() { a.store.release(a) }

// opened waits until an opening that is under way is over, well or not.
func (a *Account) opened() {
	a.opening.Lock()
	defer a.opening.Unlock()
}

// open makes what is missing and reads what the index knows. Later calls cost nothing.
func (a *Account) open(ctx context.Context) error {
	if a.ready.Load() {
		return nil
	}
	a.opening.Lock()
	defer a.opening.Unlock()
	if a.ready.Load() {
		return nil
	}
	a.mu.Lock()
	err := a.openFiles(ctx)
	a.mu.Unlock()
	if err == nil {
		err = a.load(ctx)
	}
	if err != nil {
		a.mu.Lock()
		a.closeFiles()
		a.mu.Unlock()
		return fmt.Errorf("maildir: open %s: %w", a.address, full(err))
	}
	a.ready.Store(true)
	return nil
}

func (a *Account) openFiles(ctx context.Context) (err error) {
	root := filepath.Join(disk.AccountDir(a.store.opts.DataDir, a.address), "Maildir")
	dir := a.store.indexDir(a.address)
	a.dir, err = disk.Open(a.store.opts.FS, a.store.namer, root)
	if errors.Is(err, disk.ErrNotMaildir) {
		// Only a store that is really there may get a new Maildir, and only an account
		// that never had one: the index is made after it.
		if err := a.store.checkMarker(); err != nil {
			return err
		}
		if _, err := os.Stat(filepath.Join(dir, "index.db")); err == nil {
			return fmt.Errorf("%w: %s has an index, but its mail is not there; is its disk mounted?", ErrNoMarker, a.address)
		}
		a.dir, err = disk.Create(a.store.opts.FS, a.store.namer, root)
	}
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if a.lock, err = openWriteLock(filepath.Join(dir, "index.lock")); err != nil {
		return err
	}
	a.texts.path = textsPath(dir)
	a.shutErr, a.version = nil, -1
	a.rootAt = 0
	a.journal, a.leftovers = journal{}, leftovers{looked: -2}
	a.byID, a.byName = map[int64]*folder{}, map[string]*folder{}
	path := filepath.Join(dir, "index.db")
	if _, err := os.Stat(path); isMissing(err) {
		a.distrustTexts(ctx)
	}
	if a.db, err = index.Open(ctx, path); sqlitex.IsCorrupt(err) {
		if err = a.setAside(path); err == nil {
			a.distrustTexts(ctx)
			a.db, err = index.Open(ctx, path)
		}
	}
	if err == nil {
		a.distrustNewerTexts(ctx)
	}
	return err
}

// setAside keeps a damaged index for study, so that a new one is made from the
// Maildir and its mirror.
func (a *Account) setAside(path string) error {
	if !a.lock.Alone() {
		// Theirs would go on growing where nobody finds it.
		return errors.New("the index is damaged, and other processes have it open: end them, then open the account again")
	}
	a.store.opts.Metrics.Damaged.Add(1)
	aside := fmt.Sprintf("%s.broken-%d", path, a.store.opts.Now().Unix())
	a.log.Error("index is damaged: it is kept aside and made anew from the Maildir", "kept", aside)
	if err := a.lock.Lock(); err != nil {
		return err
	}
	defer a.lock.Unlock()
	for _, suffix := range []string{"-wal", "-shm", ""} {
		if err := os.Rename(path+suffix, aside+suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

// load reads the folders, finishes what a crash left, and makes what is missing.
func (a *Account) load(ctx context.Context) error {
	now, due := a.store.opts.Now(), false
	err := a.write(ctx, func(w *writing) error {
		if err := w.importFolders(); err != nil {
			return err
		}
		if err := w.takeAttributes(); err != nil {
			return err
		}
		if err := w.ensureFolders(a.Policy().Folders); err != nil {
			return err
		}
		w.mendACLs()
		swept, err := w.Number("swept")
		if due = now.Sub(time.Unix(swept, 0)).Abs() > sweepEvery; due && err == nil {
			err = w.SetNumber("swept", now.Unix())
		}
		return err
	})
	if err == nil && due {
		a.sweep(now)
	}
	if err == nil && a.Policy().TextIndex == TextIndexOff && a.texts.exists() {
		a.store.fillIn(a, a.store.fill.delay) // removes it
	}
	return err
}

// sweepEvery is how often an opening looks for leftovers in tmp/, which costs a look
// into each folder, and beside the Maildir.
const sweepEvery = 24 * time.Hour

// sweep removes what crashes left in tmp/ and beside the Maildir; what it cannot remove now
// waits for the next time. It holds no lock while it does.
func (a *Account) sweep(now time.Time) {
	a.mu.Lock()
	dir := a.dir
	var folders []string
	for _, f := range a.byID {
		folders = append(folders, f.row.Dir)
	}
	a.mu.Unlock()
	sweepWork(filepath.Dir(dir.Root()), now)
	_, err := dir.Sweep(now)
	for _, f := range folders {
		if _, serr := dir.SweepTmp(f, 0, now); err == nil {
			err = serr
		}
	}
	if err != nil {
		a.log.Warn("leftovers in tmp/ could not be removed", "err", err)
	}
}

// shut ends the use of the account's files for good.
func (a *Account) shut() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.shutErr == nil && a.db != nil {
		a.saveClaims()
		a.strikeDone()
	}
	for _, f := range a.byID {
		if f.box != nil {
			f.box.unwatch()
			if !a.replaced.Load() {
				f.keepNow()
			}
		}
		f.mirror.close()
	}
	a.texts.close()
	a.closeFiles()
	a.shutErr = ErrClosed
}

// closeFiles closes what openFiles opened. a.mu is held.
func (a *Account) closeFiles() {
	if a.db != nil {
		if err := a.db.Close(); err != nil {
			a.log.Error("index did not close cleanly", "err", err)
		}
		a.db = nil
	}
	if a.lock != nil {
		a.lock.Close()
		a.lock = nil
	}
	a.ready.Store(false)
}
