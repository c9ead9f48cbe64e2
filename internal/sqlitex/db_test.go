package sqlitex

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

var schema = []string{
	"CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT NOT NULL UNIQUE); CREATE INDEX t_v ON t (v)",
	"ALTER TABLE t ADD COLUMN w INTEGER NOT NULL DEFAULT 7",
}

func open(t *testing.T, path string) *DB {
	t.Helper()
	db, err := Open(t.Context(), path, Options{Migrations: schema})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func count(t *testing.T, db *DB) (n int) {
	t.Helper()
	if err := db.Do(t.Context(), func(q *Q) error { return q.QueryRow("SELECT count(*) FROM t").Scan(&n) }); err != nil {
		t.Fatal(err)
	}
	return n
}

func insert(v string) func(*Q) error {
	return func(q *Q) error { _, err := q.Exec("INSERT INTO t (v) VALUES (?)", v); return err }
}

func TestOpenSettings(t *testing.T) {
	// A name that would break a naive data source name.
	dir := filepath.Join(t.TempDir(), "a?b=c%41#d &e")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "x.db")
	db := open(t, path)
	for pragma, want := range map[string]string{
		"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "temp_store": "2",
		"busy_timeout": "10000", "cache_size": "-512", "user_version": "2",
	} {
		var got string
		if err := db.Do(t.Context(), func(q *Q) error { return q.QueryRow("PRAGMA " + pragma).Scan(&got) }); err != nil {
			t.Fatal(err)
		}
		if got != want {
			t.Errorf("%s = %s, want %s", pragma, got, want)
		}
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
}

func TestTxIsWholeOrNothing(t *testing.T) {
	db := open(t, filepath.Join(t.TempDir(), "x.db"))
	boom := errors.New("boom")
	err := db.Tx(t.Context(), func(q *Q) error {
		if err := insert("a")(q); err != nil {
			return err
		}
		return boom
	})
	if !errors.Is(err, boom) || count(t, db) != 0 {
		t.Fatalf("err %v, %d rows", err, count(t, db))
	}
	func() {
		defer func() { recover() }()
		db.Tx(t.Context(), func(q *Q) error { insert("a")(q); panic("boom") })
	}()
	if count(t, db) != 0 {
		t.Fatal("a panic committed")
	}
	if err := db.Tx(t.Context(), insert("a")); err != nil || count(t, db) != 1 {
		t.Fatal(err)
	}
	if err := db.Tx(t.Context(), insert("a")); !IsUnique(err) || IsBusy(err) || IsFull(err) || IsCorrupt(err) {
		t.Fatalf("second insert: %v", err)
	}
}

func TestCancelledContextKeepsTheConnection(t *testing.T) {
	db := open(t, filepath.Join(t.TempDir(), "x.db"))
	other := open(t, db.Path())
	before, err := db.DataVersion(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	// Cancelled in the middle: the transaction is still whole.
	if err := db.Tx(ctx, func(q *Q) error { cancel(); return insert("a")(q) }); err != nil {
		t.Fatal(err)
	}
	if after, _ := db.DataVersion(t.Context()); after != before {
		t.Error("our own change moved data_version: the connection was replaced")
	}
	if err := other.Tx(t.Context(), insert("b")); err != nil {
		t.Fatal(err)
	}
	if after, _ := db.DataVersion(t.Context()); after == before {
		t.Error("a change by another connection did not move data_version")
	}
	// A wait for the turn does end with the context.
	err = db.Do(t.Context(), func(*Q) error { return db.Do(ctx, func(*Q) error { return nil }) })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("waiting with a cancelled context: %v", err)
	}
}

func TestNestedUseOfOneStatement(t *testing.T) {
	db := open(t, filepath.Join(t.TempDir(), "x.db"))
	const text = "SELECT id FROM t WHERE id > ? ORDER BY id"
	err := db.Tx(t.Context(), func(q *Q) error {
		for _, v := range []string{"a", "b", "c"} {
			if err := insert(v)(q); err != nil {
				return err
			}
		}
		pairs := 0
		outer, err := q.Query(text, 0)
		if err != nil {
			return err
		}
		defer outer.Close()
		for outer.Next() {
			inner, err := q.Query(text, 0)
			if err != nil {
				return err
			}
			for inner.Next() {
				pairs++
			}
			inner.Close()
		}
		if pairs != 9 {
			t.Errorf("%d pairs, want 9", pairs)
		}
		return outer.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestManyOpenAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			db, err := Open(t.Context(), path, Options{Migrations: schema})
			if err != nil {
				t.Error(err)
				return
			}
			defer db.Close()
			for j := range 10 {
				if err := db.Tx(t.Context(), insert(string(rune('a'+i))+string(rune('a'+j)))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if n := count(t, open(t, path)); n != 80 {
		t.Errorf("%d rows, want 80", n)
	}
}

func TestMigrations(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	old, err := Open(t.Context(), path, Options{Migrations: schema[:1]})
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	if err := old.Tx(t.Context(), insert("old")); err != nil {
		t.Fatal(err)
	}
	// The newer program migrates while the older one runs; both go on.
	newer := open(t, path)
	if err := old.Tx(t.Context(), insert("old again")); err != nil {
		t.Fatal(err)
	}
	var w int
	if err := newer.Do(t.Context(), func(q *Q) error {
		return q.QueryRow("SELECT sum(w) FROM t").Scan(&w)
	}); err != nil || w != 14 {
		t.Fatalf("sum %d, %v", w, err)
	}
	// An older program starts on the newer schema and leaves it alone.
	if err := old.Migrate(t.Context(), schema[:1]); err != nil {
		t.Fatal(err)
	}
	// A step that fails leaves nothing behind.
	bad := append(schema[:2:2], "CREATE TABLE u (x); CREATE TABLE t (x)")
	if err := newer.Migrate(t.Context(), bad); err == nil {
		t.Fatal("a broken step succeeded")
	}
	if v, _ := newer.version(t.Context()); v != 2 {
		t.Errorf("version %d after a broken step", v)
	}
	if err := newer.Do(t.Context(), func(q *Q) error { _, err := q.Exec("SELECT * FROM u"); return err }); err == nil {
		t.Error("half of a broken step stayed")
	}
}

func TestErrorsAreRecognised(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "bad.db")
	if err := os.WriteFile(path, []byte("this is not a database, it only has the right length to be read as one"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), path, Options{}); !IsCorrupt(err) {
		t.Errorf("garbage: %v", err)
	}
	if _, err := Open(t.Context(), filepath.Join(dir, "no", "x.db"), Options{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no directory: %v", err)
	}

	db, err := Open(t.Context(), filepath.Join(dir, "x.db"), Options{Migrations: schema, BusyTimeout: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	other := open(t, db.Path())
	if err := other.Tx(t.Context(), func(*Q) error { return db.Tx(t.Context(), insert("a")) }); !IsBusy(err) {
		t.Errorf("locked by another: %v", err)
	}
	db.Do(t.Context(), func(q *Q) error { _, err := q.Exec("PRAGMA max_page_count=1"); return err })
	if err := db.Tx(t.Context(), func(q *Q) error {
		_, err := q.Exec("INSERT INTO t (v) VALUES (hex(randomblob(100000)))")
		return err
	}); !IsFull(err) {
		t.Errorf("full: %v", err)
	}
	// SQLite rolled back by itself; the connection is still good.
	if n := count(t, db); n != 0 {
		t.Errorf("%d rows after a full disk", n)
	}
	db.Close()
	if err := db.Close(); err != nil {
		t.Errorf("second close: %v", err)
	}
	if err := db.Tx(t.Context(), insert("a")); !errors.Is(err, ErrClosed) {
		t.Errorf("after close: %v", err)
	}
}

func TestBackup(t *testing.T) {
	dir := t.TempDir()
	db := open(t, filepath.Join(dir, "x.db"))
	if err := db.Tx(t.Context(), insert("a")); err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(dir, "copy.db")
	if err := db.Backup(t.Context(), copied); err != nil {
		t.Fatal(err)
	}
	if err := db.Backup(t.Context(), copied); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a backup replaced a file: %v", err)
	}
	if err := db.Tx(t.Context(), insert("b")); err != nil {
		t.Fatal(err)
	}
	if n := count(t, open(t, copied)); n != 1 {
		t.Errorf("%d rows in the copy", n)
	}
}

func BenchmarkQueryRow(b *testing.B) {
	db, err := Open(b.Context(), filepath.Join(b.TempDir(), "x.db"), Options{Migrations: schema})
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	db.Tx(b.Context(), insert("a"))
	for b.Loop() {
		var id int
		if err := db.Do(b.Context(), func(q *Q) error {
			return q.QueryRow("SELECT id FROM t WHERE v = ?", "a").Scan(&id)
		}); err != nil {
			b.Fatal(err)
		}
	}
}
