package maildir

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// naive is a snapshot without chunks: what apply and Diff must agree with.
type naive []Message

func (n naive) apply(e edit) naive {
	var out naive
	for _, m := range n {
		if slices.Contains(e.remove, m.UID) {
			continue
		}
		if i := slices.IndexFunc(e.replace, func(r Message) bool { return r.UID == m.UID }); i >= 0 {
			m = e.replace[i]
		}
		if slices.ContainsFunc(e.add, func(r Message) bool { return r.UID == m.UID }) {
			continue
		}
		out = append(out, m)
	}
	out = append(out, e.add...)
	slices.SortFunc(out, func(a, b Message) int { return int(a.UID) - int(b.UID) })
	return out
}

func (n naive) diff(to naive) (d Delta) {
	uid := func(u UID) func(Message) bool { return func(m Message) bool { return m.UID == u } }
	for i, m := range n {
		k := slices.IndexFunc(to, uid(m.UID))
		switch {
		case k < 0:
			d.Gone, d.GoneUIDs = append(d.Gone, i), append(d.GoneUIDs, m.UID)
		case to[k].ModSeq != m.ModSeq:
			d.Changed = append(d.Changed, m.UID)
		}
	}
	for _, m := range to {
		if !slices.ContainsFunc(n, uid(m.UID)) {
			d.Added++
		}
	}
	return d
}

// randomEdit changes some messages of n, removes some, adds some after the last one and
// now and then one in the middle, in the orders that apply asks for.
func randomEdit(r *rand.Rand, n naive, next *UID, mod ModSeq) (e edit) {
	rate := []float64{0, 0.01, 0.3, 1}
	change, remove := rate[r.IntN(3)], rate[r.IntN(4)]*float64(r.IntN(2))
	last := UID(0)
	for _, m := range n {
		if r.Float64() < 0.002 && m.UID > last+1 {
			e.add = append(e.add, Message{UID: m.UID - 1, ModSeq: mod, Size: 7})
		}
		last = m.UID
		switch x := r.Float64(); {
		case x < remove:
			e.remove = append(e.remove, m.UID)
		case x < remove+change:
			m.ModSeq, m.Flags, m.Size = mod, Flags(r.IntN(64)), int64(r.IntN(100))-1
			e.replace = append(e.replace, m)
		}
	}
	if r.IntN(4) == 0 {
		e.remove = append(e.remove, *next+5) // one that is not there
	}
	for range r.IntN(3) * r.IntN(300) {
		e.add = append(e.add, Message{UID: *next, ModSeq: mod, Flags: Flags(r.IntN(64)), Size: int64(r.IntN(100)) - 1, Disk: 3})
		*next += UID(1 + r.IntN(3))
	}
	return e
}

// Whatever is done to a snapshot, it is what a plain list would be, its counters are
// those of its messages, and Diff tells what lies between any two.
func TestSnapshotLaws(t *testing.T) {
	for seed := range uint64(4) {
		r := rand.New(rand.NewPCG(seed, 1))
		s, n, next := newSnapshot(snapshotHead{}, nil), naive(nil), UID(1)
		olds, plains := []*Snapshot{s}, []naive{n}
		for mod := ModSeq(1); mod < 30; mod++ {
			e := randomEdit(r, n, &next, mod)
			s, n = s.apply(snapshotHead{uidNext: next, modSeq: mod}, e), n.apply(e)
			same(t, s, n)
			k := r.IntN(len(olds))
			got, want := Diff(olds[k], s), plains[k].diff(n)
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Fatalf("seed %d, %d→%d: Diff is\n%v, not\n%v", seed, k, mod, got, want)
			}
			olds, plains = append(olds, s), append(plains, n)
		}
		for k := range olds {
			same(t, olds[k], plains[k]) // none was changed by what came after
		}
	}
}

func same(t *testing.T, s *Snapshot, n naive) {
	t.Helper()
	if s.Len() != len(n) {
		t.Fatalf("%d messages, not %d", s.Len(), len(n))
	}
	for i, m := range s.All() {
		if *m != n[i] || *s.At(i) != n[i] {
			t.Fatalf("message %d is %+v, not %+v", i, *m, n[i])
		}
		if k, ok := s.Index(m.UID); !ok || k != i {
			t.Fatalf("UID %d is found at %d, not %d", m.UID, k, i)
		}
	}
	for _, f := range [][2]Flags{{0, 0}, {FlagSeen, 0}, {0, FlagSeen}, {FlagFlagged, FlagSeen | FlagDraft}, {FlagSeen, FlagSeen}, {1 << 40, 0}, {0, 1 << 40}} {
		from, to := s.Len()/3, s.Len()-s.Len()/5
		var want, got []int
		for i := from; i < to; i++ {
			if n[i].Flags&f[0] == f[0] && n[i].Flags&f[1] == 0 {
				want = append(want, i)
			}
		}
		for i, m := range s.WithFlags(from, to, f[0], f[1]) {
			if *m != n[i] {
				t.Fatalf("message %d is %+v, not %+v", i, *m, n[i])
			}
			got = append(got, i)
		}
		if !slices.Equal(got, want) {
			t.Fatalf("with %b and without %b are %d, not %d", f[0], f[1], got, want)
		}
	}
	c := assemble(s.head(), s.chunks)
	if c.unseen != s.unseen || c.deleted != s.deleted || c.bytes != s.bytes || c.deletedBytes != s.deletedBytes ||
		c.unsized != s.unsized || c.disk != s.disk || c.count != s.count {
		t.Fatalf("counters %+v, not %+v", *s, *c)
	}
	if s.Len() > 0 && len(s.chunks) > 1+4*s.Len()/chunkSize+s.Len()/64 {
		t.Errorf("%d messages lie in %d chunks", s.Len(), len(s.chunks))
	}
}
