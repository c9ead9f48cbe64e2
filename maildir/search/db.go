package search

import (
	"context"
	"errors"
	"fmt"
	"os"

	"bascule/internal/sqlitex"
)

// Version is part of the file's name: another way to fold or to cut texts makes another file, and nobody reads the old one.
const Version = 1

var migrations = []string{
	`CREATE TABLE folders (
		id          INTEGER PRIMARY KEY,
		object_id   TEXT NOT NULL,
		uidvalidity INTEGER NOT NULL,
		below       INTEGER NOT NULL, -- every message with a lower UID has a row, in texts or in unread
		texts       INTEGER NOT NULL  -- rows in texts
	);

	-- Messages whose text is not in texts: they must be read by every search.
	CREATE TABLE unread (
		id INTEGER PRIMARY KEY
	);

	-- rowid is folder << 32 | uid.
	CREATE VIRTUAL TABLE texts USING fts5 (
		text, content = '', contentless_delete = 1, detail = none, tokenize = "trigram case_sensitive 1"
	);`,

	// The highest modseq of the folder that the rows, or their absence, tell of.
	`ALTER TABLE folders ADD COLUMN modseq INTEGER NOT NULL DEFAULT 0`,
}

// DB is the text index of one account. Its methods may be called from any goroutine and take turns.
type DB struct {
	db *sqlitex.DB
}

// Tx is the database while it is the caller's turn.
type Tx struct {
	q *sqlitex.Q
}

// Open opens or makes the index at path. Several openings of one file, also in one process, do not disturb each other: those that look
// for texts do not wait for one that writes.
func Open(ctx context.Context, path string) (*DB, error) {
	db, err := sqlitex.Open(ctx, path, sqlitex.Options{Migrations: migrations, CacheKiB: 2048, Relaxed: true})
	if err != nil {
		return nil, fmt.Errorf("search: %w", err)
	}
	return &DB{db}, nil
}

// Close ends the use of the database.
func (d *DB) Close() error { return d.db.Close() }

// Write runs fn in a write transaction: whole or not at all.
func (d *DB) Write(ctx context.Context, fn func(Tx) error) error {
	return d.db.Tx(ctx, func(q *sqlitex.Q) error { return fn(Tx{q}) })
}

// Read runs fn in a read transaction.
func (d *DB) Read(ctx context.Context, fn func(Tx) error) error {
	return d.db.View(ctx, func(q *sqlitex.Q) error { return fn(Tx{q}) })
}

// Remove deletes an index. Nobody may have it open in this process; another process goes on with what it has until it opens it anew.
func Remove(path string) error {
	for _, suffix := range []string{"-wal", "-shm", ""} {
		if err := os.Remove(path + suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("search: %w", err)
		}
	}
	return nil
}

// Size is what the index at path takes on disk, in bytes; 0 if there is none.
func Size(path string) (n int64) {
	for _, suffix := range []string{"-wal", ""} {
		if st, err := os.Stat(path + suffix); err == nil {
			n += st.Size()
		}
	}
	return n
}

// IsDamaged says that an error means that the index must be made anew.
func IsDamaged(err error) bool { return sqlitex.IsCorrupt(err) }

// Verify looks for damage inside of the database, and gives it as text; "" is none.
func (t Tx) Verify() (problem string, err error) {
	if err := t.q.QueryRow(`PRAGMA integrity_check(1)`).Scan(&problem); err != nil {
		return "", err
	}
	if problem != "ok" {
		return problem, nil
	}
	if _, err := t.q.Exec(`INSERT INTO texts (texts) VALUES ('integrity-check')`); err != nil {
		if IsDamaged(err) {
			return err.Error(), nil
		}
		return "", err
	}
	return "", nil
}
