package maildir

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"
)

// smallDisk is a file system of 10 GiB, of which free bytes are left.
type smallDisk struct{ free atomic.Int64 }

func (d *smallDisk) space(string) (free, total int64, err error) { return d.free.Load(), 10 << 30, nil }

func TestMailLeavesRoom(t *testing.T) {
	s, d := newTestStore(t), &smallDisk{}
	s.opts.MinFree, s.opts.FreeSpace = 64<<20, d.space
	d.free.Store(64 << 20)
	a := s.account("a@example.org")
	deliver(t, a, Inbox, 3)
	in, trash := open(t, a, Inbox), open(t, a, "Trash")

	d.free.Store(64<<20 - 1)
	for what, err := range map[string]error{
		"question before": a.QuotaAllows(t.Context(), 1, 1),
		"delivery":        second(a.Deliver(t.Context(), Inbox, strings.NewReader(mail(0)), DeliverOptions{})),
		"APPEND":          second(in.Append(t.Context(), []Incoming{{R: strings.NewReader("x"), Size: 1}})),
	} {
		if !errors.Is(err, ErrDiskFull) {
			t.Errorf("%s: %v", what, err)
		}
	}
	// What makes room, or takes next to none, goes on.
	must[CopyResult](t)(in.Move(t.Context(), []UID{1}, trash))
	must[StoreResult](t)(in.Store(t.Context(), []UID{2}, StoreOp{Mode: StoreAdd, Flags: []string{`\Deleted`}}))
	must[ExpungeResult](t)(in.Expunge(t.Context(), nil))
	s.quiet()
	equal(t, "rests although it could not be opened again", rests(a), false)

	d.free.Store(1 << 30)
	deliver(t, a, Inbox, 1)
	equal(t, "left", uidsOf(refresh(t, in)), []UID{3, 4})
	s.quiet()
	equal(t, "rests", rests(a), true)
}

// Of a small file system a hundredth is left free, and not more than it has.
func TestRoomOfSmallDisk(t *testing.T) {
	s := newTestStore(t)
	free := int64(656 << 10)
	s.opts.MinFree = 64 << 20
	s.opts.FreeSpace = func(string) (int64, int64, error) { return free, 64 << 20, nil }
	deliver(t, s.account("a@example.org"), Inbox, 1)
	free = 655 << 10
	if err := s.account("a@example.org").QuotaAllows(t.Context(), 1, 1); !errors.Is(err, ErrDiskFull) {
		t.Errorf("err %v", err)
	}
}
