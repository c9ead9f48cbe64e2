package sqlitex

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"github.com/mattn/go-sqlite3" // also the driver "sqlite3"
)

// link is a connection to the database. It belongs to whoever has the DB's turn.
type link struct {
	pool   *sql.DB // of one connection
	conn   *sql.Conn
	direct *sqlite3.SQLiteConn // under conn; see direct.go
}

func (l *link) close() error {
	return errors.Join(l.conn.Close(), l.pool.Close())
}

// connect makes the link. The switch to WAL can be refused as busy although a timeout
// is set (SQLite gives up at once where waiting could deadlock), so it is repeated while
// another process does the same.
func (db *DB) connect(ctx context.Context) error {
	deadline := time.Now().Add(db.opts.BusyTimeout)
	for {
		err := db.tryConnect(context.WithoutCancel(ctx))
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

func (db *DB) tryConnect(ctx context.Context) error {
	l, err := dial(ctx, db.path, db.opts)
	if err != nil {
		return err
	}
	// Whatever file was opened, it was at the path before this looks, so one that was put there meanwhile is noticed.
	file, err := identify(db.path)
	if err == nil && db.links > 0 && file != db.file {
		err = ErrReplaced
	}
	if err != nil {
		l.close()
		return err
	}
	db.link, db.file = l, file
	db.links++
	return nil
}

// disconnect ends the link, if there is one. Where it was the last of all processes, the log goes into the database and is removed.
func (db *DB) disconnect() error {
	l := db.link
	db.link = nil
	if l == nil {
		return nil
	}
	return l.close()
}

func dial(ctx context.Context, path string, opts Options) (*link, error) {
	pool, err := sql.Open("sqlite3", dsn(path, opts))
	if err != nil {
		return nil, err
	}
	pool.SetMaxOpenConns(1)
	l := &link{pool: pool}
	if l.conn, err = pool.Conn(ctx); err != nil {
		pool.Close()
		return nil, err
	}
	if err := l.prepare(ctx); err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}

func (l *link) prepare(ctx context.Context) error {
	if err := l.conn.Raw(func(c any) error { l.direct = c.(*sqlite3.SQLiteConn); return nil }); err != nil {
		return err
	}
	var mode string
	if err := l.conn.QueryRowContext(ctx, "PRAGMA journal_mode=WAL").Scan(&mode); err != nil {
		return err
	}
	if mode != "wal" {
		return fmt.Errorf("this file system cannot do WAL (journal mode is %q)", mode)
	}
	// No temporary files: there may be no writable /tmp.
	_, err := l.conn.ExecContext(ctx, "PRAGMA temp_store=MEMORY")
	return err
}

// dsn names an existing database to the driver.
func dsn(path string, opts Options) string {
	synchronous := "FULL"
	if opts.Relaxed {
		synchronous = "NORMAL"
	}
	q := url.Values{
		"mode":             {"rw"}, // where the file is missing none is made: that is for create
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
