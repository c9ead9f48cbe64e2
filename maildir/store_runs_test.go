package maildir

import (
	"context"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestStoreByRuns changes flags of messages with all kinds of neighbours: what one UPDATE
// writes for a run of them must be what was told, to the row. The account is read anew each
// time, and the store's check compares rows, files and counters at the end.
func TestStoreByRuns(t *testing.T) {
	ctx := context.Background()
	s := newTestStore(t)
	a := s.account("a@example.org")
	all := deliver(t, a, Inbox, 60)
	m := open(t, a, Inbox)
	r := rand.New(rand.NewPCG(7, 7))
	var pick []UID
	subset := func(of int) []UID {
		pick = pick[:0]
		for _, uid := range all {
			if r.IntN(of) > 0 {
				pick = append(pick, uid)
			}
		}
		return pick
	}
	if _, err := m.Store(ctx, subset(10)[:1], StoreOp{Mode: StoreAdd, Flags: []string{`\Deleted`}}); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Expunge(ctx, nil); err != nil {
		t.Fatal(err)
	}
	flags := []string{`\Seen`, `\Flagged`, `\Answered`, "$one", "$two"}
	for range 40 {
		since := m.Snapshot().HighestModSeq() - ModSeq(r.IntN(3))
		op := StoreOp{Mode: StoreMode(r.IntN(3)), Flags: flags[r.IntN(len(flags)):]}
		if r.IntN(2) == 0 {
			op.UnchangedSince = &since
		}
		was := m.Snapshot()
		res, err := m.Store(ctx, subset(2+r.IntN(8)), op)
		if err != nil {
			t.Fatal(err)
		}
		bits, _ := res.Snapshot.ParseFlags(op.Flags)
		for _, msg := range was.All() {
			want := msg.Flags
			if slices.Contains(pick, msg.UID) && !slices.Contains(res.Modified, msg.UID) {
				switch op.Mode {
				case StoreReplace:
					want = bits
				case StoreAdd:
					want |= bits
				case StoreRemove:
					want &^= bits
				}
			}
			now := res.Snapshot.Find(msg.UID)
			equal(t, "flags", now.Flags, want)
			equal(t, "modseq is new", now.ModSeq > was.HighestModSeq(), want != msg.Flags)
		}
		// What a process that reads the rows sees.
		var rows []Message
		err = a.read(ctx, func(tx tx) error {
			read, err := m.f.loadAll(tx)
			if err == nil {
				for _, x := range read.All() {
					rows = append(rows, *x)
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		for i, x := range res.Snapshot.All() {
			equal(t, "row", rows[i], *x)
		}
	}
	m.Close()
	s.check()
}
