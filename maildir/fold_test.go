package maildir

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"bascule/maildir/disk"
)

// Whatever is packed while sessions look, they see the same messages; of a kept snapshot the file is closed once, and no sooner than it may.
func TestFoldChangesNothing(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 5))
	msgs := randomMessages(r, 3*chunkSize+17)
	want := make(naive, len(msgs))
	copy(want, msgs)
	made := newSnapshot(snapshotHead{7, 99999, 1000, nil}, msgs)
	path := filepath.Join(t.TempDir(), "snapshot")
	if err := os.WriteFile(path, must[[]byte](t)(encodeKept(made, 42, 7)), 0o600); err != nil {
		t.Fatal(err)
	}
	var damaged atomic.Bool
	kept, _, err := decodeKept(must[disk.File](t)(disk.OS.Open(path)), 7, &damaged)
	if err != nil {
		t.Fatal(err)
	}
	for name, s := range map[string]*Snapshot{"made": made, "kept": kept} {
		t.Run(name, func(t *testing.T) {
			stop := make(chan struct{})
			var folding, looking sync.WaitGroup
			for range 2 {
				folding.Go(func() {
					for {
						select {
						case <-stop:
							return
						default:
							s.fold()
						}
					}
				})
			}
			for k := range 4 {
				looking.Go(func() {
					for i := range 2000 {
						at := (i*37 + k*101) % len(want)
						if got := *s.At(at); got != want[at] {
							t.Errorf("message %d is %+v, was %+v", at, got, want[at])
							return
						}
					}
				})
			}
			looking.Wait()
			close(stop)
			folding.Wait()
			same(t, s, want)
			s.fold()
			if again := must[[]byte](t)(encodeKept(s, 42, 7)); string(again) != string(must[[]byte](t)(os.ReadFile(path))) {
				t.Error("it is kept otherwise")
			}
		})
	}
	if damaged.Load() {
		t.Error("a good file counts as damaged")
	}
	if kept.chunks[0].kept.left.Load() != 0 {
		t.Errorf("the file waits for %d chunks", kept.chunks[0].kept.left.Load())
	}
}

// A change and a comparison build on packed messages as on others, and do not unpack what they do not touch.
func TestFoldedSnapshotChanges(t *testing.T) {
	old := newSnapshot(snapshotHead{7, 99999, 1000, nil}, randomMessages(rand.New(rand.NewPCG(3, 6)), 4*chunkSize))
	old.fold()
	gone := old.At(1).UID
	old.fold()
	s := old.apply(snapshotHead{7, 99999, 1001, nil}, edit{remove: []UID{gone}})
	equal(t, "gone", Diff(old, s).GoneUIDs, []UID{gone})
	for i, c := range s.chunks[1:] {
		if c.opened.Load() != nil {
			t.Errorf("chunk %d was unpacked", i+1)
		}
	}
}

// BenchmarkFold100k unpacks all messages and packs them again. What a message takes in either form is told beside it.
func BenchmarkFold100k(b *testing.B) {
	const n = 100_000
	heap := func() float64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return float64(m.HeapAlloc)
	}
	before := heap()
	s := benchSnapshot(n)
	open := heap()
	s.fold()
	folded := heap()
	for b.Loop() {
		for _, c := range s.chunks {
			c.msgs()
		}
		for _, c := range s.chunks {
			c.folded.Store(nil)
		}
		s.fold()
	}
	b.ReportMetric((open-before)/n, "octets-open/message")
	b.ReportMetric((folded-before)/n, "octets-folded/message")
}
