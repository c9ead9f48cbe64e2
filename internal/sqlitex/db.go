package sqlitex

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"time"
)

// ErrClosed is returned by every method of a DB that was closed.
var ErrClosed = errors.New("sqlitex: database is closed")

// Options of Open. The zero value is right for most databases.
type Options struct {
	// BusyTimeout bounds the wait for another process's write lock (default 10 s).
	BusyTimeout time.Duration
	// Mode is the permission of a newly made file (default 0600).
	Mode fs.FileMode
	// CacheKiB is the page cache of the connection (default 512 KiB: thousands
	// of account databases may be open at once, and the kernel caches too).
	CacheKiB int
	// Statements is how many prepared statements are kept (default 64).
	Statements int
	// Relaxed is for what can be made again: a commit is whole, but it is not waited for until it is on disk.
	Relaxed bool
	// Migrations are applied before Open returns; see Migrate.
	Migrations []string
}

// DB is one SQLite database behind one connection. Its methods may be called from
// any goroutine; they take turns.
type DB struct {
	path string
	opts Options

	// turn holds one token; whoever took it owns the fields below.
	turn   chan struct{}
	link   *link // nil while the DB rests
	links  int64 // how many there were
	file   identity
	used   bool // since Rest was called last
	closed bool
}

// Open opens or makes the database at path and applies opts.Migrations. The
// directory must exist. Two processes may open one path at the same moment.
func Open(ctx context.Context, path string, opts Options) (*DB, error) {
	opts.setDefaults()
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("sqlitex: open: %w", err)
	}
	if err := create(path, opts.Mode); err != nil {
		return nil, fmt.Errorf("sqlitex: open %s: %w", path, err)
	}
	db := &DB{path: path, opts: opts, turn: make(chan struct{}, 1)}
	db.turn <- struct{}{}
	if err := db.connect(ctx); err != nil {
		return nil, fmt.Errorf("sqlitex: open %s: %w", path, err)
	}
	if err := db.Migrate(ctx, opts.Migrations); err != nil {
		db.Close()
		return nil, err
	}
	return db, nil
}

func (o *Options) setDefaults() {
	if o.BusyTimeout <= 0 {
		o.BusyTimeout = 10 * time.Second
	}
	if o.Mode == 0 {
		o.Mode = 0o600
	}
	if o.CacheKiB <= 0 {
		o.CacheKiB = 512
	}
	if o.Statements <= 0 {
		o.Statements = 64
	}
}

// create makes a missing file itself, because SQLite would make it readable
// for everybody, and syncs the directory entry. The descriptor is closed before
// SQLite opens the file, and an existing file is not touched (see doc.go).
func create(path string, mode fs.FileMode) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, mode)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.Sync()
}

// Path is the absolute path of the database file.
func (db *DB) Path() string { return db.path }

// Close closes the connection after the running transaction, if any. It may be
// called twice.
func (db *DB) Close() error {
	<-db.turn
	defer func() { db.turn <- struct{}{} }()
	if db.closed {
		return nil
	}
	db.closed = true
	if err := db.disconnect(); err != nil {
		return fmt.Errorf("sqlitex: close %s: %w", db.path, err)
	}
	return nil
}

// Q is the connection while it is the caller's turn. It must not be kept after
// the function it was given to has returned, nor be used by two goroutines.
// Statements are prepared once per text, so texts should be constants.
type Q struct {
	*link
	number int64 // of the link
}

// Exec runs a statement.
func (q *Q) Exec(query string, args ...any) (sql.Result, error) {
	return q.conn.ExecContext(context.Background(), query, args...)
}

// Query runs a query. The rows must be closed before the function returns.
func (q *Q) Query(query string, args ...any) (*sql.Rows, error) {
	return q.conn.QueryContext(context.Background(), query, args...)
}

// QueryRow runs a query for at most one row.
func (q *Q) QueryRow(query string, args ...any) *sql.Row {
	return q.conn.QueryRowContext(context.Background(), query, args...)
}

// Do calls fn when it is the caller's turn, outside a transaction: each
// statement stands for itself. fn must not call a method of the DB.
func (db *DB) Do(ctx context.Context, fn func(*Q) error) error {
	select {
	case <-db.turn:
	default:
		select {
		case <-db.turn:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	defer func() { db.turn <- struct{}{} }()
	if db.closed {
		return ErrClosed
	}
	if err := db.wake(ctx); err != nil {
		return err
	}
	err := fn(&Q{db.link, db.links})
	if db.links > 1 && IsReadOnly(err) && !IsFull(err) {
		db.disconnect() // the next turn tries again; see wake
	}
	return err
}

// Tx calls fn inside BEGIN IMMEDIATE and commits if fn returns nil; what was
// committed is on disk when Tx returns. If fn fails or panics, nothing happened.
// If the commit itself fails it is rolled back and nothing happened either,
// with one exception that no database can avoid: an I/O error while the commit
// is being synced. fn must not call a method of the DB.
func (db *DB) Tx(ctx context.Context, fn func(*Q) error) error {
	return db.Do(ctx, func(q *Q) error { return q.within("BEGIN IMMEDIATE", fn) })
}

// View calls fn inside a read transaction: all its queries see one state.
func (db *DB) View(ctx context.Context, fn func(*Q) error) error {
	return db.Do(ctx, func(q *Q) error { return q.within("BEGIN DEFERRED", fn) })
}

func (q *Q) within(begin string, fn func(*Q) error) error {
	if err := q.Run(begin); err != nil {
		return err
	}
	done := false
	defer func() {
		if !done {
			// After some errors (full disk, I/O) SQLite has rolled back already
			// and this fails; both ways no transaction is left open.
			q.Exec("ROLLBACK")
		}
	}()
	if err := fn(q); err != nil {
		return err
	}
	if err := q.Run("COMMIT"); err != nil {
		return err
	}
	done = true
	return nil
}

// DataVersion changes whenever another connection has changed the database; our
// own changes do not change it. It changes too when the DB has rested, as nobody
// watched then. Values of different DBs must not be compared.
func (db *DB) DataVersion(ctx context.Context) (v int64, err error) {
	err = db.Do(ctx, func(q *Q) error { v, err = q.DataVersion(); return err })
	return v, err
}

// DataVersion is DB.DataVersion for whoever has the turn.
func (q *Q) DataVersion() (v int64, err error) {
	err = q.Each("PRAGMA data_version", func(row []driver.Value) error {
		n, _ := row[0].(int64)
		v = q.number<<32 | n&math.MaxUint32 // SQLite's is a number of 32 bits that each connection begins anew
		return nil
	})
	return v, err
}
