package sqlitex

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// rest makes db rest, whatever was done before.
func rest(t *testing.T, db *DB) {
	t.Helper()
	for range 2 {
		closed, err := db.Rest()
		if err != nil {
			t.Fatal(err)
		}
		if closed {
			return
		}
	}
	t.Fatal("it was quiet for an interval and does not rest")
}

func version(t *testing.T, db *DB) int64 {
	t.Helper()
	v, err := db.DataVersion(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestRestIsForTheQuiet(t *testing.T) {
	db := open(t, filepath.Join(t.TempDir(), "x.db"))
	if closed, err := db.Rest(); closed || err != nil {
		t.Fatalf("it was just opened: %v, %v", closed, err)
	}
	count(t, db)
	if closed, err := db.Rest(); closed || err != nil {
		t.Fatalf("it was used: %v, %v", closed, err)
	}
	db.Do(t.Context(), func(*Q) error {
		if closed, err := db.Rest(); closed || err != nil {
			t.Errorf("it is in use: %v, %v", closed, err)
		}
		return nil
	})
	rest(t, db)
	if closed, err := db.Rest(); closed || err != nil {
		t.Fatalf("it rests already: %v, %v", closed, err)
	}
}

func TestRestKeepsEverythingAndHoldsNothing(t *testing.T) {
	db := open(t, filepath.Join(t.TempDir(), "x.db"))
	if err := db.Tx(t.Context(), insert("a")); err != nil {
		t.Fatal(err)
	}
	rest(t, db)
	for _, suffix := range []string{"-wal", "-shm"} {
		if _, err := os.Stat(db.Path() + suffix); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is still there: %v", suffix, err)
		}
	}
	if n := count(t, db); n != 1 {
		t.Fatalf("%d rows", n)
	}
	if err := db.Tx(t.Context(), insert("b")); err != nil {
		t.Fatal(err)
	}
	var mode string
	if err := db.Do(t.Context(), func(q *Q) error { return q.QueryRow("PRAGMA synchronous").Scan(&mode) }); err != nil || mode != "2" {
		t.Errorf("synchronous is %q, %v", mode, err)
	}
}

// What others write while a DB rests must not be missed, although its new connection has seen no change.
func TestRestMovesDataVersion(t *testing.T) {
	db := open(t, filepath.Join(t.TempDir(), "x.db"))
	other := open(t, db.Path())
	seen := map[int64]bool{version(t, db): true}
	for range 5 {
		rest(t, db)
		if err := other.Tx(t.Context(), func(q *Q) error { _, err := q.Exec("UPDATE t SET w = w + 1"); return err }); err != nil {
			t.Fatal(err)
		}
		v := version(t, db)
		if seen[v] {
			t.Fatalf("version %x came again", v)
		}
		seen[v] = true
		if again := version(t, db); again != v {
			t.Fatalf("version went from %x to %x although nobody wrote", v, again)
		}
	}
	before := version(t, db)
	if err := other.Tx(t.Context(), insert("b")); err != nil {
		t.Fatal(err)
	}
	if version(t, db) == before {
		t.Error("a change after the rest did not move it")
	}
}

func TestRestRefusesAnotherFile(t *testing.T) {
	for name, replace := range map[string]func(t *testing.T, path string){
		"removed": func(t *testing.T, path string) { remove(t, path) },
		"made anew": func(t *testing.T, path string) {
			remove(t, path)
			open(t, path) // with the inode's number of the old one on many file systems
		},
		"replaced": func(t *testing.T, path string) {
			open(t, path+".copy").Close()
			if err := os.Rename(path+".copy", path); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			db := open(t, filepath.Join(t.TempDir(), "x.db"))
			rest(t, db)
			replace(t, db.Path())
			for range 2 {
				if err := db.Tx(t.Context(), insert("a")); !errors.Is(err, ErrReplaced) {
					t.Fatalf("err %v", err)
				}
			}
			if _, err := os.Stat(db.Path()); (err == nil) == (name == "removed") {
				t.Errorf("the file: %v", err)
			}
			if err := db.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// Where the kernel, or the rules of a container, know no statx, databases are opened all the same, and another file is noticed by its inode.
func TestIdentityWithoutStatx(t *testing.T) {
	defer func() { statx = unix.Statx }()
	for _, refusal := range []error{unix.ENOSYS, unix.EPERM} {
		statx = func(int, string, int, int, *unix.Statx_t) error { return refusal }
		db := open(t, filepath.Join(t.TempDir(), "x.db"))
		rest(t, db)
		if n := count(t, db); n != 0 {
			t.Errorf("%d rows", n)
		}
		rest(t, db)
		open(t, db.Path()+".copy").Close()
		if err := os.Rename(db.Path()+".copy", db.Path()); err != nil {
			t.Fatal(err)
		}
		if err := db.Tx(t.Context(), insert("a")); !errors.Is(err, ErrReplaced) {
			t.Errorf("another file: %v", err)
		}
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

// An opening that fails for a time, here for a directory that cannot be entered, costs only the calls that come meanwhile.
func TestRestEndsWhenTheFileCanBeOpenedAgain(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "d")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	db := open(t, filepath.Join(dir, "x.db"))
	if err := db.Tx(t.Context(), insert("a")); err != nil {
		t.Fatal(err)
	}
	rest(t, db)
	if err := os.Rename(dir, dir+".away"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir, nil, 0o600); err != nil { // ENOTDIR, which is not "missing"
		t.Fatal(err)
	}
	if err := db.Tx(t.Context(), insert("b")); err == nil || errors.Is(err, ErrReplaced) {
		t.Fatalf("err %v", err)
	}
	remove(t, dir)
	if err := os.Rename(dir+".away", dir); err != nil {
		t.Fatal(err)
	}
	if err := db.Tx(t.Context(), insert("b")); err != nil || count(t, db) != 2 {
		t.Fatal(err)
	}
}

// SQLite opens for reading what it cannot open for writing. That must not outlast its cause.
func TestRestThatEndsReadOnlyIsMended(t *testing.T) {
	dir := t.TempDir()
	db := open(t, filepath.Join(dir, "x.db"))
	other := open(t, db.Path()) // its files stay, so that they can be opened
	if err := other.Tx(t.Context(), insert("a")); err != nil {
		t.Fatal(err)
	}
	rest(t, db)
	mode := func(m fs.FileMode) {
		for _, suffix := range []string{"", "-wal", "-shm"} {
			if err := os.Chmod(db.Path()+suffix, m); err != nil {
				t.Fatal(err)
			}
		}
	}
	mode(0o444)
	if os.Geteuid() == 0 { // nobody can, for the files of a thread
		if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil {
			t.Fatal(err)
		}
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		unix.Setfsuid(65534)
		defer unix.Setfsuid(0)
	}
	for range 2 {
		if err := db.Tx(t.Context(), insert("b")); err == nil {
			t.Fatal("it was written")
		}
	}
	if os.Geteuid() == 0 {
		unix.Setfsuid(0)
	}
	mode(0o600)
	if err := db.Tx(t.Context(), insert("b")); err != nil || count(t, db) != 2 {
		t.Fatalf("%d rows, %v", count(t, db), err)
	}
}

func TestRestBesideWriters(t *testing.T) {
	db := open(t, filepath.Join(t.TempDir(), "x.db"))
	done := make(chan struct{})
	var writers, rests sync.WaitGroup
	rests.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
				if _, err := db.Rest(); err != nil {
					t.Error(err)
				}
			}
		}
	})
	const each = 50
	for k := range 4 {
		writers.Go(func() {
			for i := range each {
				if err := db.Tx(t.Context(), func(q *Q) error {
					_, err := q.Exec("INSERT INTO t (v) VALUES (?)", k*each+i)
					return err
				}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	writers.Wait()
	close(done)
	rests.Wait()
	if n := count(t, db); n != 4*each {
		t.Errorf("%d rows", n)
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
	if _, err := db.Rest(); err != nil {
		t.Errorf("rest after the end: %v", err)
	}
	if err := db.Do(t.Context(), func(*Q) error { return nil }); !errors.Is(err, ErrClosed) {
		t.Errorf("use after the end: %v", err)
	}
}

func BenchmarkWake(b *testing.B) {
	db, err := Open(b.Context(), filepath.Join(b.TempDir(), "x.db"), Options{Migrations: schema})
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	for b.Loop() {
		db.Rest()
		db.Rest()
		if _, err := db.DataVersion(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}
