package sqlitex

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/mattn/go-sqlite3" // also the driver "sqlite3"
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

// DB is one SQLite database behind one pinned connection. Its methods may be
// called from any goroutine; they take turns.
type DB struct {
	path string
	pool *sql.DB

	// turn holds one token; whoever took it owns the fields below.
	turn   chan struct{}
	conn   *sql.Conn
	direct *sqlite3.SQLiteConn // under conn; see direct.go
	closed bool
}

// Open opens or makes the database at path and applies opts.Migrations. The
// directory must exist. Two processes may open one path at the same moment.
func Open(ctx context.Context, path string, opts Options) (*DB, error) {
	if opts.BusyTimeout <= 0 {
		opts.BusyTimeout = 10 * time.Second
	}
	if opts.Mode == 0 {
		opts.Mode = 0o600
	}
	if opts.CacheKiB <= 0 {
		opts.CacheKiB = 512
	}
	if opts.Statements <= 0 {
		opts.Statements = 64
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("sqlitex: open: %w", err)
	}
	if err := create(path, opts.Mode); err != nil {
		return nil, fmt.Errorf("sqlitex: open %s: %w", path, err)
	}
	pool, err := sql.Open("sqlite3", dsn(path, opts))
	if err != nil {
		return nil, fmt.Errorf("sqlitex: open %s: %w", path, err)
	}
	pool.SetMaxOpenConns(1)
	db := &DB{path: path, pool: pool, turn: make(chan struct{}, 1)}
	db.turn <- struct{}{}
	if err := db.connect(ctx, opts); err != nil {
		pool.Close()
		return nil, fmt.Errorf("sqlitex: open %s: %w", path, err)
	}
	if err := db.Migrate(ctx, opts.Migrations); err != nil {
		db.Close()
		return nil, err
	}
	return db, nil
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

func dsn(path string, opts Options) string {
	synchronous := "FULL"
	if opts.Relaxed {
		synchronous = "NORMAL"
	}
	q := url.Values{
		"_busy_timeout":    {strconv.FormatInt(opts.BusyTimeout.Milliseconds(), 10)},
		"_synchronous":     {synchronous},
		"_txlock":          {"immediate"},
		"_foreign_keys":    {"on"},
		"_cache_size":      {strconv.Itoa(-opts.CacheKiB)},
		"_stmt_cache_size": {strconv.Itoa(opts.Statements)},
	}
	// The path is escaped, as SQLite reads it as a URI: a "?" or "%" in a
	// directory name must not become a parameter.
	return (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: q.Encode()}).String()
}

// connect pins the connection. The switch to WAL can be refused as busy although
// a timeout is set (SQLite gives up at once where waiting could deadlock), so it
// is repeated while another process does the same.
func (db *DB) connect(ctx context.Context, opts Options) error {
	deadline := time.Now().Add(opts.BusyTimeout)
	for {
		err := db.tryConnect(ctx)
		if err == nil || !IsBusy(err) || time.Now().After(deadline) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func (db *DB) tryConnect(ctx context.Context) (err error) {
	ctx = context.WithoutCancel(ctx)
	if db.conn == nil {
		if db.conn, err = db.pool.Conn(ctx); err != nil {
			return err
		}
	}
	var mode string
	if err := db.conn.QueryRowContext(ctx, "PRAGMA journal_mode=WAL").Scan(&mode); err != nil {
		return err
	}
	if mode != "wal" {
		return fmt.Errorf("this file system cannot do WAL (journal mode is %q)", mode)
	}
	if err := db.conn.Raw(func(c any) error { db.direct = c.(*sqlite3.SQLiteConn); return nil }); err != nil {
		return err
	}
	// No temporary files: there may be no writable /tmp.
	_, err = db.conn.ExecContext(ctx, "PRAGMA temp_store=MEMORY")
	return err
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
	err := db.conn.Close()
	if perr := db.pool.Close(); err == nil {
		err = perr
	}
	if err != nil {
		return fmt.Errorf("sqlitex: close %s: %w", db.path, err)
	}
	return nil
}

// Q is the connection while it is the caller's turn. It must not be kept after
// the function it was given to has returned, nor be used by two goroutines.
// Statements are prepared once per text, so texts should be constants.
type Q struct {
	conn   *sql.Conn
	direct *sqlite3.SQLiteConn
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
	return fn(&Q{conn: db.conn, direct: db.direct})
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
// own changes do not change it. Values of different DBs must not be compared.
func (db *DB) DataVersion(ctx context.Context) (v int64, err error) {
	err = db.Do(ctx, func(q *Q) error { v, err = q.DataVersion(); return err })
	return v, err
}

// DataVersion is DB.DataVersion for whoever has the turn.
func (q *Q) DataVersion() (v int64, err error) {
	err = q.Each("PRAGMA data_version", func(row []driver.Value) error { v, _ = row[0].(int64); return nil })
	return v, err
}
