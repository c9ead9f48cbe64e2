package accounts

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"bascule/internal/sqlitex"
)

// Options of Open.
type Options struct {
	// Defaults are the server's settings; what is empty is as in DefaultSettings.
	Defaults Settings
	// Cost of new password hashes; the zero value is DefaultCost.
	Cost Cost
	// KeepHashes leaves passwords of other servers' schemes as they are.
	// Otherwise the first login with the right password replaces such a hash by
	// argon2id and adds the SCRAM keys, which the old hash could not give.
	KeepHashes bool
	// FlushEvery is how often last logins are written (default 5 s).
	FlushEvery time.Duration
	// Source is where accounts come from, if not from here; Close closes it. Asking
	// it takes at most SourceTimeout (default 5 s). While it is down, what it said
	// holds for SourceMemory longer (default 0: not at all) for everything but
	// logins. One that cannot tell changes is asked about open sessions every
	// SourceRecheck (default 10 s).
	Source                                     Source
	SourceTimeout, SourceMemory, SourceRecheck time.Duration
	// Now is the clock (default time.Now).
	Now func() time.Time
	Log *slog.Logger
}

// DB is accounts.db, with the Source behind it if there is one. It is safe for concurrent use, by several processes too.
type DB struct {
	opts     Options
	defaults atomic.Pointer[Settings]
	secret   []byte   // keys the false SCRAM salts
	decoy    string   // what Verify checks for accounts that do not exist
	foreign  *foreign // nil: accounts are here

	// Two connections, so that a login never waits while a change is synced to
	// the disk. Writes go through write alone.
	read, write *sqlitex.DB

	// loginMu protects logins.
	loginMu sync.Mutex
	logins  map[loginKey]Login

	stop    chan struct{}
	stopped sync.WaitGroup
	once    sync.Once
}

var (
	_ Directory = (*DB)(nil)
	_ Rules     = (*DB)(nil)
)

// Open opens or makes the database at path.
func Open(ctx context.Context, path string, opts Options) (*DB, error) {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	if opts.FlushEvery <= 0 {
		opts.FlushEvery = 5 * time.Second
	}
	opts.Cost = opts.Cost.withDefaults()
	db := &DB{opts: opts, logins: map[loginKey]Login{}, stop: make(chan struct{})}
	db.SetDefaults(opts.Defaults)
	var err error
	if db.decoy, err = decoyHash(opts.Cost); err != nil {
		return nil, fmt.Errorf("accounts: open: %w", err)
	}
	sq := sqlitex.Options{Migrations: migrations, CacheKiB: 4096}
	if db.write, err = sqlitex.Open(ctx, path, sq); err != nil {
		return nil, fmt.Errorf("accounts: %w", err)
	}
	if db.read, err = sqlitex.Open(ctx, path, sq); err != nil {
		db.write.Close()
		return nil, fmt.Errorf("accounts: %w", err)
	}
	if err := db.write.Tx(ctx, db.loadSecret); err != nil {
		db.write.Close()
		db.read.Close()
		return nil, fmt.Errorf("accounts: open %s: %w", path, err)
	}
	if opts.Source != nil {
		db.foreign = newForeign(opts, db.decoy)
	}
	db.stopped.Go(db.flushLoop)
	return db, nil
}

func (db *DB) loadSecret(q *sqlitex.Q) error {
	fresh := make([]byte, 32)
	rand.Read(fresh)
	if _, err := q.Exec("INSERT OR IGNORE INTO meta (key, value) VALUES ('secret', ?)", fresh); err != nil {
		return err
	}
	return q.QueryRow("SELECT value FROM meta WHERE key = 'secret'").Scan(&db.secret)
}

// SetDefaults replaces the server's settings, after its configuration changed.
func (db *DB) SetDefaults(s Settings) {
	s = s.withDefaults()
	db.defaults.Store(&s)
}

// Close writes the last logins and closes the database. It may be called twice.
func (db *DB) Close() (err error) {
	db.once.Do(func() {
		close(db.stop)
		db.stopped.Wait()
		err = errors.Join(db.Flush(context.Background()), db.read.Close(), db.write.Close())
		if db.foreign != nil {
			err = errors.Join(err, db.foreign.source.Close())
		}
	})
	return err
}

// Backup writes a consistent copy of the database to a new file.
func (db *DB) Backup(ctx context.Context, path string) error { return db.read.Backup(ctx, path) }

// Changes is Directory's. It moves with every rule and password, not with last logins.
func (db *DB) Changes(ctx context.Context) (n int64, err error) {
	err = db.read.Do(ctx, func(q *sqlitex.Q) error {
		return q.QueryRow("SELECT value FROM meta WHERE key = 'changes'").Scan(&n)
	})
	if err != nil {
		return 0, fmt.Errorf("accounts: changes: %w", err)
	}
	if db.foreign != nil {
		n = db.changesForeign(ctx, n)
	}
	return n, nil
}

// change runs fn in a transaction that moves the change counter and passes fn its
// new value. If fn returns errUnchanged, nothing is written and there is no error.
func (db *DB) change(ctx context.Context, fn func(q *sqlitex.Q, n int64) error) error {
	err := db.write.Tx(ctx, func(q *sqlitex.Q) error {
		var n int64
		if err := q.QueryRow("UPDATE meta SET value = value + 1 WHERE key = 'changes' RETURNING value").Scan(&n); err != nil {
			return err
		}
		return fn(q, n)
	})
	if errors.Is(err, errUnchanged) {
		return nil
	}
	return err
}

var errUnchanged = errors.New("nothing to change")
