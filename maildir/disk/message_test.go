package disk_test

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"syscall"
	"testing"
	"time"

	"bascule/maildir/disk"
	"bascule/maildir/disk/disktest"
)

func TestDeliver(t *testing.T) {
	m := newMaildir(t)
	in, err := m.Create("", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(in, "Subject: x\r\n\r\n")
	when := time.Unix(1234567890, 0)
	in.SetTime(when)
	if l, err := m.Scan(""); err != nil || len(l.Entries) != 0 {
		t.Fatalf("visible before Commit: %+v, %v", l, err)
	}
	file := disk.WithSizes(in.Unique(), in.Size(), in.Size())
	if err := in.Commit(disk.New, file); err != nil {
		t.Fatal(err)
	}
	in.Abort()
	p := disk.Place{Sub: disk.New, File: file}
	st, err := m.Stat(p)
	if err != nil || st.Size != 14 || !st.ModTime().Equal(when) || st.Links != 1 {
		t.Fatalf("%+v, %v", st, err)
	}
	f, err := m.Open(p)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if disk.OSFile(f) == nil {
		t.Error("no *os.File for sendfile")
	}
	if rest := tree(t, m.Path("", disk.Tmp)); len(rest) != 1 {
		t.Errorf("left in tmp: %q", rest)
	}
}

func TestDeliverNeverReplaces(t *testing.T) {
	m := newMaildir(t)
	old := deliver(t, m, "", disk.New, "old")
	in, err := m.Create("", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(in, "new")
	if err := in.Commit(disk.New, old.File); !errors.Is(err, disk.ErrExists) {
		t.Fatalf("Commit onto another message: %v", err)
	}
	if read(t, m, old) != "old" {
		t.Fatal("a message was replaced")
	}
	// It can still get another name.
	if err := in.Commit(disk.New, in.Unique()); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"", ".x", "a/b", "../cur/x", "a\nb"} {
		in, err := m.Create("", time.Now())
		if err != nil {
			t.Fatal(err)
		}
		if err := in.Commit(disk.New, bad); !errors.Is(err, disk.ErrBadName) {
			t.Errorf("Commit(%q): %v", bad, err)
		}
		in.Abort()
	}
	if rest := tree(t, m.Path("", disk.Tmp)); len(rest) != 1 {
		t.Errorf("left in tmp: %q", rest)
	}
}

func TestMissingSubdirectories(t *testing.T) {
	m := newMaildir(t)
	os.Remove(m.Path("", disk.Tmp))
	os.Remove(m.Path("", disk.New))
	if l, err := m.Scan(""); err != nil || len(l.Entries) != 0 {
		t.Fatalf("%+v, %v", l, err)
	}
	deliver(t, m, "", disk.New, "x")
	if err := m.CreateFolder(".A"); err != nil {
		t.Fatal(err)
	}
	os.Remove(m.Path("", disk.Tmp))
	if err := m.RemoveFolder(".A"); err != nil {
		t.Fatal(err)
	}
	// A folder that was deleted is not made anew by who still delivers into it.
	if _, err := m.Create(".A", time.Now()); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("create in a folder that is gone: %v", err)
	}
	if has, _ := m.HasFolder(".A"); has {
		t.Fatal("the folder is back")
	}
}

func TestCommitFaults(t *testing.T) {
	var unique string
	everyFault(t, func(t *testing.T) *disk.Maildir { return newMaildir(t) },
		func(m *disk.Maildir) error {
			in, err := m.Create("", time.Now())
			if err != nil {
				return err
			}
			defer in.Abort()
			in.SetTime(time.Unix(1e9, 0))
			if _, err := io.WriteString(in, "0123456789"); err != nil {
				return err
			}
			unique = in.Unique()
			return in.Commit(disk.Cur, unique+":2,S")
		},
		func(t *testing.T, m *disk.Maildir, err error) {
			l, lerr := m.Scan("")
			if lerr != nil {
				t.Fatal(lerr)
			}
			switch {
			case err == nil && len(l.Entries) != 1:
				t.Fatalf("acknowledged, but there are %d messages", len(l.Entries))
			case err != nil && !errors.Is(err, disktest.ErrKilled) && len(l.Entries) != 0:
				t.Fatalf("refused, but it is there")
			}
			for _, e := range l.Entries {
				if got := read(t, m, disk.Place{Sub: e.Sub, File: e.File}); got != "0123456789" {
					t.Fatalf("contents %q", got)
				}
			}
			if _, err := m.SweepTmp("", 0, time.Now().Add(disk.TmpAge+time.Hour)); err != nil {
				t.Fatal(err)
			}
			if rest := tree(t, m.Path("", disk.Tmp)); len(rest) != 1 && !errors.Is(err, disktest.ErrKilled) {
				t.Fatalf("left in tmp: %q", rest)
			}
		})
}

func TestCommitSurvivesPowerFailure(t *testing.T) {
	for _, links := range []bool{false, true} {
		m := newMaildir(t)
		rec, err := disktest.NewRecordFS(m.Root())
		if err != nil {
			t.Fatal(err)
		}
		var f disk.FS = rec
		if links {
			f = disktest.LinkRenameFS{FS: rec}
		}
		r := disk.OnFS(m, f)
		var places []disk.Place
		var acknowledged []int
		for i := range 3 {
			places = append(places, deliver(t, r, "", disk.New, fmt.Sprint("message ", i)))
			acknowledged = append(acknowledged, rec.Len())
		}
		// And one of them is read: renamed from new/ to cur/.
		if err := r.Rename(places[0], disk.Place{Sub: disk.Cur, File: places[0].File + ":2,S"}); err != nil {
			t.Fatal(err)
		}
		r.Sync("", disk.Cur)
		for n := range rec.Len() + 1 {
			for _, p := range policies(6) {
				dir := t.TempDir()
				if err := rec.Replay(n, dir, p); err != nil {
					t.Fatal(err)
				}
				after, err := disk.Open(disk.OS, namer, dir)
				if err != nil {
					t.Fatal(err)
				}
				l, err := after.Scan("")
				if err != nil {
					t.Fatal(err)
				}
				found := map[string]bool{}
				for _, e := range l.Entries {
					found[e.Base()] = true
					i := slices.IndexFunc(places, func(p disk.Place) bool { return p.File == e.Base() })
					if got := read(t, after, disk.Place{Sub: e.Sub, File: e.File}); i < 0 || got != fmt.Sprint("message ", i) {
						t.Fatalf("after call %d (%v): %s contains %q", n, p, e.File, got)
					}
				}
				for i, at := range acknowledged {
					if n >= at && !found[places[i].File] {
						t.Fatalf("after call %d (%v): message %d is lost", n, p, i)
					}
				}
			}
		}
	}
}

func TestRenameIsIdempotent(t *testing.T) {
	m := newMaildir(t)
	m.CreateFolder(".A")
	from := deliver(t, m, "", disk.New, "one")
	to := disk.Place{Folder: ".A", Sub: disk.Cur, File: from.File + ":2,S"}
	for i := range 2 {
		if err := m.Rename(from, to); err != nil {
			t.Fatalf("%d: %v", i, err)
		}
	}
	// What a crash between link and unlink leaves.
	if err := os.Link(m.PathOf(to), m.PathOf(from)); err != nil {
		t.Fatal(err)
	}
	if err := m.Rename(from, to); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Stat(from); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("the old name: %v", err)
	}
	other := deliver(t, m, "", disk.New, "two")
	if err := m.Rename(other, to); !errors.Is(err, disk.ErrExists) {
		t.Fatalf("renamed onto another: %v", err)
	}
	if read(t, m, other) != "two" || read(t, m, to) != "one" {
		t.Fatal("contents changed")
	}
	if err := m.Rename(from, from); err != nil {
		t.Fatal(err)
	}
	if err := m.Rename(from, disk.Place{Sub: disk.Cur, File: "nowhere"}); !errors.Is(err, disk.ErrGone) {
		t.Fatalf("renamed nothing: %v", err)
	}
	if err := m.Rename(other, disk.Place{Folder: ".gone", Sub: disk.Cur, File: "x"}); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("renamed into a folder that is gone: %v", err)
	}
}

func TestRenameFaults(t *testing.T) {
	var from, to disk.Place
	everyFault(t, func(t *testing.T) *disk.Maildir {
		m := newMaildir(t)
		m.CreateFolder(".A")
		os.Remove(m.Path(".A", disk.New))
		from = deliver(t, m, "", disk.Cur, "one")
		to = disk.Place{Folder: ".A", Sub: disk.New, File: "moved"}
		return m
	}, func(m *disk.Maildir) error { return m.Rename(from, to) },
		func(t *testing.T, m *disk.Maildir, err error) {
			if err == nil {
				read(t, m, to)
			}
			if err := m.Rename(from, to); err != nil {
				t.Fatalf("cannot be repeated: %v", err)
			}
			if read(t, m, to) != "one" {
				t.Fatal("contents")
			}
			if _, err := m.Stat(from); err == nil {
				t.Fatal("both names are there")
			}
		})
}

func TestLink(t *testing.T) {
	for _, refuse := range []error{nil, syscall.EMLINK, syscall.EXDEV, syscall.EPERM} {
		t.Run(fmt.Sprint(refuse), func(t *testing.T) {
			m := newMaildir(t)
			if refuse != nil {
				m = disk.OnFS(m, &disktest.FaultFS{FS: disk.OS, At: 1, Err: refuse,
					Match: func(op, _ string) bool { return op == "link" }})
			}
			m.CreateFolder(".A")
			from := deliver(t, m, "", disk.New, "one")
			when := time.Unix(1e9, 0)
			os.Chtimes(m.PathOf(from), when, when)
			to := disk.Place{Folder: ".A", Sub: disk.Cur, File: "copy:2,S"}
			if err := m.Link(from, to); err != nil {
				t.Fatal(err)
			}
			st, err := m.Stat(to)
			if err != nil || read(t, m, to) != "one" || !st.ModTime().Equal(when) || (st.Links == 2) != (refuse == nil) {
				t.Fatalf("%+v, %v", st, err)
			}
			if refuse == nil {
				if err := m.Link(from, to); err != nil {
					t.Fatalf("cannot be repeated: %v", err)
				}
			}
			if err := m.Remove(from); err != nil {
				t.Fatal(err)
			}
			if err := m.Link(from, to); err != nil {
				t.Fatalf("done before, source gone: %v", err)
			}
			other := deliver(t, m, "", disk.New, "two")
			if err := m.Link(other, to); !errors.Is(err, disk.ErrExists) {
				t.Fatalf("linked onto another: %v", err)
			}
			if err := m.Link(from, disk.Place{Sub: disk.Cur, File: "x"}); !errors.Is(err, disk.ErrGone) {
				t.Fatalf("linked nothing: %v", err)
			}
		})
	}
}

func TestRemove(t *testing.T) {
	m := newMaildir(t)
	p := deliver(t, m, "", disk.New, "one")
	for range 2 {
		if err := m.Remove(p); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.Remove(disk.Place{Sub: disk.Cur, File: "../../x"}); !errors.Is(err, disk.ErrBadName) {
		t.Fatal(err)
	}
}

func TestSweepTmp(t *testing.T) {
	m := newMaildir(t)
	in, err := m.Create("", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	old := m.Path("", disk.Tmp) + "/old"
	os.WriteFile(old, nil, 0o600)
	os.Chtimes(old, time.Unix(0, 0), time.Unix(0, 0))
	if n, err := m.SweepTmp("", 0, time.Now()); n != 0 || err != nil {
		t.Fatalf("removed %d, %v: the inode of the old file is new", n, err)
	}
	if n, err := m.SweepTmp("", 0, time.Now().Add(disk.TmpAge+time.Minute)); n != 2 || err != nil {
		t.Fatalf("removed %d, %v", n, err)
	}
	in.Abort()
	if n, err := m.SweepTmp(".none", 0, time.Now()); n != 0 || err != nil {
		t.Fatal(n, err)
	}
}

func TestScan(t *testing.T) {
	m := newMaildir(t)
	a := deliver(t, m, "", disk.New, "a")
	b := deliver(t, m, "", disk.Cur, "b")
	os.WriteFile(m.Path("", disk.Cur)+"/.hidden", nil, 0o600)
	os.WriteFile(m.Path("", disk.Cur)+"/a\nb", nil, 0o600)
	l, err := m.Scan("")
	if err != nil || len(l.Entries) != 2 || l.Ignored != 2 {
		t.Fatalf("%+v, %v", l, err)
	}
	for i, p := range []disk.Place{a, b} {
		e := l.Entries[i]
		if e.Sub != p.Sub || e.File != p.File || e.Base() != disk.BaseOf(p.File) || e.Name().String() != p.File {
			t.Errorf("%+v, want %+v", e, p)
		}
	}
	if times, err := m.Times(""); err != nil || times != l.Times {
		t.Errorf("nothing changed, but %+v and %+v, %v", times, l.Times, err)
	}
	m.Remove(a)
	os.Chtimes(m.Path("", disk.New), time.Unix(0, 0), time.Unix(1, 0)) // whatever the clock's granularity
	if times, _ := m.Times(""); times == l.Times {
		t.Error("a change does not show in Times")
	}
	if p, found, err := m.Find("", disk.BaseOf(b.File)); p != b || !found || err != nil {
		t.Errorf("Find: %+v, %v, %v", p, found, err)
	}
	if _, found, err := m.Find("", disk.BaseOf(a.File)); found || err != nil {
		t.Errorf("Find: %v, %v", found, err)
	}
	if _, err := m.Scan(".none"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("scan of no folder: %v", err)
	}
}

// TestReadDirNames compares our reading of directory blocks with package os, over several blocks and odd names.
func TestReadDirNames(t *testing.T) {
	dir := t.TempDir()
	for i := range 3000 {
		name := fmt.Sprintf("%s/%d%0*d", dir, i, i%120, 0)
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	os.WriteFile(dir+"/ü\n\xff", nil, 0o600)
	got, err := disk.OS.ReadDirNames(dir)
	if err != nil {
		t.Fatal(err)
	}
	f, _ := os.Open(dir)
	defer f.Close()
	want, err := f.Readdirnames(-1)
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Fatalf("%d names, want %d", len(got), len(want))
	}
	if _, err := disk.OS.ReadDirNames(dir + "/none"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if _, err := disk.OS.ReadDirNames(dir + "/ü\n\xff"); !errors.Is(err, syscall.ENOTDIR) {
		t.Error(err)
	}
}

func BenchmarkScan100k(b *testing.B) {
	m := newMaildir(b)
	cur := m.Path("", disk.Cur)
	for i := range 100_000 {
		name := disk.WithSizes(namer.Unique(time.Now()), int64(i), int64(i)) + ":2,S"
		if err := syscall.Mknod(cur+"/"+name, syscall.S_IFREG|0o600, 0); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		l, err := m.Scan("")
		if err != nil || len(l.Entries) != 100_000 {
			b.Fatal(len(l.Entries), err)
		}
	}
}

func BenchmarkDeliver(b *testing.B) {
	m := newMaildir(b)
	body := make([]byte, 4096)
	for b.Loop() {
		deliver(b, m, "", disk.New, string(body))
	}
}
