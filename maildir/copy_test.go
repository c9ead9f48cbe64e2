package maildir

import (
	"context"
	"testing"
)

// A COPY changes cur/ of its target, which must not look like a stranger's change: the next look
// would read the whole directory.
func TestCopyLeavesNothingToScan(t *testing.T) {
	s := newTestStore(t)
	a := s.account("a@example.org")
	deliver(t, a, Inbox, 4)
	src, dst := open(t, a, Inbox), open(t, a, "Trash")
	for n := 1; n <= 3; n++ {
		if _, err := src.Copy(context.Background(), []UID{1, 2, 3}[:n], dst); err != nil {
			t.Fatal(err)
		}
		for _, m := range []*Mailbox{src, dst} {
			a.mu.Lock()
			_, settled, err := m.f.times()
			a.mu.Unlock()
			if err != nil || !settled {
				t.Errorf("after a COPY of %d, %s is to be read: %v", n, m.Name(), err)
			}
		}
	}
}

// A COPY whose messages change between its plan and its commit takes the other way.
func TestCopyWithoutItsPlan(t *testing.T) {
	s := newTestStore(t)
	a := s.account("a@example.org")
	deliver(t, a, Inbox, 3)
	src, dst := open(t, a, Inbox), open(t, a, "Trash")
	ctx := context.Background()
	plan, err := src.planLinks(ctx, []UID{1, 2}, dst, Transfer{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := src.Store(ctx, []UID{2}, StoreOp{Mode: StoreAdd, Flags: []string{`\Flagged`}}); err != nil {
		t.Fatal(err)
	}
	if err := a.write(ctx, func(w *writing) error {
		x := newTransfer(w, src.f, dst.f, false)
		x.plan = plan
		return x.run(src.Snapshot(), []UID{1, 2})
	}); err != nil {
		t.Fatal(err)
	}
	if now := dst.Snapshot(); now.Len() != 2 || now.At(1).Flags&FlagFlagged == 0 {
		t.Errorf("%d messages, the second with %v", now.Len(), now.At(1).Flags)
	}
	if err := a.read(ctx, func(tx tx) error {
		all, err := tx.Intents()
		for _, in := range all {
			if in.ID == plan.id {
				t.Error("the plan is still to be done")
			}
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}
