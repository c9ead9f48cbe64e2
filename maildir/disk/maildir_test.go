package disk_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"bascule/maildir/disk"
	"bascule/maildir/disk/disktest"
)

var namer = disk.NewNamer("test.example")

func newMaildir(t testing.TB) *disk.Maildir {
	t.Helper()
	m, err := disk.Create(disk.OS, namer, filepath.Join(t.TempDir(), "a", "Maildir"))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// deliver commits a message and gives its place.
func deliver(t testing.TB, m *disk.Maildir, folder string, sub disk.Sub, body string) disk.Place {
	t.Helper()
	in, err := m.Create(folder, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	defer in.Abort()
	if _, err := in.Write([]byte(body)); err != nil {
		t.Fatal(err)
	}
	file := disk.WithSizes(in.Unique(), in.Size(), in.Size())
	if sub == disk.Cur {
		file += ":2,S"
	}
	if err := in.Commit(sub, file); err != nil {
		t.Fatal(err)
	}
	return disk.Place{Folder: folder, Sub: sub, File: file}
}

func read(t testing.TB, m *disk.Maildir, p disk.Place) string {
	t.Helper()
	data, err := os.ReadFile(m.PathOf(p))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// tree lists everything under root, for messages of failed tests and to find leftovers.
func tree(t testing.TB, root string) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		rel, _ := filepath.Rel(root, path)
		all = append(all, rel)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// everyFault runs act once for each call it makes, with the call failing by ENOSPC, by EIO and by death of the process, with and
// without the rename flag of the kernel. check sees the file system as the next process does.
func everyFault(t *testing.T, setup func(t *testing.T) *disk.Maildir, act func(m *disk.Maildir) error, check func(t *testing.T, m *disk.Maildir, err error)) {
	t.Helper()
	for _, links := range []bool{false, true} {
		for _, fault := range []error{syscall.ENOSPC, syscall.EIO, nil} {
			for n := 1; ; n++ {
				m := setup(t)
				faulty := &disktest.FaultFS{FS: disk.OS, At: n, Err: fault, All: true}
				var f disk.FS = faulty
				if links {
					f = disktest.LinkRenameFS{FS: faulty}
				}
				err := act(disk.OnFS(m, f))
				ok := t.Run(fmt.Sprintf("links=%v/%v/%d", links, fault, n), func(t *testing.T) {
					t.Logf("failed at %s: %v", faulty.Fired(), err)
					check(t, m, err)
				})
				if !ok || faulty.Fired() == "" {
					break
				}
			}
		}
	}
}

func TestCreateAndOpen(t *testing.T) {
	root := filepath.Join(t.TempDir(), "x", "y", "Maildir")
	if _, err := disk.Open(disk.OS, namer, root); !errors.Is(err, disk.ErrNotMaildir) {
		t.Fatalf("opening nothing: %v", err)
	}
	for range 2 {
		if _, err := disk.Create(disk.OS, namer, root); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := disk.Open(disk.OS, namer, root); err != nil {
		t.Fatal(err)
	}
}

func TestCreateSurvivesPowerFailure(t *testing.T) {
	base := t.TempDir()
	rec, err := disktest.NewRecordFS(base)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := disk.Create(rec, namer, filepath.Join(base, "d", "u", "Maildir")); err != nil {
		t.Fatal(err)
	}
	for n := range rec.Len() + 1 {
		dir := t.TempDir()
		if err := rec.Replay(n, dir, disktest.DropUnsynced()); err != nil {
			t.Fatal(err)
		}
		root := filepath.Join(dir, "d", "u", "Maildir")
		if _, err := disk.Open(disk.OS, namer, root); n == rec.Len() && err != nil {
			t.Fatalf("created, then gone: %v", err)
		}
		if _, err := disk.Create(disk.OS, namer, root); err != nil {
			t.Fatalf("after call %d: %v", n, err)
		}
	}
}

func TestFolders(t *testing.T) {
	m := newMaildir(t)
	for _, dir := range []string{".B", ".A", ".A.B"} {
		if err := m.CreateFolder(dir); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(filepath.Join(m.Dir(dir), "maildirfolder")); err != nil {
			t.Error(err)
		}
	}
	if err := m.CreateFolder(".A"); !errors.Is(err, disk.ErrExists) {
		t.Errorf("created twice: %v", err)
	}
	for _, bad := range []string{"", ".", "..", "A", ".A/B", "../x", ".\x00"} {
		if err := m.CreateFolder(bad); !errors.Is(err, disk.ErrBadName) {
			t.Errorf("CreateFolder(%q): %v", bad, err)
		}
		if err := m.RemoveFolder(bad); !errors.Is(err, disk.ErrBadName) {
			t.Errorf("RemoveFolder(%q): %v", bad, err)
		}
		if err := m.RenameFolder(".A", bad); !errors.Is(err, disk.ErrBadName) {
			t.Errorf("RenameFolder(%q): %v", bad, err)
		}
	}
	os.MkdirAll(m.Dir(".INBOX")+"/cur", 0o700)
	os.Mkdir(m.Dir(".stray"), 0o700)
	os.Mkdir(m.Dir("nodot"), 0o700)
	os.WriteFile(m.Dir(".file"), nil, 0o600)
	os.Symlink(m.Dir(".A"), m.Dir(".Link"))
	l, err := m.Folders()
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"", ".A", ".A.B", ".B", ".Link"}; !slices.Equal(l.Dirs, want) {
		t.Errorf("folders %q, want %q", l.Dirs, want)
	}
	if want := []string{".INBOX", ".stray"}; !slices.Equal(l.Stray, want) {
		t.Errorf("stray %q, want %q", l.Stray, want)
	}

	p := deliver(t, m, ".A", disk.New, "hello")
	if err := m.RenameFolder(".A", ".B"); !errors.Is(err, disk.ErrExists) {
		t.Errorf("renamed onto another: %v", err)
	}
	for range 2 { // the second time it is done already
		if err := m.RenameFolder(".A", ".C"); err != nil {
			t.Fatal(err)
		}
	}
	p.Folder = ".C"
	if read(t, m, p) != "hello" {
		t.Error("the message did not come along")
	}
	if err := m.RenameFolder(".no", ".neither"); !errors.Is(err, disk.ErrGone) {
		t.Errorf("renamed nothing: %v", err)
	}
	for range 2 {
		if err := m.RemoveFolder(".C"); err != nil {
			t.Fatal(err)
		}
	}
	if has, err := m.HasFolder(".C"); has || err != nil {
		t.Errorf("HasFolder after removal: %v, %v", has, err)
	}
	if rest := tree(t, m.Path("", disk.Tmp)); len(rest) != 1 {
		t.Errorf("left in tmp: %q", rest)
	}
}

func TestRemoveFolderDoesNotFollowLinks(t *testing.T) {
	m := newMaildir(t)
	outside := filepath.Join(t.TempDir(), "precious")
	os.Mkdir(outside, 0o700)
	os.WriteFile(outside+"/mail", nil, 0o600)
	m.CreateFolder(".A")
	if err := os.Symlink(outside, m.Path(".A", disk.Cur)+"/link"); err != nil {
		t.Fatal(err)
	}
	if err := m.RemoveFolder(".A"); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(outside + "/mail"); err != nil {
		t.Fatal(err)
	}
}

func TestCreateFolderFaults(t *testing.T) {
	everyFault(t, func(t *testing.T) *disk.Maildir { return newMaildir(t) },
		func(m *disk.Maildir) error { return m.CreateFolder(".A") },
		func(t *testing.T, m *disk.Maildir, err error) {
			l, lerr := m.Folders()
			if lerr != nil || len(l.Stray) > 0 {
				t.Fatalf("half a folder: %+v, %v", l, lerr)
			}
			has, _ := m.HasFolder(".A")
			if err == nil && !has {
				t.Fatal("created, but not there")
			}
			if has {
				deliver(t, m, ".A", disk.New, "x")
				if _, err := os.Stat(m.Dir(".A") + "/maildirfolder"); err != nil {
					t.Fatal(err)
				}
			} else if err := m.CreateFolder(".A"); err != nil {
				t.Fatalf("cannot be created afterwards: %v", err)
			}
			// Nothing stays behind once the sweep is allowed to look.
			if _, err := m.Sweep(time.Now().Add(disk.TmpAge + time.Hour)); err != nil {
				t.Fatal(err)
			}
			if rest := tree(t, m.Path("", disk.Tmp)); len(rest) != 1 {
				t.Fatalf("left in tmp: %q", rest)
			}
		})
}

func TestRemoveFolderFaults(t *testing.T) {
	setup := func(t *testing.T) *disk.Maildir {
		m := newMaildir(t)
		m.CreateFolder(".A")
		deliver(t, m, ".A", disk.New, "one")
		deliver(t, m, ".A", disk.Cur, "two")
		return m
	}
	everyFault(t, setup,
		func(m *disk.Maildir) error { return m.RemoveFolder(".A") },
		func(t *testing.T, m *disk.Maildir, err error) {
			has, _ := m.HasFolder(".A")
			if has && err == nil {
				t.Fatal("removed, but still there")
			}
			if has {
				l, err := m.Scan(".A")
				if err != nil || len(l.Entries) != 2 {
					t.Fatalf("half removed: %+v, %v", l, err)
				}
			}
			if err := m.RemoveFolder(".A"); err != nil {
				t.Fatal(err)
			}
			if _, err := m.Sweep(time.Now()); err != nil {
				t.Fatal(err)
			}
			if rest := tree(t, m.Root()); slices.ContainsFunc(rest, func(s string) bool { return strings.Contains(s, "A") || strings.Contains(s, "test.example") }) {
				t.Fatalf("left: %q", rest)
			}
		})
}

func TestRenameFolderFaults(t *testing.T) {
	setup := func(t *testing.T) *disk.Maildir {
		m := newMaildir(t)
		m.CreateFolder(".A")
		deliver(t, m, ".A", disk.New, "one")
		return m
	}
	everyFault(t, setup,
		func(m *disk.Maildir) error { return m.RenameFolder(".A", ".B") },
		func(t *testing.T, m *disk.Maildir, err error) {
			if err := m.RenameFolder(".A", ".B"); err != nil {
				t.Fatalf("cannot be repeated: %v", err)
			}
			if l, err := m.Scan(".B"); err != nil || len(l.Entries) != 1 {
				t.Fatalf("%+v, %v", l, err)
			}
		})
}

func TestFolderOperationsSurvivePowerFailure(t *testing.T) {
	m := newMaildir(t)
	rec, err := disktest.NewRecordFS(m.Root())
	if err != nil {
		t.Fatal(err)
	}
	r := disk.OnFS(m, rec)
	if err := r.CreateFolder(".A"); err != nil {
		t.Fatal(err)
	}
	created := rec.Len()
	deliver(t, r, ".A", disk.New, "one")
	delivered := rec.Len()
	if err := r.RenameFolder(".A", ".B"); err != nil {
		t.Fatal(err)
	}
	renamed := rec.Len()
	if err := r.RemoveFolder(".B"); err != nil {
		t.Fatal(err)
	}
	for n := range rec.Len() + 1 {
		for _, p := range policies(4) {
			dir := t.TempDir()
			if err := rec.Replay(n, dir, p); err != nil {
				t.Fatal(err)
			}
			after, err := disk.Open(disk.OS, namer, dir)
			if err != nil {
				t.Fatal(err)
			}
			l, err := after.Folders()
			if err != nil || len(l.Stray) > 0 || len(l.Dirs) > 2 {
				t.Fatalf("after call %d (%v): %+v, %v", n, p, l, err)
			}
			var messages int
			for _, f := range l.Dirs {
				s, err := after.Scan(f)
				if err != nil {
					t.Fatal(err)
				}
				messages += len(s.Entries)
			}
			a, _ := after.HasFolder(".A")
			b, _ := after.HasFolder(".B")
			switch {
			case n >= created && n <= delivered && !a,
				n > delivered && n < renamed && a == b,
				n == renamed && !b,
				n == rec.Len() && (a || b),
				n >= delivered && n <= renamed && messages != 1:
				t.Fatalf("after call %d (%v): %q, %d messages", n, p, l.Dirs, messages)
			}
			if _, err := after.Sweep(time.Now()); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func policies(random uint64) []disktest.Policy {
	all := []disktest.Policy{disktest.DropUnsynced(), disktest.KeepAll()}
	for seed := range random {
		all = append(all, disktest.Prefix(seed), disktest.Subset(seed))
	}
	return all
}

func TestMarker(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	if err := disk.HasMarker(disk.OS, dir); !errors.Is(err, disk.ErrNoMarker) {
		t.Fatal(err)
	}
	for range 2 {
		if err := disk.WriteMarker(disk.OS, dir); err != nil {
			t.Fatal(err)
		}
	}
	if err := disk.HasMarker(disk.OS, dir); err != nil {
		t.Fatal(err)
	}
}

func TestWriteFileAtomicFaults(t *testing.T) {
	setup := func(t *testing.T) *disk.Maildir {
		m := newMaildir(t)
		if err := os.WriteFile(m.Root()+"/file", []byte("old contents"), 0o600); err != nil {
			t.Fatal(err)
		}
		return m
	}
	everyFault(t, setup,
		func(m *disk.Maildir) error {
			return disk.WriteFileAtomic(m.FS(), m.Root()+"/file", []byte("new contents"))
		},
		func(t *testing.T, m *disk.Maildir, err error) {
			data, rerr := os.ReadFile(m.Root() + "/file")
			if s := string(data); rerr != nil || s != "new contents" && (s != "old contents" || err == nil) {
				t.Fatalf("%q, %v", s, rerr)
			}
			if err := disk.WriteFileAtomic(disk.OS, m.Root()+"/file", []byte("third")); err != nil {
				t.Fatal(err)
			}
			if rest := tree(t, m.Root()); len(rest) != 5 {
				t.Fatalf("left: %q", rest)
			}
		})
}
