package search

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"bascule/internal/sqlitex"
)

func open(t *testing.T, path string) *DB {
	t.Helper()
	db, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// add indexes texts as the messages 1, 2, … of a folder.
func add(t *testing.T, db *DB, folder int64, texts ...string) {
	t.Helper()
	err := db.Write(t.Context(), func(tx Tx) error {
		f, err := tx.Begin(folder, "m", 7)
		if err != nil {
			return err
		}
		for i, text := range texts {
			if err := tx.Add(&f, uint32(i+1), []byte(text)); err != nil {
				return err
			}
		}
		f.Below = uint32(len(texts) + 1)
		return tx.Save(f)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func find(t *testing.T, db *DB, folder int64, text string) (uids []uint32, ok bool) {
	t.Helper()
	err := db.Read(t.Context(), func(tx Tx) (err error) { uids, ok, err = tx.Find(folder, text); return err })
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return uids, ok
}

// FuzzFind: a text that stands in a message is found, or the index says that it cannot tell.
func FuzzFind(f *testing.F) {
	for _, s := range []string{"abc", `a"b"c`, "xé\x80", "\xe2abc", "a\x00bc", "日本語", "a\nb\nc", "\ufffe\uffff\ufffd", "AND OR NOT", "*^:(){}", "\xc3\xa9\x80\x80", "\xed\xa0\x80abc", "🙂🙂🙂"} {
		f.Add("before "+s, s, "after")
	}
	db, err := Open(f.Context(), filepath.Join(f.TempDir(), "x.db"))
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { db.Close() })
	f.Fuzz(func(t *testing.T, before, text, after string) {
		err := db.Write(t.Context(), func(tx Tx) error {
			f, err := tx.Begin(5, "m", 7)
			if err != nil {
				return err
			}
			if err := tx.Add(&f, 9, []byte(before+text+after)); err != nil {
				return err
			}
			uids, ok, err := tx.Find(5, text)
			if err != nil {
				t.Errorf("%q: %v", text, err)
			} else if ok && !slices.Contains(uids, 9) {
				t.Errorf("%q is not found in %q", text, before+text+after)
			}
			return tx.Drop(5)
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func TestFindsWhatHasTheText(t *testing.T) {
	db := open(t, filepath.Join(t.TempDir(), "x.db"))
	add(t, db, 1, "the quokka is happy", "the quick fox", "nothing", "a quok and an okka")
	add(t, db, 2, "another quokka")
	if got, ok := find(t, db, 1, "quokka"); !ok || !slices.Contains(got, 1) || slices.Contains(got, 2) || slices.Contains(got, 3) {
		t.Errorf("found %v, %v", got, ok)
	}
	if got, _ := find(t, db, 2, "quokka"); !slices.Equal(got, []uint32{1}) {
		t.Errorf("in the other folder %v", got)
	}
	for _, text := range []string{"", "qu", "é", "\xffabc", "a\x00b"} {
		if got, ok := find(t, db, 1, text); ok {
			t.Errorf("%q: %v", text, got)
		}
	}
	if got, ok := find(t, db, 1, strings.Repeat("the quokka ", 5000)); !ok || !slices.Equal(got, []uint32{1}) {
		t.Errorf("a long text: %v, %v", got, ok)
	}
	// Case is the caller's.
	if got, _ := find(t, db, 1, "QUOKKA"); len(got) > 0 {
		t.Errorf("folded by itself: %v", got)
	}
}

func TestFoldersAreKnownByWhatTheyWereMadeOf(t *testing.T) {
	db := open(t, filepath.Join(t.TempDir(), "x.db"))
	add(t, db, 1, "alpha beta", "gamma delta")
	add(t, db, 2, "alpha")
	err := db.Write(t.Context(), func(tx Tx) error {
		if f, err := tx.Folder(1, "m", 8); err != nil || f.Below != 0 {
			t.Errorf("another UIDVALIDITY: %+v, %v", f, err)
		}
		if f, err := tx.Folder(1, "m", 7); err != nil || f.Below != 3 || f.Texts != 2 {
			t.Errorf("the folder: %+v, %v", f, err)
		}
		f, err := tx.Begin(1, "n", 7)
		if err != nil || f.Below != 0 || f.Texts != 0 {
			t.Errorf("another MAILBOXID: %+v, %v", f, err)
		}
		return tx.Save(f)
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := find(t, db, 1, "alpha"); len(got) > 0 {
		t.Errorf("rows of the folder before: %v", got)
	}
	if got, _ := find(t, db, 2, "alpha"); len(got) != 1 {
		t.Errorf("rows of the other folder: %v", got)
	}
}

func TestRemove(t *testing.T) {
	db := open(t, filepath.Join(t.TempDir(), "x.db"))
	add(t, db, 1, "alpha one", "alpha two", "alpha three")
	err := db.Write(t.Context(), func(tx Tx) error {
		f, err := tx.Begin(1, "m", 7)
		if err != nil {
			return err
		}
		if err := tx.AddUnread(&f, 4); err != nil {
			return err
		}
		if err := tx.Remove(&f, []uint32{2, 4, 9}); err != nil {
			return err
		}
		if err := tx.AddUnread(&f, 5); err != nil {
			return err
		}
		return tx.Save(f)
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := find(t, db, 1, "alpha"); !slices.Equal(got, []uint32{1, 3}) {
		t.Errorf("left %v", got)
	}
	err = db.Read(t.Context(), func(tx Tx) error {
		unread, err := tx.Unread(1)
		if err != nil || !slices.Equal(unread, []uint32{5}) {
			t.Errorf("unread %v, %v", unread, err)
		}
		if texts, n, err := tx.Totals(); texts != 2 || n != 1 || err != nil {
			t.Errorf("totals %d, %d, %v", texts, n, err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	err = db.Write(t.Context(), func(tx Tx) error {
		problem, err := tx.Verify()
		if problem != "" {
			t.Error(problem)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// One opening writes while another reads, and a damaged file is seen to be one.
func TestReadersDoNotWait(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	db, reader := open(t, path), open(t, path)
	add(t, db, 1, "alpha")
	err := db.Write(t.Context(), func(tx Tx) error {
		if got, _ := find(t, reader, 1, "alpha"); len(got) != 1 {
			t.Errorf("found %v", got)
		}
		f := Folder{ID: 1, ObjectID: "m", UIDValidity: 7}
		return tx.Add(&f, 2, []byte("alpha"))
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := find(t, reader, 1, "alpha"); len(got) != 2 {
		t.Errorf("after the commit %v", got)
	}
	if Size(path) == 0 {
		t.Error("no size")
	}
	db.Close()
	reader.Close()
	if err := os.WriteFile(path, []byte(strings.Repeat("no database ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), path); !IsDamaged(err) || !sqlitex.IsCorrupt(err) {
		t.Errorf("a damaged file: %v", err)
	}
	if err := Remove(path); err != nil || Size(path) != 0 {
		t.Error(err)
	}
	add(t, open(t, path), 1, "alpha")
}

// Random texts of few characters, so that trigrams meet: nothing that is there is missed.
func TestNothingIsMissed(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	letters := []rune("abé\"日 ")
	random := func(n int) string {
		var b strings.Builder
		for range n {
			b.WriteRune(letters[r.IntN(len(letters))])
		}
		return b.String()
	}
	db := open(t, filepath.Join(t.TempDir(), "x.db"))
	texts := make([]string, 200)
	for i := range texts {
		texts[i] = random(r.IntN(40))
	}
	add(t, db, 1, texts...)
	for range 500 {
		text := random(3 + r.IntN(4))
		got, ok := find(t, db, 1, text)
		if !ok {
			t.Fatalf("%q cannot be looked for", text)
		}
		for i, s := range texts {
			if strings.Contains(s, text) && !slices.Contains(got, uint32(i+1)) {
				t.Fatal(fmt.Sprintf("%q is not found in %q", text, s))
			}
		}
	}
}
