package disk_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"testing"

	"bascule/maildir/disk"
)

// TestHolding does the same with and without held directories: results and files must be alike.
func TestHolding(t *testing.T) {
	run := func(many int) (log []string, files []string) {
		m := newMaildir(t)
		m.CreateFolder(".A")
		m.CreateFolder(".B")
		os.Remove(m.Path(".B", disk.New))
		for _, name := range []string{"one", "two", "three", "four"} {
			os.WriteFile(m.PathOf(disk.Place{Sub: disk.Cur, File: name}), []byte(name), 0o600)
		}
		h, release := m.Holding(many)
		defer release()
		kind := func(err error) string {
			for _, e := range []error{disk.ErrGone, disk.ErrExists, disk.ErrBadName, fs.ErrNotExist} {
				if errors.Is(err, e) {
					return e.Error()
				}
			}
			return fmt.Sprint(err)
		}
		in := func(folder, file string) disk.Place { return disk.Place{Folder: folder, Sub: disk.Cur, File: file} }
		link := func(from, to disk.Place) { log = append(log, kind(h.Link(from, to))) }
		rename := func(from, to disk.Place) { log = append(log, kind(h.Rename(from, to))) }
		remove := func(p disk.Place) {
			found, err := h.Unlink(p)
			log = append(log, fmt.Sprint(found, kind(err)))
		}
		for range 2 { // all can be repeated
			link(in("", "one"), in(".A", "copy"))
			rename(in("", "two"), in(".A", "two:2,S"))
			rename(in(".A", "two:2,S"), in(".A", "two:2,FS"))
			remove(in("", "three"))
		}
		link(in("", "four"), in(".A", "copy"))
		rename(in("", "four"), in(".A", "copy"))
		link(in("", "nothing"), in(".A", "x"))
		rename(in("", "nothing"), in(".A", "x"))
		link(in("", "four"), in(".nowhere", "x"))
		rename(in("", "four"), in("", "../x"))
		remove(in("", "../x"))
		made := disk.Place{Folder: ".B", Sub: disk.New, File: "made"} // in a directory that is missing
		link(in("", "four"), made)
		look := func(p disk.Place) {
			buf := make([]byte, 3)
			n, err := h.ReadInto(p, buf)
			st, serr := h.Stat(p)
			log = append(log, fmt.Sprint(string(buf[:n]), kind(err), st.Size, st.Mode, st.Links, kind(serr)))
		}
		look(in("", "four"))
		look(in("", "nothing"))
		look(in(".nowhere", "four"))
		dir, err := h.Stat(disk.Place{Sub: disk.Cur, File: "."})
		log = append(log, fmt.Sprint(dir.Mode, kind(err)))
		rename(made, in(".B", "made:2,S"))
		// Another program makes a folder anew.
		os.RemoveAll(m.Dir(".A"))
		m.CreateFolder(".A")
		link(in("", "four"), in(".A", "four"))
		look(in(".A", "four"))
		remove(in(".A", "four"))
		rename(in("", "four"), in(".A", "four:2,S"))
		for _, folder := range []string{"", ".A", ".B"} {
			l, err := m.Scan(folder)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range l.Entries {
				files = append(files, folder+"/"+e.Sub.String()+"/"+e.File)
			}
		}
		slices.Sort(files)
		return log, files
	}
	wantLog, wantFiles := run(1)
	gotLog, gotFiles := run(100)
	if !slices.Equal(gotLog, wantLog) {
		t.Errorf("results:\n%q\nby path:\n%q", gotLog, wantLog)
	}
	if !slices.Equal(gotFiles, wantFiles) || len(gotFiles) != 3 {
		t.Errorf("files:\n%q\nby path:\n%q", gotFiles, wantFiles)
	}
}

// TestHoldingReleases: nothing stays open.
func TestHoldingReleases(t *testing.T) {
	open := func() int {
		l, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Skip(err)
		}
		return len(l)
	}
	m := newMaildir(t)
	before := open()
	h, release := m.Holding(100)
	h.Remove(disk.Place{Sub: disk.Cur, File: "x"})
	if open() == before {
		t.Fatal("cur/ is not held open")
	}
	release()
	if n := open(); n != before {
		t.Fatalf("%d files are open, not %d", n, before)
	}
}
