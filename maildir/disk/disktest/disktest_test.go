package disktest

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"bascule/maildir/disk"
)

func TestFaultAtEachCall(t *testing.T) {
	scenario := func(f disk.FS, dir string) error {
		w, err := f.Create(dir+"/a", 0o600)
		if err != nil {
			return err
		}
		defer w.Close()
		if _, err := io.WriteString(w, "0123456789"); err != nil {
			return err
		}
		if err := w.Sync(); err != nil {
			return err
		}
		if _, err := f.Stat(dir + "/a"); err != nil {
			return err
		}
		return f.Rename(dir+"/a", dir+"/b")
	}
	dry := &FaultFS{FS: disk.OS}
	if err := scenario(dry, t.TempDir()); err != nil || dry.Count() != 4 {
		t.Fatalf("%d calls, %v", dry.Count(), err)
	}
	all := &FaultFS{FS: disk.OS, All: true}
	if err := scenario(all, t.TempDir()); err != nil || all.Count() != 5 {
		t.Fatalf("%d calls, %v", all.Count(), err)
	}
	for n := 1; n <= dry.Count(); n++ {
		dir := t.TempDir()
		f := &FaultFS{FS: disk.OS, At: n, Err: syscall.ENOSPC}
		if err := scenario(f, dir); !errors.Is(err, syscall.ENOSPC) || f.Fired() == "" {
			t.Errorf("call %d: %v", n, err)
		}
		if data, _ := os.ReadFile(dir + "/a"); n == 2 && string(data) != "01234" {
			t.Errorf("a failed write left %q", data)
		}
		f = &FaultFS{FS: disk.OS, At: n}
		if err := scenario(f, t.TempDir()); !errors.Is(err, ErrKilled) {
			t.Errorf("call %d: %v", n, err)
		}
		if _, err := f.Stat("/"); !errors.Is(err, ErrKilled) {
			t.Errorf("the dead read: %v", err)
		}
		f.Revive()
		if _, err := f.Stat("/"); err != nil {
			t.Error(err)
		}
	}
	if disk.OSFile(mustOpen(t, &FaultFS{FS: disk.OS})) == nil {
		t.Error("OSFile does not look through the wrapper")
	}
}

func mustOpen(t *testing.T, f disk.FS) disk.File {
	t.Helper()
	w, err := f.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	return w
}

// contents lists a directory as "name=contents", names of directories with a slash.
func contents(t *testing.T, dir string) string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		rel, _ := filepath.Rel(dir, path)
		if rel == "." {
			return err
		}
		if d.IsDir() {
			all = append(all, rel+"/")
			return err
		}
		data, err := os.ReadFile(path)
		all = append(all, fmt.Sprintf("%s=%s", rel, data))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

func replay(t *testing.T, r *RecordFS, n int, p Policy) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "new")
	if err := r.Replay(n, dir, p); err != nil {
		t.Fatal(err)
	}
	return contents(t, dir)
}

func TestReplayDropsWhatWasNotSynced(t *testing.T) {
	root := t.TempDir()
	os.WriteFile(root+"/old", []byte("old"), 0o600)
	os.Mkdir(root+"/d", 0o700)
	r, err := NewRecordFS(root)
	if err != nil {
		t.Fatal(err)
	}
	var w disk.File
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	snapshot := "nothing"
	for _, step := range []struct {
		claim         string
		do            func() error
		dropped, kept string
	}{
		{"the beginning is durable", func() error { return nil }, "d/ old=old", "d/ old=old"},
		{"a new file", func() (err error) { w, err = r.Create(root+"/f", 0o600); return err }, "d/ old=old", "d/ f= old=old"},
		{"its contents", func() error { _, err := io.WriteString(w, "abc"); return err }, "d/ old=old", "d/ f=abc old=old"},
		{"its name without its contents", func() error { return r.SyncDir(root) }, "d/ f= old=old", "d/ f=abc old=old"},
		{"its contents synced", func() error { return w.Sync() }, "d/ f=abc old=old", "d/ f=abc old=old"},
		{"more contents", func() error { _, err := io.WriteString(w, "de"); return err }, "d/ f=abc old=old", "d/ f=abcde old=old"},
		{"a rename in the directory is one change", func() error { return r.RenameNoReplace(root+"/f", root+"/g") }, "d/ f=abc old=old", "d/ g=abcde old=old"},
		{"made durable", func() error { return r.SyncDir(root) }, "d/ g=abc old=old", "d/ g=abcde old=old"},
		{"a rename to another directory", func() error { return r.Rename(root+"/g", root+"/d/g") }, "d/ g=abc old=old", "d/ d/g=abcde old=old"},
		{"is not lost when only the source is synced", func() error { return r.SyncDir(root) }, "d/ d/g=abc old=old", "d/ d/g=abcde old=old"},
		{"a removal", func() error { return r.Remove(root + "/old") }, "d/ d/g=abc old=old", "d/ d/g=abcde"},
		{"a mark restores the last state of something else", func() error {
			s := snapshot
			r.Mark("db", func(dir string) error { return os.WriteFile(dir+"/db", []byte(s), 0o600) })
			return nil
		}, "d/ d/g=abc db=nothing old=old", "d/ d/g=abcde db=nothing"},
		{"a link", func() error { return r.Link(root+"/d/g", root+"/h") }, "d/ d/g=abc db=nothing old=old", "d/ d/g=abcde db=nothing h=abcde"},
		{"truncation", func() error { return r.Truncate(root+"/h", 1) }, "d/ d/g=abc db=nothing old=old", "d/ d/g=a db=nothing h=a"},
		{"a directory in one not synced", func() error { return r.Mkdir(root+"/e", 0o700) }, "d/ d/g=abc db=nothing old=old", "d/ d/g=a db=nothing e/ h=a"},
	} {
		must(step.do())
		if got := replay(t, r, r.Len(), DropUnsynced()); got != step.dropped {
			t.Errorf("%s: a power failure leaves %q, want %q", step.claim, got, step.dropped)
		}
		if got := replay(t, r, r.Len(), KeepAll()); got != step.kept {
			t.Errorf("%s: a crash leaves %q, want %q", step.claim, got, step.kept)
		}
	}
	must(w.Close())
	if got := replay(t, r, 0, KeepAll()); got != "d/ old=old" {
		t.Errorf("the empty beginning is %q", got)
	}
	// Random policies: the same seed gives the same, and between them the seeds give different states.
	states := map[string]bool{}
	for seed := range uint64(20) {
		for n := range r.Len() + 1 {
			a, b := replay(t, r, n, Subset(seed)), replay(t, r, n, Subset(seed))
			if a != b {
				t.Fatalf("seed %d gives %q and %q", seed, a, b)
			}
			states[a] = true
		}
	}
	if len(states) < 12 {
		t.Errorf("only %d states", len(states))
	}
}

func TestReplayedStateEqualsDisk(t *testing.T) {
	root := t.TempDir()
	r, err := NewRecordFS(root)
	if err != nil {
		t.Fatal(err)
	}
	m, err := disk.Create(r, disk.NewNamer("h"), root)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.CreateFolder(".A"); err != nil {
		t.Fatal(err)
	}
	if err := m.RewriteUIDList("", &disk.UIDList{UIDValidity: 1, NextUID: 1}); err != nil {
		t.Fatal(err)
	}
	if err := m.AppendUIDs("", []disk.UIDRecord{{UID: 1, Base: "x"}}, true); err != nil {
		t.Fatal(err)
	}
	if err := m.RenameFolder(".A", ".B"); err != nil {
		t.Fatal(err)
	}
	want := contents(t, root)
	for _, p := range []Policy{KeepAll(), DropUnsynced()} {
		// All of these operations are durable when they return, so a power failure changes nothing. (The folder's former name
		// in tmp/ need not be gone, but a directory has one place.)
		if got := replay(t, r, r.Len(), p); got != want {
			t.Errorf("%v:\n got %q\nwant %q", p, got, want)
		}
	}
}
