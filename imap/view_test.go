package imap

import (
	"context"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"bascule/imap/wire"
	"bascule/internal/notify"
	"bascule/locking"
	"bascule/maildir"
)

// openMailbox gives an empty mailbox of a store of its own.
func openMailbox(t testing.TB) *maildir.Mailbox {
	t.Helper()
	dir := t.TempDir()
	if err := maildir.Create(dir); err != nil {
		t.Fatal(err)
	}
	store, err := maildir.Open(maildir.Options{DataDir: dir, Locks: locking.NewInProcess(), Bus: notify.NewInProcess()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	acct, err := store.Account(context.Background(), "a@example.org", maildir.Policy{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(acct.Close)
	m, err := acct.Mailbox(context.Background(), maildir.Inbox)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	return m
}

// naiveClient is a client's memory, kept as RFC 9051 §7.5 tells clients to: a list that grows by EXISTS and closes up at EXPUNGE.
type naiveClient struct {
	uids  []maildir.UID
	flags map[maildir.UID]maildir.Flags
}

func (c *naiveClient) hear(t *testing.T, v *view, n news) {
	t.Helper()
	for _, seq := range n.expunged {
		if int(seq) < 1 || int(seq) > len(c.uids) {
			t.Fatalf("EXPUNGE %d of %d", seq, len(c.uids))
		}
		delete(c.flags, c.uids[seq-1])
		c.uids = slices.Delete(c.uids, int(seq)-1, int(seq))
	}
	if !n.arrived && v.Len() != len(c.uids) {
		t.Fatalf("%d messages without EXISTS, the client knows %d", v.Len(), len(c.uids))
	}
	for i := len(c.uids); i < v.Len(); i++ {
		uid := v.UID(SeqNum(i + 1))
		c.uids = append(c.uids, uid)
		if m := v.Message(SeqNum(i + 1)); m != nil {
			c.flags[uid] = m.Flags
		}
	}
	for _, uid := range n.changed {
		seq, ok := v.Seq(uid)
		if !ok {
			t.Fatalf("a change of UID %d, which has no number", uid)
		}
		if m := v.Message(seq); m != nil {
			c.flags[uid] = m.Flags
		}
	}
}

// agree compares the view with what the client makes of what it was told.
func (c *naiveClient) agree(t *testing.T, v *view) {
	t.Helper()
	if v.Len() != len(c.uids) {
		t.Fatalf("the view has %d messages, the client %d", v.Len(), len(c.uids))
	}
	for i, uid := range c.uids {
		n := SeqNum(i + 1)
		if got := v.UID(n); got != uid {
			t.Fatalf("number %d is UID %d, the client says %d", n, got, uid)
		}
		if got, ok := v.Seq(uid); !ok || got != n {
			t.Fatalf("UID %d has number %d %v, the client says %d", uid, got, ok, n)
		}
		still := v.snap.Find(uid)
		if m := v.Message(n); m != still {
			t.Fatalf("number %d: message %v, want %v", n, m, still)
		}
		if still != nil && c.flags[uid] != still.Flags {
			t.Fatalf("UID %d: the client believes flags %x, they are %x", uid, c.flags[uid], still.Flags)
		}
	}
	if v.UID(0) != 0 || v.UID(SeqNum(len(c.uids)+1)) != 0 {
		t.Fatal("a number beyond the mailbox has a UID")
	}
	var seen []maildir.UID
	if len(c.uids) > 0 {
		for n, m := range v.each([]span{{1, SeqNum(len(c.uids))}}) {
			if m == nil {
				m = &maildir.Message{UID: v.UID(n)}
			}
			seen = append(seen, m.UID)
		}
	}
	if !slices.Equal(seen, c.uids) {
		t.Fatalf("each gives %v, want %v", seen, c.uids)
	}
}

// edit changes the mailbox in some random way.
func edit(t *testing.T, m *maildir.Mailbox, r *rand.Rand) {
	t.Helper()
	ctx := context.Background()
	snap := m.Snapshot()
	pick := func() (uids []maildir.UID) {
		for i := range snap.Len() {
			if r.IntN(4) == 0 {
				uids = append(uids, snap.At(i).UID)
			}
		}
		return uids
	}
	var err error
	switch r.IntN(4) {
	case 0, 1:
		var in []maildir.Incoming
		for range 1 + r.IntN(4) {
			in = append(in, maildir.Incoming{R: io.Reader(strings.NewReader("a: b\r\n\r\n")), Size: 8})
		}
		_, err = m.Append(ctx, in)
	case 2:
		_, err = m.Store(ctx, pick(), maildir.StoreOp{Mode: maildir.StoreMode(r.IntN(3)), Flags: []string{`\Seen`}})
	case 3:
		uids := pick()
		if _, err = m.Store(ctx, uids, maildir.StoreOp{Mode: maildir.StoreAdd, Flags: []string{`\Deleted`}}); err == nil {
			_, err = m.Expunge(ctx, uids)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Three clients that are told at different moments, one of them seldom of expunges, always know what the mailbox is by
// what they were told.
func TestViewAgainstNaiveClients(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	m := openMailbox(t)
	views := make([]view, 3)
	clients := make([]naiveClient, len(views))
	for i := range views {
		views[i].snap = m.Snapshot()
		clients[i].flags = map[maildir.UID]maildir.Flags{}
	}
	for range 300 {
		edit(t, m, r)
		for i := range views {
			if r.IntN(i+1) > 0 {
				continue
			}
			mayExpunge := r.IntN(3) >= i
			n, err := views[i].advance(m.Snapshot(), mayExpunge)
			if err != nil {
				t.Fatal(err)
			}
			if !mayExpunge && len(n.expunged) > 0 {
				t.Fatal("an EXPUNGE that was not allowed")
			}
			clients[i].hear(t, &views[i], n)
			clients[i].agree(t, &views[i])
			if len(n.vanished) != len(n.expunged) || !slices.IsSorted(n.vanished) {
				t.Fatalf("%d expunged, vanished %v", len(n.expunged), n.vanished)
			}
			// Who loses the connection now asks from here, and must be told of everything that it still numbers.
			gone, complete, err := m.Vanished(context.Background(), views[i].whole())
			if err != nil || !complete {
				t.Fatal(complete, err)
			}
			for _, uid := range clients[i].uids {
				if _, there := m.Snapshot().Index(uid); !there && !slices.Contains(gone, uid) {
					t.Fatalf("UID %d would never be told as gone", uid)
				}
			}
			if mayExpunge && (views[i].held != nil || views[i].Len() != m.Snapshot().Len()) {
				t.Fatal("a client that was told everything is not in step")
			}
		}
	}
}

// A session in step holds a pointer; one that is out of step holds its numbers and no old snapshot.
func TestViewHoldsLittle(t *testing.T) {
	m := openMailbox(t)
	r := rand.New(rand.NewPCG(1, 2))
	for m.Snapshot().Len() < 20 {
		edit(t, m, r)
	}
	v := view{snap: m.Snapshot()}
	for range 30 {
		edit(t, m, r)
		if _, err := v.advance(m.Snapshot(), false); err != nil {
			t.Fatal(err)
		}
		if v.snap != m.Snapshot() {
			t.Fatal("the view keeps an old snapshot")
		}
	}
	if _, err := v.advance(m.Snapshot(), true); err != nil || v.held != nil {
		t.Fatalf("not in step again: %v", err)
	}
}

// A snapshot that contradicts what the client was told ends the session instead of misnumbering.
func TestViewRefusesWhatCannotBe(t *testing.T) {
	a := openMailbox(t)
	ctx := context.Background()
	put := func(m *maildir.Mailbox, n int) *maildir.Snapshot {
		for range n {
			if _, err := m.Append(ctx, []maildir.Incoming{{R: strings.NewReader("a: b\r\n\r\n"), Size: 8}}); err != nil {
				t.Fatal(err)
			}
		}
		return m.Snapshot()
	}
	before := put(a, 2)
	all, err := a.Store(ctx, []maildir.UID{1}, maildir.StoreOp{Mode: maildir.StoreAdd, Flags: []string{`\Deleted`}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Expunge(ctx, nil); err != nil {
		t.Fatal(err)
	}
	back := view{snap: a.Snapshot()} // UID 1 went, and now comes again below UID 2
	if _, err := back.advance(before, true); err != errOutOfStep {
		t.Errorf("a message that comes back below another: %v", err)
	}
	if _, err := a.Account().CreateMailbox(ctx, "Other", nil); err != nil {
		t.Fatal(err)
	}
	b, err := a.Account().Mailbox(ctx, "Other")
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	v := view{snap: all.Snapshot}
	if _, err := v.advance(put(b, 2), true); err != errOutOfStep {
		t.Errorf("another UIDVALIDITY: %v", err)
	}
}

// BenchmarkSets resolves what clients name messages by, in a view of 1,000 messages: runs, many single numbers, UIDs.
func BenchmarkSets(b *testing.B) {
	m := openMailbox(b)
	in := make([]maildir.Incoming, 1000)
	for i := range in {
		in[i].R = strings.NewReader("a: b\r\n\r\nc\r\n")
	}
	if _, err := m.Append(context.Background(), in); err != nil {
		b.Fatal(err)
	}
	v := view{snap: m.Snapshot()}
	run := wire.NumSet{Ranges: wire.Ranges{{Start: 1, Stop: 1000}}}
	var single wire.NumSet
	for i := uint32(1); i < 1000; i += 2 {
		single.Ranges = append(single.Ranges, wire.Range{Start: i, Stop: i})
	}
	for _, x := range []struct {
		name string
		set  wire.NumSet
	}{{"one run", run}, {"500 numbers", single}} {
		b.Run("seq "+x.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := v.bySeq(x.set); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("uid "+x.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				v.byUID(x.set)
			}
		})
	}
}
