package maildir

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"bascule/internal/notify"
	"bascule/locking"
	"bascule/maildir/disk"
)

// randomMessages have names of ours, of strangers, and odd ones.
func randomMessages(r *rand.Rand, n int) (msgs []Message) {
	namer, uid := disk.NewNamer("host.example"), UID(0)
	bytes := func(n int) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(1 + r.IntN(255))
		}
		return string(b)
	}
	for range n {
		uid += 1 + UID(r.IntN(3))
		m := Message{
			UID: uid, ModSeq: ModSeq(r.IntN(1000)), Flags: Flags(r.Uint64()) >> r.IntN(64), Size: int64(r.IntN(1<<20)) - 1, Disk: int64(r.IntN(1<<20)) - 1,
			Kind: kindOf(uint16(r.IntN(1 << 16))), inNew: r.IntN(9) == 0, internal: r.Int64() >> r.IntN(63), saved: int64(r.IntN(1 << 31)),
		}
		m.base = namer.Unique(time.Unix(1.7e9, 0))
		switch r.IntN(4) {
		case 0:
			m.base = disk.WithSizes(m.base, m.Disk, m.Size)
		case 1:
			m.base = disk.WithSizes(m.base, m.Disk, m.Size+1)
		case 2:
			m.base = bytes(1 + r.IntN(5))
		}
		m.tail = []string{"", ":2,", ":2,S", ":2,XYZ", ":1,odd"}[r.IntN(5)]
		if r.IntN(3) == 0 {
			m.uidl = bytes(r.IntN(70))
		}
		msgs = append(msgs, m)
	}
	return msgs
}

// What is packed comes out again, every field of it.
func TestPack(t *testing.T) {
	used := map[string]bool{}
	var unpacked scratch
	for seed := range uint64(50) {
		msgs := randomMessages(rand.New(rand.NewPCG(seed, 2)), int(seed)*10)
		for _, m := range msgs {
			v := reflect.ValueOf(m)
			for i := range v.NumField() {
				name := v.Type().Field(i).Name
				used[name] = used[name] || !v.Field(i).IsZero()
			}
		}
		if got := unpacked.unpack(pack(nil, msgs), len(msgs)); !slices.Equal(got, msgs) {
			t.Fatalf("seed %d: packed\n%+v\nunpacked\n%+v", seed, msgs, got)
		}
	}
	for name, was := range used {
		if !was {
			t.Errorf("this test leaves the field %s of a Message empty", name)
		}
	}
}

// decodeBytes reads a file that has b, as written in another start of the system.
func decodeBytes(t *testing.T, b []byte) (*Snapshot, int64, error) {
	path := filepath.Join(t.TempDir(), "snapshot")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := disk.OS.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return decodeKept(f, 8, new(atomic.Bool))
}

// A file of an earlier start of the system that was damaged anywhere is not believed.
func TestDamagedKept(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 3))
	s := newSnapshot(snapshotHead{7, 9999, 1000, nil}, randomMessages(r, 700))
	good, err := encodeKept(s, 42, 7)
	if err != nil {
		t.Fatal(err)
	}
	got, stamp, err := decodeBytes(t, good)
	if err != nil || stamp != 42 {
		t.Fatal(stamp, err)
	}
	if again, err := encodeKept(got, 42, 7); err != nil || string(again) != string(good) {
		t.Error("what was read is written otherwise", err)
	}
	if got.FirstUnseen() != s.FirstUnseen() || got.chunks[0].opened.Load() != nil {
		t.Error("the first unseen message is another, or was looked for")
	}
	var want naive
	for _, m := range s.All() {
		want = append(want, *m)
	}
	same(t, got, want)
	for range 200 {
		bad := slices.Clone(good)
		switch i := r.IntN(len(bad)); r.IntN(3) {
		case 0:
			bad[i] ^= 1 << r.IntN(8)
		case 1:
			bad = bad[:i]
		case 2:
			clear(bad[i:])
		}
		if _, _, err := decodeBytes(t, bad); err == nil && string(bad) != string(good) {
			t.Fatal("a damaged file was believed")
		}
	}
}

// hookedFile calls a function before its next read.
type hookedFile struct {
	disk.File
	before func()
}

func (f *hookedFile) ReadAt(b []byte, off int64) (int, error) {
	if fn := f.before; fn != nil {
		f.before = nil
		fn()
	}
	return f.File.ReadAt(b, off)
}

// A session that opens the last chunk, which closes the file, does not disturb who writes the next one.
func TestKeepingWhileChunksAreOpened(t *testing.T) {
	s := newSnapshot(snapshotHead{7, 9999, 1000, nil}, randomMessages(rand.New(rand.NewPCG(1, 4)), 200))
	good := must[[]byte](t)(encodeKept(s, 42, 7))
	path := filepath.Join(t.TempDir(), "snapshot")
	if err := os.WriteFile(path, good, 0o600); err != nil {
		t.Fatal(err)
	}
	f := &hookedFile{File: must[disk.File](t)(disk.OS.Open(path))}
	var damaged atomic.Bool
	got, _, err := decodeKept(f, 7, &damaged)
	if err != nil {
		t.Fatal(err)
	}
	f.before = func() { got.chunks[0].msgs() }
	if again, err := encodeKept(got, 42, 7); err != nil || string(again) != string(good) || damaged.Load() {
		t.Error("it is written otherwise", err)
	}
}

// A disk that fails under a file that was whole costs a look at the rows, and nothing that was
// wrong is written.
func TestFailingKept(t *testing.T) {
	ctx, data := context.Background(), fastDir(t)
	if err := Create(data); err != nil {
		t.Fatal(err)
	}
	var s *Store
	var a *Account
	open := func() *Mailbox {
		var err error
		if s, err = crashStore(data, "", disk.OS); err != nil {
			t.Fatal(err)
		}
		if a, err = s.Account(ctx, "a@example.org", testPolicy); err != nil {
			t.Fatal(err)
		}
		m, err := a.Mailbox(ctx, Inbox)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	end := func(m *Mailbox) {
		m.Close()
		a.Close()
		s.Close()
	}
	m := open()
	deliver(t, a, Inbox, 5)
	end(m)
	for i, look := range []func(m *Mailbox) error{
		func(m *Mailbox) error {
			m.Snapshot().At(2)
			_, err := m.Refresh(ctx)
			return err
		},
		func(m *Mailbox) error {
			res, err := m.Store(ctx, []UID{2, 3}, StoreOp{Flags: []string{`\Flagged`}})
			if err == nil && len(res.Gone) > 0 {
				err = fmt.Errorf("UIDs %v are gone", res.Gone)
			}
			return err
		},
	} {
		end(open()) // it is written
		path := filepath.Join(disk.AccountDir(data, "a@example.org"), "snapshot-1")
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		b[len(b)-9] ^= 1
		os.WriteFile(path, b, 0o600)
		m := open()
		if m.Snapshot().chunks[0].kept == nil {
			t.Fatal("the file was not used")
		}
		if err := look(m); err != nil {
			t.Error(i, err)
		}
		if got := m.Snapshot().At(2); got.UID != 3 || got.base == "" {
			t.Errorf("message 3 is %+v", got)
		}
		if problems, err := a.Check(ctx); err != nil || len(problems) > 0 {
			t.Error(err, problems)
		}
		end(m)
	}
}

// Whatever happens to a folder, to its index and to the file, by whichever of two
// processes, and wherever they are killed, an opening finds what the rows say. The checks
// compare the two.
func TestKeptIsTheTruth(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { keptLaw(t, rand.New(rand.NewPCG(seed, 4))) })
	}
}

func keptLaw(t *testing.T, r *rand.Rand) {
	ctx, data, backup := context.Background(), fastDir(t), ""
	if err := Create(data); err != nil {
		t.Fatal(err)
	}
	dir := disk.AccountDir(data, "a@example.org")
	file := filepath.Join(dir, "snapshot-1")
	var s [2]*Store
	begin := func(i int) *Account {
		if s[i] == nil {
			var err error
			if s[i], err = Open(Options{DataDir: data, Locks: locking.NewInProcess(), Bus: notify.NewInProcess(), KeepExpunged: 20}); err != nil {
				t.Fatal(err)
			}
			s[i].keepAll = r.IntN(2) == 0
		}
		a, err := s[i].Account(ctx, "a@example.org", testPolicy)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	believed := 0
	for range 100 {
		i := r.IntN(2)
		a := begin(i)
		what := r.IntN(12)
		switch what {
		case 0, 1, 2:
			deliver(t, a, Inbox, 1+r.IntN(4)) // without opening the mailbox
		case 3, 4, 5, 6:
			m, err := a.Mailbox(ctx, Inbox)
			if err != nil {
				t.Fatal(err)
			}
			var uids []UID
			for _, x := range m.Snapshot().All() {
				if r.IntN(3) == 0 {
					uids = append(uids, x.UID)
				}
			}
			if _, err := m.Store(ctx, uids, StoreOp{Mode: StoreMode(r.IntN(3)), Flags: []string{[]string{`\Deleted`, `\Seen`, "work"}[r.IntN(3)]}}); err != nil {
				t.Fatal(err)
			}
			if what == 6 {
				if _, err := m.Expunge(ctx, nil); err != nil {
					t.Fatal(err)
				}
			}
			m.Close()
		case 7:
			name := filepath.Join(dir, "Maildir", "new", fmt.Sprintf("17%08d.M1P1.stranger", r.IntN(1e8)))
			if err := os.WriteFile(name, []byte(mail(1)), 0o600); err != nil {
				t.Fatal(err)
			}
		case 8:
			if b, err := os.ReadFile(file); err == nil && len(b) > 0 {
				b[r.IntN(len(b))] ^= 1
				os.WriteFile(file, b, 0o600)
			}
		case 9, 10: // ends, or is killed
			a.Close()
			if r.IntN(2) == 0 {
				die(s[i])
			} else {
				s[i].Close()
			}
			s[i] = nil
			continue
		case 11: // both end; the index is saved, or comes back from where it was saved
			a.Close()
			for k := range s {
				if s[k] != nil {
					s[k].Close()
					s[k] = nil
				}
			}
			db, _ := filepath.Glob(filepath.Join(dir, "index.db*"))
			if backup == "" {
				backup = fastDir(t)
				for _, f := range db {
					b, _ := os.ReadFile(f)
					os.WriteFile(filepath.Join(backup, filepath.Base(f)), b, 0o600)
				}
				continue
			}
			for _, f := range db {
				os.Remove(f)
			}
			saved, _ := os.ReadDir(backup)
			for _, f := range saved {
				b, _ := os.ReadFile(filepath.Join(backup, f.Name()))
				os.WriteFile(filepath.Join(dir, f.Name()), b, 0o600)
			}
			backup = ""
			continue
		}
		a.Close()
		a = begin(i)
		problems, err := a.Check(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range problems {
			// An index that comes back from a backup does not know of the UIDs since.
			if !strings.Contains(p.What, "list of UIDs") {
				t.Error(p)
			}
		}
		a.mu.Lock()
		if f := a.byName[Inbox]; f != nil {
			if old, _ := f.readKept(); old != nil {
				believed++
			}
		}
		a.mu.Unlock()
		a.Close()
	}
	for _, st := range s {
		if st != nil {
			st.Close()
		}
	}
	if believed < 10 {
		t.Errorf("a kept snapshot was believed %d times only", believed)
	}
}
