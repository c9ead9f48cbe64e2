package sqlitex

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	sqlite3 "github.com/mattn/go-sqlite3"
)

// Backup writes a consistent copy of the database to a new file at path, through
// SQLite's backup API, so it is safe while other processes write. The copy is on
// disk when Backup returns; after an error there is no file. An existing file is
// not replaced.
func (db *DB) Backup(ctx context.Context, path string) (err error) {
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("sqlitex: back up to %s: %w", path, fs.ErrExist)
	}
	defer func() {
		if err != nil {
			os.Remove(path)
			err = fmt.Errorf("sqlitex: back up %s: %w", db.path, err)
		}
	}()
	if err := create(path, 0o600); err != nil {
		return err
	}
	return db.Do(ctx, func(q *Q) error {
		return q.conn.Raw(func(raw any) error { return backup(raw.(*sqlite3.SQLiteConn), path) })
	})
}

func backup(src *sqlite3.SQLiteConn, path string) error {
	c, err := (&sqlite3.SQLiteDriver{}).Open(dsn(path, Options{Statements: 1, CacheKiB: 512}))
	if err != nil {
		return err
	}
	dst := c.(*sqlite3.SQLiteConn)
	b, err := dst.Backup("main", src, "main")
	if err != nil {
		dst.Close()
		return err
	}
	done, err := b.Step(-1)
	if ferr := b.Finish(); err == nil {
		err = ferr
	}
	if cerr := dst.Close(); err == nil {
		err = cerr
	}
	if err == nil && !done {
		err = errors.New("the source was busy")
	}
	return err
}
