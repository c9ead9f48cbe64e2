package index

import (
	"context"
	"fmt"

	"bascule/internal/sqlitex"
)

// DB is the index of one account. Its methods may be called from any goroutine and
// take turns on one connection.
type DB struct {
	db *sqlitex.DB
}

// Tx is the database while it is the caller's turn; see sqlitex.Q.
type Tx struct {
	q *sqlitex.Q
}

// Open opens or makes the index at path.
func Open(ctx context.Context, path string) (*DB, error) {
	db, err := sqlitex.Open(ctx, path, sqlitex.Options{Migrations: migrations, CacheKiB: 1024})
	if err != nil {
		return nil, fmt.Errorf("index: %w", err)
	}
	return &DB{db: db}, nil
}

// Close ends the use of the database.
func (d *DB) Close() error { return d.db.Close() }

// Rest closes the database if it was not used since Rest was called last, until it is used again; see sqlitex.DB.Rest.
func (d *DB) Rest() (closed bool, err error) { return d.db.Rest() }

// Write runs fn in a write transaction; when Write returns nil, what fn did is on disk.
func (d *DB) Write(ctx context.Context, fn func(Tx) error) error {
	return d.db.Tx(ctx, func(q *sqlitex.Q) error { return fn(Tx{q}) })
}

// Read runs fn in a read transaction.
func (d *DB) Read(ctx context.Context, fn func(Tx) error) error {
	return d.db.View(ctx, func(q *sqlitex.Q) error { return fn(Tx{q}) })
}

// Version changes whenever another process has written.
func (d *DB) Version(ctx context.Context) (int64, error) { return d.db.DataVersion(ctx) }

// Version is DB.Version inside a transaction.
func (t Tx) Version() (int64, error) { return t.q.DataVersion() }

// Backup writes a consistent copy to a new file.
func (d *DB) Backup(ctx context.Context, path string) error { return d.db.Backup(ctx, path) }

// Number reads a value of the account table, 0 if there is none.
func (t Tx) Number(key string) (v int64, err error) {
	err = t.q.QueryRow(`SELECT coalesce((SELECT value FROM account WHERE key = ?), 0)`, key).Scan(&v)
	return v, err
}

// SetNumber writes one.
func (t Tx) SetNumber(key string, v int64) error {
	_, err := t.q.Exec(`INSERT INTO account (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value`, key, v)
	return err
}
